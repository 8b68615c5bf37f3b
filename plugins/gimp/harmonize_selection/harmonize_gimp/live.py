"""The dialog's side of the daemon: predictions and previews from an event loop. Needs no GIMP.

Nothing here waits. `Live.step` is called by a timer, seldom while `Live.at_rest`; it moves the session along and says
what changed through the callbacks. The newest wish wins: while one preview is being rendered, at most one more is
remembered. Variants are made when there is nothing else to do, and dropped by the daemon for any newer preview: then
they are asked for once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harmonize_client import (
    HarmonizeError,
    Job,
    LayerFormat,
    Look,
    Prediction,
    Rendered,
    Session,
    State,
    Superseded,
    Thumbnail,
)
from harmonize_client.values import Layout

from . import masks, states
from .states import Shown
from .variants import Variant

STATUS_SECONDS = 0.5
SILENT_SECONDS = 1.0
"""A daemon that has said nothing for so long is said to be waited for."""


@dataclass(frozen=True)
class View:
    """What a network is to look at."""

    thumbnail: Thumbnail
    mask: bytes
    reference: Thumbnail | None
    network: str
    foreground_class: str
    grey: bool = False
    """Whether the result can hold no color."""
    layer: bytes | None = None
    """The foreground's layer by itself, R G B A, of the thumbnail's size: its soft edges are seen right with it."""
    selected: bytes | None = None
    """How strongly each pixel of that layer is to change: with a soft edge as much as beside it. None = all fully."""
    opacity: float = 1.0
    """How opaque that layer is in the scene: so much of its change is seen."""


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
        self,
        session: Session,
        on_picture: Callable[[Picture], object],
        on_state: Callable[[Shown], object],
        on_variant: Callable[[Variant, Picture], object] = lambda variant, picture: None,
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
        self._on_variant = on_variant
        self._offered: tuple[Variant, ...] = ()
        self._made: dict[tuple[View, Look], Picture] = {}
        """Variants of the scene at hand."""
        self._aside: Job[Prediction] | Job[Rendered] | None = None
        """What is under way for a variant."""
        self._variants_fail = False
        session.start()

    def show(self, view: View | None, look: Look, trouble: Shown | None = None) -> None:
        """From now on: this view with this look. A view of None shows nothing, because of that trouble."""
        self._trouble = trouble
        if self._error is not None or self.session.error is not None:
            # A wish is reason enough to try again: a daemon that was lost may be back, or can be started.
            self.retry()
        if view != self._view:
            self._forget_variants(view)
            self._view = view
            self.prediction = self._known.get(view) if view else None
            if self._predicting:
                self._predicting.cancel()
                self._predicting = None
        self._look = look
        self._dirty = view is not None
        self._wished = time.monotonic()

    def offer(self, variants: Sequence[Variant]) -> None:
        """From now on these are made as well, of the same scene; those that are there already are said again."""
        self._offered = tuple(variants)
        if self._view is not None:
            for variant in self._offered:
                picture = self._made.get(_key(self._view, variant))
                if picture is not None:
                    self._on_variant(variant, picture)

    def retry(self) -> None:
        """After an error: try once more."""
        self._error, self._variants_fail = None, False
        self._dirty = self._view is not None

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way and nothing is wanted."""
        connecting = self.session.state in (State.STARTING, State.CONNECTING)
        under_way = self._predicting or self._rendering or self._aside
        return not (connecting or under_way or self.session.wants_write or self._wants_more())

    def _wants_more(self) -> bool:
        if self._view is None or self._error is not None:
            return False
        if self.prediction is None or self._dirty:
            return True
        return not self._variants_fail and self._missed(self._view) is not None

    def step(self) -> None:
        """Call it often, or now and then while it is at rest; it never waits."""
        self._ask_for_status()
        if self._view is not None and self._error is None:
            if self.prediction is None:
                self._predict(self._view)
            elif self._dirty and self._rendering is None:
                self._render(self._view, self.prediction)
            elif self._rendering is None and self._aside is None and not self._variants_fail:
                self._make_a_variant(self._view)
        self.session.poll(0.005)
        self._tell()

    def _predict(self, view: View) -> None:
        if self._predicting is not None:
            return
        job = self._asked_to_predict(view)
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
        wished = self._wished
        job, rendered = self._asked_to_render(view, prediction, self._look)
        self._rendering = job

        def done(job: Job[Rendered]) -> None:
            self._rendering = None
            if job.error is None:
                if view is self._view:
                    self._on_picture(_picture(view, rendered(), time.monotonic() - wished))
            elif not isinstance(job.error, Superseded):
                self._error = job.error

        job.when_done(done)

    def _missed(self, view: View) -> Variant | None:
        """The first variant that is not made yet."""
        return next((each for each in self._offered if _key(view, each) not in self._made), None)

    def _make_a_variant(self, view: View) -> None:
        """The first that is missed; its network is asked first, if it has not been yet."""
        variant = self._missed(view)
        if variant is None:
            return
        key = _key(view, variant)
        prediction = self._known.get(key[0])
        if prediction is None:
            job = self._aside = self._asked_to_predict(key[0])

            def predicted(job: Job[Prediction]) -> None:
                if self._finish_aside(job):
                    self._known[key[0]] = job.result()

            job.when_done(predicted)
            return
        rendering, pixels = self._asked_to_render(key[0], prediction, variant.look)
        self._aside = rendering

        def rendered(job: Job[Rendered]) -> None:
            if self._finish_aside(job):
                picture = self._made[key] = _picture(view, pixels(), 0.0)
                if variant in self._offered:
                    self._on_variant(variant, picture)

        rendering.when_done(rendered)

    def _finish_aside(self, job: Job[Prediction] | Job[Rendered]) -> bool:
        """A variant's job is over: whether what it gave is still wanted. One that fails ends them all."""
        if job is not self._aside:
            return False
        self._aside = None
        self._variants_fail = job.error is not None and not isinstance(job.error, Superseded)
        return job.error is None

    def _forget_variants(self, view: View | None) -> None:
        """Unless the new view differs in nothing but the network."""
        if self._aside is not None:
            self._aside.cancel()
            self._aside = None
        self._variants_fail = False
        if view is None or self._view is None or replace(view, network="") != replace(self._view, network=""):
            self._made = {}

    def _asked_to_predict(self, view: View) -> Job[Prediction]:
        return self.session.predict(
            view.thumbnail,
            view.mask,
            network=view.network,
            reference=view.reference,
            foreground_class=view.foreground_class or None,  # type: ignore[arg-type]
            live=True,
        )

    def _asked_to_render(
        self, view: View, prediction: Prediction, look: Look
    ) -> tuple[Job[Rendered], Callable[[], bytes]]:
        """The job, and what tells the picture when it is done: R G B, 8 bit."""
        thumbnail = view.thumbnail
        by_itself = view.layer
        before, mask = thumbnail.rgb, masks.faded(view.mask, view.opacity)
        layout: Layout = "RGB"
        if by_itself is not None:
            before, mask, layout = by_itself, view.selected, "RGBA"
        if view.grey:
            # Rendered as the layer will be: warmth or tint would else show colors that a grey image never gets.
            before = before[::3] if by_itself is None else masks.grey_alpha(before)
            layout = "Y" if by_itself is None else "YA"
        target = bytearray(len(before))
        form = LayerFormat(thumbnail.width, thumbnail.height, layout, "u8")
        job = self.session.render(prediction.adjustment, form, before, mask, into=target, look=look, live=True)

        def picture() -> bytes:
            if by_itself is None:
                return masks.rgb_of(target) if view.grey else bytes(target)
            after = masks.rgba_of(target) if view.grey else bytes(target)
            return masks.exchanged(thumbnail.rgb, by_itself, after, view.opacity)

        return job, picture

    def _ask_for_status(self) -> None:
        """Until the daemon is ready, its state changes without a request of ours."""
        now = time.monotonic()
        daemon = self.session.daemon
        settled = daemon is not None and daemon.state == "ready" and bool(daemon.networks)
        if not settled and self.session.fileno() >= 0 and now - self._asked > STATUS_SECONDS:
            self._asked = now
            self.session.status()

    def _tell(self) -> None:
        # What the session says of a connection is past when the next one is made, or tried.
        error = self._error or (self.session.error if self.session.state is State.IDLE else None)
        job = self._predicting
        shown = self._trouble or states.describe(
            self.session.state,
            self.session.daemon,
            error,
            job.progress if job else None,
            busy=job is not None,
            silent=self.session.silence > SILENT_SECONDS,
        )
        if shown != self._shown:
            self._shown = shown
            self._on_state(shown)


def _key(view: View, variant: Variant) -> tuple[View, Look]:
    return replace(view, network=variant.network), variant.look


def _picture(view: View, rgb: bytes, seconds: float) -> Picture:
    return Picture(view.thumbnail.width, view.thumbnail.height, rgb, seconds)
