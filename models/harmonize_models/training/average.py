"""`python -m harmonize_models.training.average RUN RUN …`: the mean of the best weights of runs of one lineage.

Weights of one lineage lie in one valley; their mean is often better than each (Wortsman et al. 2022, "Model soups").
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..commands import carried_out
from ..errors import BadSettings
from ..weight_files import load_weights, save_weights
from .history import Leg, read_history, write_history


def mean_of(weights: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of state dicts of one network; counters are those of the last. Raises BadSettings for several."""
    if len({tuple((name, value.shape) for name, value in sorted(each.items())) for each in weights}) != 1:
        raise BadSettings("These are not weights of the same network.", "Name runs of one network.")
    return {
        name: torch.stack([each[name] for each in weights]).mean(dim=0) if value.is_floating_point() else value
        for name, value in weights[-1].items()
    }


def average(runs: Sequence[Path], output: Path) -> None:
    """Make `output` a run's folder with the mean weights and the last run's settings and history."""
    weights = mean_of([load_weights(run / "best.safetensors") for run in runs])
    output.mkdir(parents=True, exist_ok=True)
    save_weights(output / "best.safetensors", weights)
    shutil.copy(runs[-1] / "config.json", output / "config.json")
    legs = read_history(runs[-1])
    mean = Leg(
        command=f"python -m harmonize_models.training.average {' '.join(map(str, runs))} --output {output}",
        steps=0,
        images=0,
        minutes=0.0,
        size=legs[-1].size if legs else 0,
        device=legs[-1].device if legs else "",
        start="those weights",
    )
    write_history(output, [*legs, mean])


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m harmonize_models.training.average", description=__doc__)
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="folders of runs, the last one's history counts"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the mean")
    return carried_out(parser, argv, run)


def run(args: argparse.Namespace) -> int:
    """Do it; returns the exit status. Raises a ModelError."""
    average(args.runs, args.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
