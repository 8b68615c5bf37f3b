"""The flags of `harmonize evaluate`. Imports no torch, so that `--help` is there at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..commands import at_least_one
from .defaults import SEED, VARIANTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `harmonize evaluate`."""
    parser.add_argument("networks", nargs="*", help="keys, or KEY=FILE for weights of one's own (default: all shipped)")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="photos with masks, or iHarmony4")
    parser.add_argument("--weights", type=Path, help="folder of weights (default: the shipped)")
    parser.add_argument("--limit", type=at_least_one, help="use only so many photos")
    parser.add_argument("--side", type=at_least_one, default=256, help="side of the pictures (default 256)")
    parser.add_argument("--seed", type=int, default=SEED, help="which composites are made")
    parser.add_argument("--variants", type=at_least_one, default=VARIANTS, help="composites for each mask")
    parser.add_argument(
        "--baselines", action=argparse.BooleanOptionalAction, default=True, help="statistical transfers and oracles"
    )
    parser.add_argument("--raw-only", action="store_true", help="leave out the rows through the adjustment")
    parser.add_argument("--cost", action=argparse.BooleanOptionalAction, default=True, help="measure MACs and time")
    parser.add_argument("--write", type=Path, help="write the results page, such as docs/results.md")
    parser.add_argument("--json", type=Path, help="write the figures for programs")
    parser.add_argument("--reuse", type=Path, help="take over rows of a --json file that are still valid")
    parser.add_argument("--sheets", type=Path, help="write picture sheets into this folder (they show the photos)")
    parser.add_argument("--threads", type=at_least_one, default=1, help="CPU threads (default 1)")
