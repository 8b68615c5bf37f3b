"""One thing after the other: Krita lets events in while it waits for itself, also in the middle of what we do."""

from __future__ import annotations

from collections.abc import Callable


class Turns:
    """What comes in the middle of something else is done right after it."""

    def __init__(self) -> None:
        self.taken = False
        """Whether something is being done."""
        self._waiting: list[Callable[[], object]] = []

    def take(self, act: Callable[[], object]) -> None:
        self._waiting.append(act)
        if self.taken:
            return
        self.taken = True
        try:
            while self._waiting:
                self._waiting.pop(0)()
        finally:
            self.taken = False
