"""`python -m harmonize_models.training.speed`: images per second of synthesis, of forward, of a step as in a run."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..commands import carried_out
from ..data.composites import Batch, CompositeMaker, seeded
from ..data.photos import load_photos
from ..data.sources import Skipped
from ..evaluation.cases import Cases
from ..networks import registry
from ..networks.folding import insert_norms
from .config import preset
from .distributed import Worker, describe
from .trainers import trainer_for


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
    return carried_out(parser, argv, _run)


def _run(args: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    device = torch.device(args.device)
    print(f"{args.network}, batch {args.batch}, {'bf16' if args.bf16 else 'fp32'}, {describe(device)}: images/s")
    print("| size | synthesis | forward | step with synthesis |\n|---|---|---|---|")
    for size in args.sizes:
        rates = _rates(args, size, device)
        print(f"| {size} | " + " | ".join(f"{rate:.0f}" for rate in rates) + " |", flush=True)
    return 0


def _rates(args: argparse.Namespace, size: int, device: torch.device) -> tuple[float, float, float]:
    """Of synthesis, forward and whole steps at `size` px."""
    config = replace(
        preset(args.network), size=size, batch=args.batch, bf16=args.bf16, batch_norm=args.batch_norm, steps=1_000_000
    )
    photos = load_photos(args.data, "train", config.held_side(), Skipped(), args.limit).to(device)
    maker = CompositeMaker(photos, config.recipe)
    spec = registry.get(args.network)
    network = spec.build()
    if config.batch_norm:
        insert_norms(network, config.batch_norm)
    batch = maker.batch(config.batch, size, seeded(0))
    worker = Worker(0, 1, device)
    trainer = trainer_for(spec.key)(config, network, maker, _as_cases(batch), Path(), worker, spec.semantic)
    number = iter(range(1_000_000))

    def synthesize() -> None:
        maker.batch(config.batch, size, seeded(1, next(number)))

    @torch.no_grad()
    def forward() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
            trainer.network(batch.composite, batch.mask, batch.label)

    def rate(work: Callable[[], None]) -> float:
        return images_per_second(work, config.batch, device, args.repeats)

    return rate(synthesize), rate(forward), rate(trainer.train_step)


def _as_cases(batch: Batch) -> Cases:
    """Something small to validate on, which a trainer asks for."""

    def stored(pictures: Tensor) -> Tensor:
        return (pictures[:2] * 255).round().to(torch.uint8).cpu()

    composites, masks, targets = stored(batch.composite), stored(batch.mask), stored(batch.target)
    labels, kinds = batch.label[:2].cpu(), torch.full((2,), -1)
    return Cases(composites, masks, targets, labels, kinds, ("one", "two"), torch.arange(2))


if __name__ == "__main__":
    sys.exit(main())
