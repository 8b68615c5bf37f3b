"""Live mode: follows one layer and keeps its color fitting, without undo steps, until it is switched off.

The layer is shown through one native mask, so it moves under the artist's pen as fast as ever, and only its color
follows: nearly right while it is dragged (`levels`), with the exact curves as soon as the pen rests.
Switching off leaves those curves: exactly one undo step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from . import requests
from .client import Look, Prediction, Session, Stopped
from .host import Host, LiveHost
from .i18n import tr
from .pace import Pace
from .task import Running, Task
from .values import Curves, LayerRef, Output, Picture, Rect, Reference, Result, Scene, Settings, Target

LARGEST_AREA = 32_000_000
"""Pixels of canvas above which Krita itself needs too long to show a change."""
_LOOK_SECONDS = 0.02
"""Looking costs Krita about a millisecond, and ten where the picture is large."""
_IDLE_LOOK_SECONDS, _LONGEST_IDLE_LOOK_SECONDS, _IDLE_SHARE = 0.1, 0.5, 0.02
"""While nobody does anything: between two looks, and of the time that they may take."""
_AWAKE_SECONDS = 2.0
"""After the pen was down, or something had changed, before it is looked at less often."""
_REST_SECONDS = 0.3
"""After the pen is lifted or the last change, before what costs more is done."""


class LiveHosting(Host, LiveHost, Protocol):
    """Both sides of the host."""


class LiveState(Enum):
    WATCHING = "watching"
    WORKING = "working"
    PAINTING = "painting"
    EMPTY = "empty"
    TOO_LARGE = "too large"
    LOST = "lost"


@dataclass(frozen=True)
class _Seen:
    """What an update is made from."""

    bounds: Rect
    signature: bytes
    network: str
    reference: Reference
    look: Look


class Live:
    """Call `tick` ten times a second at least; much more often while it is `awake`, and still more while `working`."""

    def __init__(
        self,
        host: LiveHosting,
        session: Session,
        target: Target,
        settings: Callable[[], Settings],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self.state = LiveState.WATCHING
        self.milliseconds = 0.0
        """From noticing a change to showing it, of the last update."""
        self.updates = 0
        self.error: Exception | None = None
        """Why the last look came to nothing."""
        self._host, self._session = host, session
        self._settings, self._clock = settings, clock
        self._seen: _Seen | None = None
        self._prediction: Prediction | None = None
        self._curves: Curves | None = None
        self._picture: Picture | None = None
        self._exact = True
        self._below = False
        """Whether what surrounds the layer has changed since it was read."""
        self._running: Running[None] | None = None
        self._pen_lifted = self._changed = -1.0
        self._noticed = 0.0
        self._awake_until = 0.0
        self._pace = Pace(clock, 1.0, _LOOK_SECONDS)
        self._idle_pace = Pace(clock, _IDLE_SHARE, _IDLE_LOOK_SECONDS, _LONGEST_IDLE_LOOK_SECONDS)

    @property
    def ref(self) -> LayerRef:
        return self.target.ref

    @property
    def working(self) -> bool:
        return self._running is not None and not self._running.done

    @property
    def awake(self) -> bool:
        """Whether the artist is at it."""
        return self._clock() < self._awake_until

    def tick(self) -> None:
        """Looks whether something has changed, and moves the update along that is under way."""
        try:
            if self.working:
                # It is shown first, then the newest state is looked at: a drag must not starve the picture.
                self._go_on()
                return
            if self._host.pen_is_down():
                self._stay_awake()
            pace = self._pace if self.awake else self._idle_pace
            if pace.is_due:
                pace.take(self._look)
        except Exception as error:  # a document that closes right now, for instance
            self._failed(error)

    def stop(self) -> Result | None:
        """Leaves the curves as one undo step. None if there was nothing yet, or the layer is gone."""
        self.discard()
        if self._curves is None or self._prediction is None or self._host.find(self.ref) is None:
            return None
        target = self.target
        written = self._host.write_curves(target.ref, self._curves, tr("Harmonize"), instead_of=target.earlier)
        settings = replace(self._settings(), output=Output.CURVES)
        when = time.strftime("%Y-%m-%dT%H:%M:%S")
        prediction = self._prediction
        return Result(target.ref, written, target.name, settings, prediction.adjustment, prediction.network, when)

    def discard(self) -> None:
        """Leaves nothing."""
        if self._running is not None:
            self._running.cancel()
            self._running = None
        self._host.clear_live_curves(self.ref)

    def _stay_awake(self) -> None:
        self._awake_until = self._clock() + _AWAKE_SECONDS

    def _look(self) -> None:
        bounds, layer = self._host.layer_bounds(self.ref), self._host.find(self.ref)
        if bounds is None or layer is None:
            self.state = LiveState.LOST
            return
        if bounds.is_empty:  # cut, perhaps, and back with the next undo
            self.state = LiveState.EMPTY
            return
        if layer.canvas.area > LARGEST_AREA:
            self.state = LiveState.TOO_LARGE
            return
        now, pen = self._clock(), self._host.pen_is_down()
        if pen:
            self._pen_lifted = now
        dragged = self._seen is not None and self.error is None and bounds.is_moved(self._seen.bounds)
        if pen and not dragged:
            # What is painted is looked at when the pen rests.
            self.state = LiveState.PAINTING
            return
        if not pen and now - self._pen_lifted < _REST_SECONDS:
            return
        self.state = LiveState.WATCHING
        settings = self._settings()
        last = self._seen
        # During a stroke only the place is asked for: everything else would have Krita wait for the stroke's end.
        signature = last.signature if pen and last else self._host.layer_signature(self.ref)
        seen = _Seen(bounds, signature, settings.network, settings.reference, settings.look)
        if pen:
            self._start(seen, below=False)
            return
        if self._host.surroundings_changed(self.ref, with_above=seen.reference.is_above):
            self._below = True
        changed = seen != last or self._below
        rests = not self._exact and now - self._changed > _REST_SECONDS
        if not (changed or rests) or not self._host.is_still(self.ref):
            return  # or the artist is transforming the layer, for instance
        if changed:
            below, self._below = self._below, False
            self._start(seen, below)
        elif self._curves is not None:
            self._exact = self._host.set_live_curves(self.ref, self._curves)

    def _start(self, seen: _Seen, below: bool) -> None:
        # What is kept from before a look that failed is older than what was seen then: all is read anew.
        last, self._seen = None if self.error else self._seen, seen
        self._changed, self._noticed = self._clock(), time.perf_counter()
        self._stay_awake()
        scene = None
        if last is None or below or replace(last, look=seen.look) != seen or self._prediction is None:
            repainted = last is None or last.signature != seen.signature
            scene = self._host.live_scene(
                self.target,
                fresh_background=below or last is None,
                fresh_layer=repainted,
                with_above=seen.reference.is_above,
            )
            self._picture = scene.layer
        self.state = LiveState.WORKING
        self._running = Running(self._update(scene, seen), lambda _: None, self._failed)
        self._go_on()

    def _go_on(self) -> None:
        """As far as it goes. Until the next tick Krita may be drawing for 0.1 s: the daemon is asked before that."""
        running = self._running
        while running is not None:
            running.step()
            if running.done or running.waits:
                break
        self._session.poll()

    def _update(self, scene: Scene | None, seen: _Seen) -> Task[None]:
        if scene is not None:
            reference = yield from self._host.read_reference(self.ref, seen.reference)
            self._prediction = yield self._session.predict(
                scene.composite, scene.mask, network=seen.network, reference=reference, live=True
            )
        if self._prediction is None or self._picture is None:
            return
        curves = yield from requests.export_curves(self._session, self._prediction.adjustment, seen.look)
        if curves != self._curves:
            self._show(curves, self._picture)
        self.milliseconds = (time.perf_counter() - self._noticed) * 1000
        self.updates += 1
        self.error = None
        self.state = LiveState.WATCHING

    def _show(self, curves: Curves, picture: Picture) -> None:
        first, self._curves = self._curves is None, curves
        stroke = self._host.pen_is_down() or not self._host.is_still(self.ref)
        self._exact = False
        if first or not self._host.set_live_levels(self.ref, curves, picture, redraw=not stroke):
            if stroke:
                return  # `_look` does it when that is over
            self._exact = self._host.set_live_curves(self.ref, self._curves)

    def _failed(self, error: Exception) -> None:
        self._running = None
        self.state = LiveState.WATCHING
        if self._host.find(self.ref) is None:
            self.state = LiveState.LOST
        elif not isinstance(error, Stopped):
            self.error = error
