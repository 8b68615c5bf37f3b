"""Live mode as the docker has it: on or off, in words, and what it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from . import words
from .client import Session
from .i18n import tr
from .live import Live, LiveHosting, LiveState
from .state import DockerState
from .trouble import problem_of
from .values import LayerRef, Result, Settings, Target


class LiveSwitch:
    def __init__(
        self,
        host: LiveHosting,
        session: Session,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.live: Live | None = None
        """None while it is off."""
        self._host, self._session, self._clock = host, session, clock
        self._target: Target | None = None
        """What was followed last."""
        self._left: frozenset[LayerRef] = frozenset()
        """What there was of earlier times at the last look."""
        self._gone: LayerRef | None = None
        """The layer that vanished while live mode was on."""
        self._away = False
        """Whether it is still gone."""
        self._note = ""
        self._told: Exception | None = None
        """What went wrong in live mode, as far as the artist knows."""

    def on(self, target: Target, settings: Callable[[], Settings], left: frozenset[LayerRef]) -> None:
        """Earlier curves on the layer are hidden, or their change would come twice; and new layers that cover it.

        left: all that there is of earlier times, also copies that cover it no more.
        """
        if self.live is None:
            self._target, self._left = target, left
            self._show_earlier(False)
            self._gone = self._told = None
            self.live = Live(self._host, self._session, target, settings, self._clock)

    def off(self) -> Result | None:
        """What it left: editable curves, one undo step."""
        live, self.live = self.live, None
        result = None
        try:
            result = live.stop() if live is not None else None
        finally:
            if live is not None and result is None:
                self._show_earlier(True)
        return result

    def discard(self) -> None:
        """Switches it off; nothing is left."""
        live, self.live = self.live, None
        if live is not None:
            try:
                live.discard()
            finally:
                self._show_earlier(True)

    def tick(self) -> None:
        """Ends it when its layer is gone."""
        if self.live is None:
            return
        self.live.tick()
        if self.live.state is LiveState.LOST:
            self._gone, self._away = self.live.ref, True
            self._note = tr("Live mode ended: its layer is gone.")
            self.discard()

    def make_way(self, target: Target, left: frozenset[LayerRef]) -> None:
        """A redo that brings an earlier result back ends it, as harmonizing does: where that covers the layer.

        target, left: as they are now.
        """
        came, self._left = left - self._left, left
        if not came.isdisjoint(target.earlier):
            self.discard()

    def tidy(self) -> None:
        """A layer that an undo brings back must not keep what live mode has shown on it: whenever one does."""
        if self._gone is None:
            return
        was_away, self._away = self._away, not self._host.exists(self._gone)
        if was_away and not self._away:
            self._host.clear_live_curves(self._gone)
            self._show_earlier(True)

    def shown(self, state: DockerState) -> DockerState:
        """The state with what live mode is doing, and why it has ended."""
        if self._note:
            state, self._note = replace(state, note=self._note), ""
        if self.live is None:
            return replace(state, live=False, live_text="", live_busy=False)
        state = self._with_trouble(state, self.live.error)
        return replace(
            state, live=True, live_text=words.live_words(self.live, state.layer), live_busy=self.live.working
        )

    def _with_trouble(self, state: DockerState, error: Exception | None) -> DockerState:
        """What went wrong is told once, and no longer when it goes well again."""
        told, self._told = self._told, error
        if error is not None and error is not told:
            return replace(state, problem=problem_of(error))
        is_over = told is not None and error is None and state.problem == problem_of(told)
        return replace(state, problem=None) if is_over else state

    def _show_earlier(self, shown: bool) -> None:
        target = self._target
        if target is None:
            return
        for earlier in filter(self._host.exists, reversed(target.earlier) if shown else target.earlier):
            self._host.show_original(target.ref, earlier, not shown)
