"""Live mode as the docker has it: on or off, in words, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from . import words
from .client import Session
from .i18n import tr
from .live import Live, LiveHosting, LiveState
from .state import DockerState
from .values import LayerInfo, Result, Settings


class LiveSwitch:
    def __init__(self, host: LiveHosting, session: Session, on_error: Callable[[Exception], object]) -> None:
        self.live: Live | None = None
        """None while it is off."""
        self._host, self._session, self._on_error = host, session, on_error
        self._earlier: Result | None = None

    def on(self, layer: LayerInfo, settings: Callable[[], Settings], earlier: Result | None = None) -> None:
        """earlier: curves that were left on the layer; they are hidden, or their change would come twice."""
        if self.live is None:
            self._earlier = earlier
            self._show_earlier(False)
            self.live = Live(self._host, self._session, layer, settings, self._on_error)

    def off(self) -> Result | None:
        """What it left: editable curves, one undo step."""
        live, self.live = self.live, None
        result = live.stop() if live is not None else None
        if live is not None and result is None:
            self._show_earlier(True)
        return result

    def discard(self) -> None:
        """Switches it off; nothing is left."""
        live, self.live = self.live, None
        if live is not None:
            live.discard()
            self._show_earlier(True)

    def tick(self) -> None:
        if self.live is not None:
            self.live.tick()

    def shown(self, state: DockerState) -> DockerState:
        """The state with what live mode is doing. Ends it when its layer is gone."""
        if self.live is not None and self.live.state is LiveState.LOST:
            self.live = None
            state = replace(state, note=tr("Live mode ended: its layer is gone."))
        if self.live is None:
            return replace(state, live=False, live_text="", live_busy=False)
        return replace(state, live=True, live_text=words.live_words(self.live), live_busy=self.live.working)

    def _show_earlier(self, shown: bool) -> None:
        earlier = self._earlier
        if earlier is not None and self._host.exists(earlier.written):
            self._host.show_original(earlier.original, earlier.written, not shown)
