"""The dialog's side of the daemon: predictions and previews from an event loop. Needs no GIMP.

Nothing here waits. `Live.step` is called by a timer; it moves the session along and says what changed through the two
callbacks. The newest wish wins: while one preview is being rendered, at most one more is remembered.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from harmonize_client import (
    HarmonizeError,
    Job,
    LayerFormat,
    Look,
    Prediction,
    Rendered,
    Session,
    Superseded,
    Thumbnail,
)

from . import states
from .states import Shown

STATUS_SECONDS = 0.5


@dataclass(frozen=True)
class View:
    """What a network is to look at."""

    thumbnail: Thumbnail
    mask: bytes
    reference: Thumbnail | None
    network: str
    foreground_class: str


@dataclass(frozen=True)
class Picture:
    """A rendered preview: R G B, 8 bit."""

    width: int
    height: int
    rgb: bytes
    seconds: float
    """From the wish to the picture, without the time of an inference."""


class Live:
    """Predicts once for each view, then renders its thumbnail for each look."""

    def __init__(
        self, session: Session, on_picture: Callable[[Picture], object], on_state: Callable[[Shown], object]
    ) -> None:
        self.session = session
        self.prediction: Prediction | None = None
        """Of the current view, once it has come."""
        self._on_picture = on_picture
        self._on_state = on_state
        self._shown: Shown | None = None
        self._trouble: Shown | None = None
        self._view: View | None = None
        self._look = Look()
        self._wished = 0.0
        self._dirty = False
        self._error: HarmonizeError | None = None
        self._predicting: Job[Prediction] | None = None
        self._rendering: Job[Rendered] | None = None
        self._asked = 0.0
        self._known: dict[View, Prediction] = {}
        session.start()

    def show(self, view: View | None, look: Look, trouble: Shown | None = None) -> None:
        """From now on: this view with this look. A view of None shows nothing, because of that trouble."""
        self._trouble = trouble
        if view != self._view:
            self._view = view
            self._error = None
            self.prediction = self._known.get(view) if view else None
            if self._predicting:
                self._predicting.cancel()
                self._predicting = None
        self._look = look
        self._dirty = view is not None
        self._wished = time.monotonic()

    def retry(self) -> None:
        """After an error: try once more."""
        self._error = None
        self._dirty = self._view is not None

    def step(self) -> None:
        """Call it often; it never waits."""
        self._ask_for_status()
        if self._view is not None and self._error is None:
            if self.prediction is None:
                self._predict(self._view)
            elif self._dirty and self._rendering is None:
                self._render(self._view, self.prediction)
        self.session.poll(0.005)
        self._tell()

    def _predict(self, view: View) -> None:
        if self._predicting is not None:
            return
        job = self.session.predict(
            view.thumbnail,
            view.mask,
            network=view.network,
            reference=view.reference,
            foreground_class=view.foreground_class or None,  # type: ignore[arg-type]
            live=True,
        )
        self._predicting = job

        def done(job: Job[Prediction]) -> None:
            if self._predicting is not job:
                return
            self._predicting = None
            if isinstance(job.error, Superseded):
                return
            if job.error is not None:
                self._error = job.error
                return
            self.prediction = self._known[view] = job.result()
            self._dirty = True
            self._wished = time.monotonic()

        job.when_done(done)

    def _render(self, view: View, prediction: Prediction) -> None:
        self._dirty = False
        thumbnail, wished = view.thumbnail, self._wished
        target = bytearray(thumbnail.width * thumbnail.height * 3)
        job = self.session.render(
            prediction.adjustment,
            LayerFormat(thumbnail.width, thumbnail.height, "RGB", "u8"),
            thumbnail.rgb,
            view.mask,
            into=target,
            look=self._look,
            live=True,
        )
        self._rendering = job

        def done(job: Job[Rendered]) -> None:
            self._rendering = None
            if job.error is None:
                if view is self._view:
                    seconds = time.monotonic() - wished
                    self._on_picture(Picture(thumbnail.width, thumbnail.height, bytes(target), seconds))
            elif not isinstance(job.error, Superseded):
                self._error = job.error

        job.when_done(done)

    def _ask_for_status(self) -> None:
        """Until the daemon is ready, its state changes without a request of ours."""
        now = time.monotonic()
        daemon = self.session.daemon
        settled = daemon is not None and daemon.state == "ready" and bool(daemon.networks)
        if not settled and self.session.fileno() >= 0 and now - self._asked > STATUS_SECONDS:
            self._asked = now
            self.session.status()

    def _tell(self) -> None:
        error = self._error or self.session.error
        job = self._predicting
        shown = self._trouble or states.describe(
            self.session.state, self.session.daemon, error, job.progress if job else None, job is not None
        )
        if shown != self._shown:
            self._shown = shown
            self._on_state(shown)
