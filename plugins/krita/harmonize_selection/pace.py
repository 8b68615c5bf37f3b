"""How often to look at what takes Krita's time: the longer a look takes, the more seldom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass
class Pace:
    """Looks take at most `share` of the time, as far as `longest` allows."""

    clock: Callable[[], float]
    share: float
    shortest: float = 0.0
    """Seconds from the beginning of one look to that of the next, at least."""
    longest: float = 1.0
    _began: float = -1e9
    _took: float = 0.0

    @property
    def is_due(self) -> bool:
        pause = min(max(self.shortest, self._took / self.share), self.longest)
        return self.clock() >= self._began + pause

    def take(self, look: Callable[[], T]) -> T:
        """Looks, and measures how long that takes."""
        self._began = self.clock()
        try:
            return look()
        finally:
            self._took = self.clock() - self._began
