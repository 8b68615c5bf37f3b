"""Live mode: follows one layer and keeps its curves fitting, without undo steps, until it is switched off.

The layer is shown through one native curves mask, so it moves under the artist's pen as fast as ever, and only its
color follows. Switching off leaves that mask: exactly one undo step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from . import requests
from .client import Look, Session, Stopped
from .host import Host, LiveHost
from .i18n import tr
from .task import HostError, Running, Task
from .values import Curves, LayerRef, Output, Rect, Result, Scene, Settings

LARGEST_AREA = 32_000_000
"""Pixels of canvas above which Krita itself needs too long to show a change."""
_REST_SECONDS = 0.25
"""After the pen is lifted, before what it painted is looked at."""


class LiveHosting(Host, LiveHost):
    """Both sides of the host."""


class LiveState(Enum):
    WATCHING = "watching"
    WORKING = "working"
    PAINTING = "painting"
    TOO_LARGE = "too large"
    LOST = "lost"


@dataclass(frozen=True)
class _Seen:
    """What the last update was made from."""

    bounds: Rect
    signature: bytes


class Live:
    """Call `tick` some twenty times a second."""

    def __init__(
        self,
        host: LiveHosting,
        session: Session,
        ref: LayerRef,
        name: str,
        settings: Callable[[], Settings],
        on_error: Callable[[Exception], object],
    ) -> None:
        self.ref = ref
        self.state = LiveState.WATCHING
        self.milliseconds = 0.0
        """From noticing a change to showing it, of the last update."""
        self.updates = 0
        self._host, self._session, self._name = host, session, name
        self._settings = settings
        self._on_error = on_error
        self._seen: _Seen | None = None
        self._shown: tuple[Look, str, object] | None = None
        self._curves: Curves | None = None
        self._adjustment, self._network = "", ""
        self._running: Running[None] | None = None
        self._pen_lifted = 0.0
        self._surroundings = True
        self._noticed = 0.0

    def tick(self) -> None:
        """Looks whether something has changed, and moves the update along that is under way."""
        try:
            self._look()
        except Exception as error:  # a document that closes right now, for instance
            self._fail(error)
        if self._running is not None:
            self._running.step()

    def stop(self) -> Result | None:
        """Leaves the curves as one undo step. None if there was nothing yet, or the layer is gone."""
        self._cancel()
        self._host.clear_live_curves(self.ref)
        if self._curves is None or self._host.find(self.ref) is None:
            return None
        written = self._host.write_curves(self.ref, self._curves, tr("Harmonize"))
        settings = self._settings()
        kept = Settings(settings.network, settings.look, Output.CURVES, settings.reference, settings.hide_original)
        when = time.strftime("%Y-%m-%dT%H:%M:%S")
        return Result(self.ref, written, self._name, kept, self._adjustment, self._network, when)

    def discard(self) -> None:
        """Leaves nothing."""
        self._cancel()
        self._host.clear_live_curves(self.ref)

    @property
    def working(self) -> bool:
        return self._running is not None and not self._running.done

    def _look(self) -> None:
        bounds = self._host.layer_bounds(self.ref)
        info = self._host.find(self.ref) if bounds is not None else None
        if bounds is None or info is None or bounds.is_empty:
            self._cancel()
            self.state = LiveState.LOST
            return
        if info.canvas.area > LARGEST_AREA:
            self.state = LiveState.TOO_LARGE
            return
        settings = self._settings()
        wanted = (settings.look, settings.network, settings.reference)
        moved = self._seen is None or bounds != self._seen.bounds
        same_size = self._seen is not None and (bounds.width, bounds.height) == (
            self._seen.bounds.width,
            self._seen.bounds.height,
        )
        pen = self._host.pen_is_down()
        if pen:
            self._pen_lifted = time.monotonic()
        resting = time.monotonic() - self._pen_lifted > _REST_SECONDS
        if pen and not (moved and same_size):
            # Painting, or holding still: what is painted is looked at when the pen rests.
            if not self.working:
                self.state = LiveState.PAINTING
            return
        if not moved and not resting:
            return
        signature = self._host.layer_signature(self.ref)
        repainted = self._seen is None or signature != self._seen.signature
        self._surroundings = (self._host.surroundings_changed(self.ref) if not pen else False) or self._surroundings
        if not (moved or repainted or self._surroundings or wanted != self._shown):
            if not self.working:
                self.state = LiveState.WATCHING
            return
        only_look = not (moved or repainted or self._surroundings) and self._shown is not None
        only_look = only_look and wanted[1:] == (self._shown or ())[1:] and bool(self._adjustment)
        self._seen, self._shown = _Seen(bounds, signature), wanted
        self._noticed = time.perf_counter()
        scene = None
        if not only_look:
            fresh = self._surroundings
            self._surroundings = False
            scene = self._host.live_scene(self.ref, fresh_background=fresh, fresh_layer=repainted)
        self._cancel()
        self.state = LiveState.WORKING
        self._running = Running(self._update(scene, settings), lambda _: None, self._fail)
        self._running.step()
        self._session.poll()

    def _update(self, scene: Scene | None, settings: Settings) -> Task[None]:
        if scene is not None:
            reference = yield from self._host.read_reference(self.ref, settings.reference)
            prediction = yield self._session.predict(
                scene.composite, scene.mask, network=settings.network, reference=reference, live=True
            )
            self._adjustment, self._network = prediction.adjustment, prediction.network
        curves = yield from requests.export_curves(self._session, self._adjustment, settings.look)
        if curves != self._curves:
            self._host.set_live_curves(self.ref, curves)
            self._curves = curves
        self.milliseconds = (time.perf_counter() - self._noticed) * 1000
        self.updates += 1
        self.state = LiveState.WATCHING

    def _cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def _fail(self, error: Exception) -> None:
        self._running = None
        self.state = LiveState.WATCHING
        if isinstance(error, HostError) and self._host.find(self.ref) is None:
            self.state = LiveState.LOST
        elif not isinstance(error, Stopped):
            self._on_error(error)
