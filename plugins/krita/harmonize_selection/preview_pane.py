"""The preview as the docker has it: when it is made without being asked for, and what is said in place of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from . import words
from .client import ConnectionLost, Session, State, Stopped
from .host import Host
from .pace import Pace
from .previews import Previews, Sight
from .state import DockerState
from .trouble import problem_of
from .values import LayerInfo, LayerRef, Settings, Target

AUTOMATIC_AREA = 12_000_000
"""Pixels of canvas up to which the preview is made without being asked for."""
_SHARE = 0.01
"""Of the time that looking at rows of pixels may take."""
_REST_SECONDS = 0.4
"""What is seen has to stay the same for so long."""


class PreviewPane:
    def __init__(
        self,
        host: Host,
        session: Session,
        changed: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host, self._session = host, session
        self._pace = Pace(clock, _SHARE)
        self._previews = Previews(host, session, changed)
        self._seen: Sight | None = None
        self._seen_at = 0.0
        self._waits = False
        self._dismissed: object = None

    @property
    def working(self) -> bool:
        return self._previews.working

    def look(self, layer: LayerInfo | None, target: Target | None, now: float) -> None:
        """Looks whether the layer or its scene has changed. target: what is left of earlier times on the layer."""
        last = self._seen
        if layer is None or target is None or layer.problem:
            self._seen = None
        else:
            self._seen = Sight(layer, self._fingerprint(layer.ref), target.curves, target.results)
        if self._seen is None or last is None or self._seen.layer.ref != last.layer.ref:
            self._waits, self._dismissed = False, None
            self._previews.clear()
        if self._seen != last:
            self._seen_at = now

    def _fingerprint(self, ref: LayerRef) -> bytes:
        """The layer's newest one, as far as there is time for another."""
        last = self._seen
        if last is not None and last.layer.ref == ref and not self._pace.is_due:
            return last.fingerprint
        return self._pace.take(lambda: self._host.fingerprint(ref))

    def want(self, settings: Settings, now: float) -> None:
        """Shows what was looked at, as far as nobody has to be asked first."""
        previews, sight = self._previews, self._seen
        if sight is None or now - self._seen_at <= _REST_SECONDS:
            return
        large = sight.layer.canvas.area > AUTOMATIC_AREA
        if large and previews.before is None and previews.trouble is None and not previews.working:
            self._waits = True
        elif self._session.state is State.READY or not self._is_out_of_order():
            self._waits = False
            previews.want(sight, settings)

    def refresh(self, settings: Settings) -> None:
        """The artist asks for it."""
        if self._seen is not None:
            self._waits = False
            self._previews.want(self._seen, settings, fresh=True)

    def clear(self) -> None:
        self._seen, self._waits = None, False
        self._previews.clear()

    def step(self, *, host_is_free: bool) -> None:
        self._previews.step(host_is_free=host_is_free)

    def dismiss(self) -> None:
        """What is said now is not said again."""
        self._dismissed = self._said()

    def shown(self, state: DockerState) -> DockerState:
        """The state with the pictures, and what there is to say about them."""
        previews = self._previews
        notes, trouble = self._said()
        if (notes, trouble) == self._dismissed:
            notes, trouble = (), None
        return replace(
            state,
            before=previews.before,
            after=previews.after,
            shade=previews.shade,
            variants=previews.variants,
            preview_waits=self._waits,
            preview_note=words.notes_words(notes),
            preview_trouble=problem_of(trouble) if trouble is not None and not isinstance(trouble, Stopped) else None,
        )

    def _said(self) -> tuple[tuple[str, ...], Exception | None]:
        prediction = self._previews.prediction
        return prediction.notes if prediction is not None else (), self._previews.trouble

    def _is_out_of_order(self) -> bool:
        """Whether the daemon could not be reached. One that has ended, or has died at work, is started again."""
        return self._session.error is not None and not isinstance(self._session.error, ConnectionLost)
