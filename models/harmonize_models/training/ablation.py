"""`python -m harmonize_models.training.ablation`: what each part of SceneFit and of its training brings.

Every variant lacks one thing, starts from the same backbone, sees the same number of composites and is measured on the
same held-out ones. Short runs only tell large effects from none: two runs of one variant differ by some hundredths
of a decibel.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ..checkpoints import SHIPPED_DIR
from ..commands import carried_out
from ..data.composites import CompositeMaker, Recipe, seeded
from ..data.photos import PhotoSet, load_photos
from ..data.sources import Skipped
from ..evaluation.cases import Cases, build_cases
from ..evaluation.parts import WholeFrame, with_one_look, without_attention, without_deeper_blocks
from ..networks.folding import calibrate, insert_norms
from ..networks.scenefit import PIECES, SUMMARY, SceneFit
from ..weight_files import load_weights
from .checkpoint import start_from
from .config import TrainConfig, preset
from .distributed import join
from .scenefit import PlanLoss, SceneFitTrainer

NORMS = r"\.squeeze$"
"""The backbone is trained with norms behind these convolutions, as S²CRNet's is here."""


class Silent(nn.Module):
    """Stands where a module was left out: zeros of its width."""

    def __init__(self, width: int | None = None) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x) if self.width is None else x.new_zeros(*x.shape[:-1], self.width)


def _without(module: str, width: int | None = None) -> Callable[[SceneFit], None]:
    return lambda network: setattr(network, module, Silent(width))


def _without_local_grid(network: SceneFit) -> None:
    network.local_share = 0.0
    network.local_head = nn.Linear(network.local_head.in_features, network.local_head.out_features)
    for parameter in network.local_head.parameters():
        nn.init.zeros_(parameter)


def _whole(network: SceneFit) -> None:
    return None


@dataclass(frozen=True)
class Variant:
    """SceneFit and its training with one thing changed."""

    name: str
    build: type[SceneFit] = SceneFit
    lacks: Callable[[SceneFit], None] = _whole
    loss: PlanLoss = field(default_factory=PlanLoss)
    recipe: Recipe = field(default_factory=lambda: preset("scenefit").recipe)
    settles: bool = True


_RECIPE = preset("scenefit").recipe
VARIANTS: tuple[Variant, ...] = (
    Variant("as it is"),
    Variant("without statistics", lacks=_without("statistics", SUMMARY)),
    Variant("without attention", lacks=without_attention),
    Variant("without the deeper blocks", lacks=without_deeper_blocks),
    Variant("without pooled features", lacks=_without("standardise_pools")),
    Variant("one look only", lacks=with_one_look),
    Variant("foreground not enlarged", build=WholeFrame),
    Variant("without curves", lacks=_without("curve_head", 4 * PIECES)),
    Variant("without the affine transform", lacks=_without("affine_head", 12)),
    Variant("without the local grid", lacks=_without_local_grid),
    Variant("loss: RMSE alone", loss=PlanLoss(mse=0.0)),
    Variant("loss: MSE alone", loss=PlanLoss(rmse=0.0, mse=10.0)),
    Variant("composites: edits by hand only", recipe=replace(_RECIPE, edit_share=1 - _RECIPE.identity_share)),
    Variant("composites: transfers only", recipe=replace(_RECIPE, edit_share=0.0)),
    Variant("composites: exact masks only", recipe=replace(_RECIPE, vary_masks=False)),
    Variant("composites: no scenes in another light", recipe=replace(_RECIPE, scene_share=0.0)),
    Variant("composites: nothing pasted from another light", recipe=replace(_RECIPE, pasted_share=0.0)),
    Variant("without second looks in training", loss=PlanLoss(second=0)),
    Variant("without settled results", settles=False),
)


def train(variant: Variant, config: TrainConfig, photos: PhotoSet, cases: Cases, init: Path, folder: Path) -> None:
    """Train one variant from `init` and measure it once, into the log of `folder`."""
    torch.manual_seed(config.seed)
    network = variant.build()
    insert_norms(network, NORMS)
    start_from(network, load_weights(init))
    maker = CompositeMaker(photos, variant.recipe)
    sample = maker.batch(64, config.size, seeded(config.seed))
    calibrate(network, sample.composite, sample.mask)
    variant.lacks(network)
    trainer = SceneFitTrainer(config, network, maker, cases, folder, join("cpu"), report=lambda line: None)
    trainer.weights, trainer.settles = variant.loss, variant.settles
    trainer.resume()
    trainer.run()


def table(folders: Sequence[tuple[str, Path]]) -> list[str]:
    """The last row of every variant's log as a table."""
    lines = ["| | PSNR | fMSE | worse |", "|---|---|---|---|"]
    for name, folder in folders:
        with (folder / "log.csv").open(encoding="utf-8") as log:
            last = list(csv.DictReader(log))[-1]
        lines.append(f"| {name} | {float(last['psnr']):.2f} | {float(last['fmse']):.0f} | {float(last['worse']):.0%} |")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m harmonize_models.training.ablation", description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, default=Path("runs/ablation"), help="a folder for each variant; resumes")
    parser.add_argument(
        "--init", type=Path, default=SHIPPED_DIR / "s2crnet-cs.safetensors", help="the backbone's start"
    )
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1, help="another one tells how far two runs of a variant differ")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--limit", type=int, help="use only so many photos")
    parser.add_argument("--only", nargs="+", choices=[v.name for v in VARIANTS], metavar="NAME", help="these variants")
    return carried_out(parser, argv, run)


def run(args: argparse.Namespace) -> int:
    """Train and print as the flags say; returns the exit status. Raises a ModelError."""
    torch.set_num_threads(1)
    config = replace(
        preset("scenefit"),
        steps=args.steps,
        size=args.size,
        learning_rate=1.2e-3,
        warm_up=min(100, args.steps // 4),
        ema=0.99,
        bf16=args.bf16,
        seed=args.seed,
        batch_norm=NORMS,
        validate_minutes=1e9,
    )
    photos = load_photos(args.data, "train", config.held_side(), Skipped(), args.limit)
    cases = build_cases(load_photos(args.data, "val", args.size, Skipped(), args.limit), args.size)
    done: list[tuple[str, Path]] = []
    for variant in (v for v in VARIANTS if args.only is None or v.name in args.only):
        folder = args.output / variant.name.replace(": ", "-").replace(" ", "-")
        train(variant, config, photos, cases, args.init, folder)
        done.append((variant.name, folder))
        print("\n".join(table(done[-1:])[2:]), flush=True)
    print("\n".join([f"{len(cases)} composites, hash {cases.digest()}, {args.size} px", "", *table(done)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
