"""What is under way: one layer after the other, in small steps that keep out of a stroke's way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from . import words
from .i18n import tr
from .state import DockerState
from .task import Running, Task
from .values import Result


class Work:
    """Call `step` often. `written` is told each result, `failed` what ended everything."""

    def __init__(self, written: Callable[[Result], object], failed: Callable[[Exception], object]) -> None:
        self.milliseconds = 0.0
        """Of the last layer, from its begin to its result."""
        self._written, self._failed = written, failed
        self._running: Running[Result] | None = None
        self._waiting: list[Callable[[], Task[Result]]] = []
        self._started = 0.0
        self._words = ""

    @property
    def busy(self) -> bool:
        return self._running is not None

    def begin(self, *tasks: Callable[[], Task[Result]]) -> None:
        """Each is made when it is its turn: what comes before it may change what it has to do."""
        self._waiting = list(tasks)
        self._next()

    def step(self, *, host_is_free: bool) -> None:
        """host_is_free: else it only goes on waiting for the daemon."""
        running = self._running
        if running is None or not (host_is_free or running.waits):
            return
        running.step()
        self._words = words.stage_words(running.stage)

    def cancel(self) -> None:
        self._waiting.clear()
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def shown(self, state: DockerState) -> DockerState:
        """The state with what is being done."""
        running = self._running
        return replace(state, busy=self._words if running else "", fraction=running.fraction if running else None)

    def _next(self) -> None:
        self._started, self._words = time.perf_counter(), tr("Reading the layer…")
        self._running = Running(self._waiting.pop(0)(), self._done, self._broken)

    def _done(self, result: Result) -> None:
        self._running = None
        self.milliseconds = (time.perf_counter() - self._started) * 1000
        self._written(result)
        if self._waiting:
            self._next()

    def _broken(self, error: Exception) -> None:
        self._running = None
        self._waiting.clear()
        self._failed(error)
