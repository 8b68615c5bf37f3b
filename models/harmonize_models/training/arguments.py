"""The flags of `harmonize train`. Imports no torch, so that `--help` is there at once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..commands import at_least_one
from .choices import Discriminator, Optimizer, Schedule

if TYPE_CHECKING:
    from .losses import LossWeights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `harmonize train`."""
    parser.add_argument("network", help="key of the network, such as s2crnet")
    places = parser.add_argument_group("data and places")
    places.add_argument(
        "--data", type=Path, nargs="+", required=True, help="tar shards, folders of photos with masks, or iHarmony4"
    )
    places.add_argument("--validation", type=Path, nargs="+", help="the same, for validation (default: part of --data)")
    places.add_argument("--output", type=Path, help="folder of the run (default: runs/NETWORK); resumes")
    places.add_argument("--limit", type=at_least_one, help="use only so many photos")
    places.add_argument("--config", type=Path, help="JSON file of settings; flags win over it")
    places.add_argument("--start-at-identity", action="store_true", help="start as a network that changes nothing")
    places.add_argument(
        "--init",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="start from the weights in FILE that fit, or the KEY of shipped ones; of several the last one wins",
    )
    places.add_argument("--backbone-weights", type=Path, help="start the backbone from FILE (torchvision's)")
    places.add_argument("--device", default="auto", help="auto (cuda if there is one, else cpu), cpu, cuda, cuda:1")
    places.add_argument("--threads", type=at_least_one, default=1, help="CPU threads for tensor code (default 1)")
    run_length = parser.add_argument_group("length")
    run_length.add_argument("--steps", type=int, help="optimizer steps of the whole schedule")
    run_length.add_argument("--minutes", type=float, help="length of the whole schedule instead of --steps")
    run_length.add_argument("--slice-minutes", type=float, help="stop after so long; the same command goes on later")
    settings = parser.add_argument_group("settings (default: the paper's)")
    settings.add_argument("--size", type=int, help="side of the training pictures")
    settings.add_argument("--photo-side", type=int, help="side at which photos are held in memory")
    settings.add_argument("--batch", type=int, help="pictures per step over all processes")
    settings.add_argument("--optimizer", choices=[o.value for o in Optimizer])
    settings.add_argument("--learning-rate", "--lr", type=float)
    settings.add_argument("--backbone-rate", type=float, help="factor on the rate of a pretrained backbone")
    settings.add_argument("--weight-decay", type=float)
    settings.add_argument("--schedule", choices=[s.value for s in Schedule])
    settings.add_argument("--milestones", type=float, nargs="*", help="shares of the run where `steps` drops the rate")
    settings.add_argument("--warm-up", type=int, help="steps in which the rate rises")
    settings.add_argument("--clip", type=float, help="largest norm of the gradient; 0 = none")
    settings.add_argument("--ema", type=float, help="decay of the moving average of the weights; 0 = none")
    settings.add_argument("--loss", type=loss, help="such as relative_l1=1,rmse=1,adversarial=0.01")
    settings.add_argument("--teacher", help="key of a network whose results are the targets")
    settings.add_argument("--discriminator", choices=[d.value for d in Discriminator])
    settings.add_argument("--unlabelled", type=float, help="semantic networks: share of steps without a label")
    settings.add_argument("--seed", type=int)
    settings.add_argument("--batch-norm", help="regular expression of convolutions that get a norm while training")
    settings.add_argument("--freeze-norms", help="regular expression of batch norms that are held as they start")
    settings.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=None)
    settings.add_argument("--compile", action=argparse.BooleanOptionalAction, default=None, help="torch.compile")
    settings.add_argument("--validate-minutes", type=float)
    settings.add_argument("--checkpoint-minutes", type=float)
    settings.add_argument("--validation-cases", type=int)


def loss(text: str) -> LossWeights:
    """The value of `--loss`."""
    from .losses import parse_loss

    try:
        return parse_loss(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
