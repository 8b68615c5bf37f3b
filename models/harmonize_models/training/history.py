"""What weights went through: every run since their first random numbers, with its command. Cards are made from it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "history.json"


@dataclass(frozen=True)
class Leg:
    """One run."""

    command: str
    steps: int
    images: int
    minutes: float
    size: int
    device: str
    start: str = "random weights"
    """What the weights were before."""


def read_history(folder: Path) -> tuple[Leg, ...]:
    """The runs behind the weights of a run's folder, oldest first; empty if nothing is known."""
    path = folder / FILE
    if not path.is_file():
        return ()
    return tuple(Leg(**leg) for leg in json.loads(path.read_text(encoding="utf-8")))


def write_history(folder: Path, legs: Sequence[Leg]) -> None:
    """Store the runs in a run's folder."""
    text = json.dumps([asdict(leg) for leg in legs], indent=1)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def command_line(argv: Sequence[str], processes: int = 1) -> str:
    """The command as others can give it: absolute paths, which mean nothing elsewhere, are cut to their last part."""
    given = argv[1:] if argv[:1] == ["train"] else argv
    words = [Path(word).name if Path(word).is_absolute() else word for word in given]
    together = ["torchrun", "--nproc-per-node", str(processes), "-m", "harmonize_models.training"]
    return shlex.join([*(["harmonize", "train"] if processes == 1 else together), *words])
