"""What is closed when the front takes too much memory."""

from __future__ import annotations

import pytest
from harmonize_daemon.front import connections
from harmonize_daemon.front.connections import PATIENCE_SECONDS, Connections, MemoryGuard

LIMIT = 1000


class Recorded(Connections):
    """Connections of which only is known which were closed."""

    def __init__(self) -> None:
        self.closed: list[str] = []

    def drop(self, trusted_too: bool) -> None:
        self.closed.append("all" if trusted_too else "strangers")


class Rig:
    """A guard, and the memory and the time that it sees."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.memory, self.now = 0, 1000.0
        self.connections = Recorded()
        self._guard = MemoryGuard(self.connections, LIMIT)
        monkeypatch.setattr(connections, "resident_bytes", lambda: self.memory)
        monkeypatch.setattr(connections, "monotonic", lambda: self.now)

    def wait(self, seconds: float) -> list[str]:
        """What is closed meanwhile, each once."""
        self.connections.closed.clear()
        end = self.now + seconds
        while self.now < end:
            self._guard.check()
            self.now += 0.1
        return list(dict.fromkeys(self.connections.closed))


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch)


def test_nobody_is_closed_within_the_limit(rig: Rig) -> None:
    rig.memory = LIMIT
    assert rig.wait(10) == []


def test_the_memory_of_strangers_may_take_a_while_to_come_back(rig: Rig) -> None:
    for _ in range(3):
        rig.memory = LIMIT + 1
        assert rig.wait(PATIENCE_SECONDS - 0.5) == ["strangers"]
        rig.memory = LIMIT
        assert rig.wait(1) == []


def test_when_that_does_not_help_all_are_closed(rig: Rig) -> None:
    rig.memory = LIMIT + 1
    assert rig.wait(PATIENCE_SECONDS + 1) == ["strangers", "all"]
