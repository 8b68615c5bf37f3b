"""`python -m harmonize_models.training.speed`: images per second of synthesis alone, of forward, of a whole step."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from ..networks import registry
from .composites import CompositeMaker, seeded
from .distributed import describe
from .folding import insert_norms
from .losses import parse_loss, pixel_loss
from .photos import load_photos
from .sources import Skipped


def images_per_second(work: Callable[[], None], images: int, device: torch.device, repeats: int) -> float:
    """The best of a few runs. On a CPU its own time counts, so that other processes on the machine do not."""
    clock = time.perf_counter if device.type != "cpu" else time.process_time
    best = float("inf")
    for _ in range(repeats + 1):
        start = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, clock() - start)
    return images / best


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m harmonize_models.training.speed", description=__doc__)
    parser.add_argument("network")
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 128, 256])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--batch-norm", default="", help="as in training")
    parser.add_argument("--limit", type=int, default=200, help="photos to load")
    parser.add_argument("--repeats", type=int, default=4)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    device = torch.device(args.device)
    print(f"{args.network}, batch {args.batch}, {'bf16' if args.bf16 else 'fp32'}, {describe(device)}: images/s")
    print("| size | synthesis | forward | step with synthesis |\n|---|---|---|---|")
    for size in args.sizes:
        rates = _rates(args, size, device)
        print(f"| {size} | " + " | ".join(f"{rate:.0f}" for rate in rates) + " |", flush=True)
    return 0


def _rates(args: argparse.Namespace, size: int, device: torch.device) -> tuple[float, float, float]:
    photos = load_photos(args.data, "train", -(-size * 9 // 8), Skipped(), args.limit).to(device)
    maker = CompositeMaker(photos)
    network = registry.get(args.network).build()
    if args.batch_norm:
        insert_norms(network, args.batch_norm)
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    weights = parse_loss("relative_l1=1,rmse=1")
    batch = maker.batch(args.batch, size, seeded(0))
    number = iter(range(1_000_000))

    def synthesize() -> None:
        maker.batch(args.batch, size, seeded(1, next(number)))

    @torch.no_grad()
    def forward() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=args.bf16):
            network(batch.composite, batch.mask, batch.label)

    def step() -> None:
        made = maker.batch(args.batch, size, seeded(2, next(number)))
        with torch.autocast(device.type, torch.bfloat16, enabled=args.bf16):
            prediction = network(made.composite, made.mask, made.label)
        optimizer.zero_grad(set_to_none=True)
        pixel_loss(weights, prediction, made.target, made.mask).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    measured = [images_per_second(work, args.batch, device, args.repeats) for work in (synthesize, forward, step)]
    return measured[0], measured[1], measured[2]


if __name__ == "__main__":
    sys.exit(main())
