"""What weights went through: every run since their first random numbers, with its command. Cards are made from it."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

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
    commit: str = ""
    """Of this project, as it ran: presets and the making of composites are code. Empty where it is not known."""
    given: str = ""
    """Weights that the command names, with their fingerprints: a key stands for whatever is shipped at the time."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """How composites were made: the settings of `composites.Recipe`."""

    def facts(self) -> str:
        """Amount and origin in one line; nothing about what is not known."""
        commit, given = (f"commit {self.commit}" if self.commit else ""), self.given
        return ", ".join(filter(None, (f"{self.images:,} composites", f"{self.minutes:.0f} min", commit, given)))


def read_history(folder: Path) -> tuple[Leg, ...]:
    """The runs behind the weights of a run's folder, oldest first; empty if nothing is known."""
    path = folder / FILE
    if not path.is_file():
        return ()
    known = {f.name for f in fields(Leg)}
    legs = json.loads(path.read_text(encoding="utf-8"))
    return tuple(Leg(**{name: value for name, value in leg.items() if name in known}) for leg in legs)


def write_history(folder: Path, legs: Sequence[Leg]) -> None:
    """Store the runs in a run's folder."""
    text = json.dumps([asdict(leg) for leg in legs], indent=1)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def commit_of_this_code() -> str:
    """The commit that this code was checked out from, with "-dirty" if it was changed since; empty if it was not."""
    here = Path(__file__).resolve()
    git = ["git", "-C", str(here.parent)]
    try:
        subprocess.run([*git, "ls-files", "--error-unmatch", here.name], check=True, capture_output=True, timeout=10)
        described = [*git, "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
        return subprocess.run(described, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def command_line(argv: Sequence[str], processes: int = 1) -> str:
    """The command as others can give it: absolute paths, which mean nothing elsewhere, are cut to their last part."""
    given = argv[1:] if argv[:1] == ["train"] else argv
    words = [Path(word).name if Path(word).is_absolute() else word for word in given]
    together = ["torchrun", "--nproc-per-node", str(processes), "-m", "harmonize_models.training"]
    return shlex.join([*(["harmonize", "train"] if processes == 1 else together), *words])
