"""What a script inside a host said, and what to say where it did not come to its end."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from .environment import Outcome

_ERROR = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Interrupt)\b.*")
_LAST = 6000
"""So many characters of what a program printed tell enough."""


@dataclass(frozen=True)
class Said:
    """What a script said, what it left in its `OUT` folder, and all that the program printed."""

    lines: list[dict[str, Any]]
    out: Path
    log: str
    code: int | None
    """The program's exit status."""

    def __getitem__(self, case: str) -> dict[str, Any]:
        """The line about one case. Fails when there is none."""
        found = [line for line in self.lines if line.get("case") == case]
        if not found:
            fail(f"the script said nothing about {case!r}", self.log)
        return found[0]


def heard(script: str, out: Path, outcome: Outcome) -> Said:
    """What the script left in its folder. Fails unless it came to its last line."""
    __tracebackhide__ = True
    said = out / "said.jsonl"
    lines = [json.loads(line) for line in said.read_text().splitlines()] if said.exists() else []
    if not (out / "finished").exists():
        ended = "ran out of time" if outcome.code is None else f"ended with {outcome.code}"
        after = f"after {lines[-1]['case']!r}" if lines else "before it said anything"
        fail(f"{script}: the program {ended} {after}", outcome.output)
    return Said(lines, out, outcome.output, outcome.code)


def fail(sentence: str, log: str) -> NoReturn:
    """Fails the test with one line, and what the program printed beside it.

    Where nobody sits in front of it, pytest's summary has the whole message, once for each test of a module.
    """
    __tracebackhide__ = True
    errors = [line for line in log.splitlines() if _ERROR.match(line)]
    print("\n".join(_without_repetitions(log))[-_LAST:])
    raise AssertionError(" · ".join([sentence, *errors[-1:]]))


def _without_repetitions(log: str) -> list[str]:
    runs = ((line, len(list(same))) for line, same in itertools.groupby(log.splitlines()))
    return [line if times == 1 else f"{line} ({times} times)" for line, times in runs]
