"""Decides what happens, and when. Knows neither Qt nor Krita: a host below it, a view above it, a client beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from . import history, requests, words
from .client import Session, Stopped
from .comparing import Comparing
from .daemon_watch import DaemonWatch
from .i18n import tr
from .live import Live, LiveHosting
from .live_switch import LiveSwitch
from .pace import Pace
from .preview_pane import PreviewPane
from .results import Results
from .state import DockerState, Problem, Variant, possible
from .task import Task, Touched
from .trouble import problem_of
from .turns import Turns
from .values import LayerInfo, Output, Result, Settings
from .work import Work

T = TypeVar("T")
P = ParamSpec("P")

_LOOK_SECONDS = 0.3
_LAYERS_SHARE = 0.01
"""Of the time that listing the layers may take: some documents have hundreds."""
_SLIDER_SECONDS = 0.08
_WORKING_SECONDS, _AWAKE_SECONDS, _IDLE_SECONDS = 0.005, 0.01, 0.06


def _in_turn(act: Callable[Concatenate[Presenter, P], None]) -> Callable[Concatenate[Presenter, P], None]:
    """What the artist asks for in the middle of a tick waits for its end: a task cannot end while it runs."""

    @wraps(act)
    def asked(self: Presenter, /, *args: P.args, **kwargs: P.kwargs) -> None:
        self._turns.take(lambda: act(self, *args, **kwargs))

    return asked


def _when_free(act: Callable[Concatenate[Presenter, P], object]) -> Callable[Concatenate[Presenter, P], None]:
    """What is asked for while layers are harmonized is done neither beside them nor, a second time, after them."""

    @wraps(act)
    def asked(self: Presenter, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if not self._work.busy:
            self._turns.take(lambda: self._work.busy or act(self, *args, **kwargs))

    return asked


class Presenter:
    """One for all dockers. Call `tick` often: see `pause`."""

    def __init__(
        self,
        host: LiveHosting,
        session: Session,
        view: Callable[[DockerState], object],
        settings: Settings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = DockerState(settings=settings or Settings())
        self._host, self._session, self._view, self._clock = host, session, view, clock
        self._turns = Turns()
        self._preview = PreviewPane(host, session, self._preview_changed, clock)
        self._live = LiveSwitch(host, session, clock)
        self._daemon = DaemonWatch(session)
        self._work = Work(self._written, self._failed)
        self._comparing = Comparing(host)
        self._visible = False
        self._results = Results(host)
        self._layers_pace = Pace(clock, _LAYERS_SHARE)
        self._next_look = self._slid_at = 0.0
        self._slider_waits = self._slides = False

    # What the artist does

    def set_visible(self, visible: bool) -> None:
        """A docker that is not shown asks nothing of anybody."""
        self._visible = visible
        if visible:
            self._session.start()

    @_in_turn
    def set_settings(self, settings: Settings) -> None:
        self._change_settings(settings)

    def _change_settings(self, settings: Settings) -> None:
        before = self.state.settings
        if settings == before:
            return
        self._show(settings=settings)
        if settings.look != before.look:
            self._slid_at, self._slider_waits = self._clock(), self._adjustable() is not None
            self._slides = self._host.pen_is_down()
        self._want_preview()

    @_when_free
    def harmonize(self) -> None:
        """The layer that the artist works on."""
        if self.state.layer is not None:
            self._harmonize([self.state.layer])

    @_when_free
    def harmonize_selected(self) -> None:
        self._harmonize(self._selected())

    @_in_turn
    def cancel(self) -> None:
        if self._work.busy:
            self._work.cancel()
            self._put(self._work.shown(self.state))
            self._show(note=tr("Cancelled."))

    @_in_turn
    def choose(self, variant: Variant) -> None:
        self._change_settings(replace(self.state.settings, network=variant.network, look=variant.look))

    @_in_turn
    def compare(self, original: bool) -> None:
        """Before (True) or after, in the picture itself."""
        result = self._results.current(self.state.layer)
        if not original:
            self._end_comparing()
        elif self.live is None and result is not None and result.settings.output is not Output.REPLACE:
            self._guarded(lambda: self._comparing.begin(result))
            self._show(comparing=self._comparing.on)

    @_when_free
    def reuse(self, index: int) -> None:
        """Applies what an earlier result was made with to the layer that the artist works on."""
        layer, result = self.state.layer, self._results.all[index]
        if layer is None:
            return
        self._show(settings=result.settings, problem=None, note="")
        target, keep = self._results.target(layer), self._results.keep_region
        adjustment = history.adjustment_for(layer.ref, result)
        self._begin(
            [layer],
            lambda: requests.apply(
                self._host, self._session, target, result.settings, adjustment, result.network, keep
            ),
        )

    @_in_turn
    def refresh_preview(self) -> None:
        self._preview.refresh(self.state.settings)

    @_in_turn
    def set_live(self, on: bool) -> None:
        self._show(problem=None)
        self._end_comparing()
        layer = self.state.layer
        if on and layer is not None and not self._work.busy:
            target, left = self._results.target(layer), self._results.left_for(layer)
            self._guarded(lambda: self._live.on(target, lambda: self.state.settings, left))
        elif not on:
            self._leave_live()
        self._put(self._live.shown(self.state))

    def _leave_live(self) -> None:
        result = self._guarded(self._live.off)
        if result is not None:
            self._remember(result)

    @_in_turn
    def dismiss(self) -> None:
        self._preview.dismiss()
        self._put(replace(self._preview.shown(self.state), problem=None, note=""))

    def close(self) -> None:
        """Krita is closing: nothing may be left in a document but what was asked for."""
        self.cancel()
        self._preview.clear()
        self._end_comparing()
        self._guarded(self._live.discard)
        self._session.close()

    # Time goes on

    @_in_turn
    def look_now(self) -> None:
        """For a menu entry: the artist may have chosen another layer a moment ago."""
        self._next_look = self._clock() + _LOOK_SECONDS
        self._guarded(self._look)

    def tick(self) -> None:
        if not self._turns.taken:
            self._turns.take(self._tick)

    def _tick(self) -> None:
        self._session.poll()
        now = self._clock()
        if self._work.busy:
            self._work.step(host_is_free=not self._painting())
            self._put(self._work.shown(self.state))
        elif self._slider_waits and now - self._slid_at > _SLIDER_SECONDS and not self._painting():
            self._apply_sliders()
        if self._visible or self._work.busy:
            self._put(self._daemon.look(now, self.state, at_work=self.busy))
        if not self._visible:
            return
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            if not self._host.pen_is_down():  # Krita has better things to do during a stroke
                self._guarded(self._look)
        if self.live is not None:
            self._guarded(self._live.tick)
            self._put(self._live.shown(self.state))
        self._preview.step(host_is_free=not self._painting())

    @property
    def live(self) -> Live | None:
        """Live mode while it is on."""
        return self._live.live

    @property
    def busy(self) -> bool:
        return self._work.busy or (self._visible and (self._preview.working or self.live is not None))

    @property
    def pause(self) -> float:
        """Seconds to the next `tick`: short ones cost Krita time."""
        live = self.live if self._visible else None
        if self._work.busy or (self._visible and self._preview.working) or (live is not None and live.working):
            return _WORKING_SECONDS
        return _AWAKE_SECONDS if live is not None and live.awake else _IDLE_SECONDS

    @property
    def last_milliseconds(self) -> float:
        """Of the last layer that was harmonized, from the click to the new layer."""
        return self._work.milliseconds

    def _painting(self) -> bool:
        """Whether the pen is down, on anything but our own sliders: those show at once what they do."""
        down = self._host.pen_is_down()
        self._slides = self._slides and down
        return down and not self._slides

    # Harmonizing

    def _harmonize(self, layers: list[LayerInfo]) -> None:
        if not layers:
            return
        bad = next((layer for layer in layers if layer.problem), None)
        if bad is not None:
            self._show(problem=Problem(bad.problem, f"{bad.name}: {bad.problem}"))
            return
        self._show(problem=None, note="")
        settings = self.state.settings  # what is chosen from now on is for the next time
        self._begin(layers, *(partial(self._whole_way, layer, settings) for layer in layers))

    def _whole_way(self, layer: LayerInfo, settings: Settings) -> Task[Result]:
        target = self._results.target(layer)
        return requests.harmonize(self._host, self._session, target, settings, self._results.keep_region)

    def _selected(self) -> list[LayerInfo]:
        """The layers selected in the layer list, each once: a harmonized copy stands for its original."""
        subjects = map(self._results.subject, self._host.selected())
        return list({layer.ref: layer for layer in subjects if layer is not None}.values())

    def _begin(self, layers: list[LayerInfo], *tasks: Callable[[], Task[Result]]) -> None:
        """layers: that the tasks read."""
        self._end_comparing()
        if self.live is not None and self.live.ref not in (layer.ref for layer in layers):
            self._leave_live()  # another layer keeps the look that it has
        self._guarded(self._live.discard)  # its change would be read, and made once more
        self._slider_waits = False
        self._work.begin(*tasks)
        self._put(self._live.shown(self._work.shown(self.state)))

    def _written(self, result: Result) -> None:
        self._remember(result)
        self._next_look = 0.0
        said = words.result_words(result.notes, self._host.find(result.written))
        if said not in self.state.note:
            self._show(note=f"{self.state.note} {said}".strip())
        if result.settings.look != self.state.settings.look:
            self._slid_at, self._slider_waits = self._clock(), True

    def _end_comparing(self) -> None:
        self._guarded(self._comparing.end)
        self._show(comparing=False)

    def _apply_sliders(self) -> None:
        """The sliders change the layer that was harmonized last, while it is the artist's and ours alone."""
        self._slider_waits = False
        result = self._adjustable()
        region = self._results.region_of(result) if result else None
        if result is not None and region is not None:
            look = self.state.settings.look
            self._begin([], lambda: requests.apply_again(self._host, self._session, result, region, look))

    def _adjustable(self) -> Result | None:
        """The result that the sliders change: of the layer at hand, and with all that is needed to render it again."""
        result = self._results.current(self.state.layer)
        return result if result and not self.live and self._results.region_of(result) else None

    def _remember(self, result: Result) -> None:
        self._guarded(lambda: self._results.add(result))
        self._show(history=words.history_rows(self._results.all))

    # Looking around

    def _look(self) -> None:
        active = self._host.active()
        document = active.ref.document if active else ""
        another = document != self._results.document
        if another:
            self._end_comparing()
            self._results.open(document)
            self._show(history=words.history_rows(self._results.all))
        self._live.tidy()
        followed = self._host.find(self.live.ref) if self.live is not None else None
        if followed is not None and followed.ref.document == document:
            self._live.make_way(self._results.target(followed), self._results.left_for(followed))
            self._put(self._live.shown(self.state))
        layer = self._results.subject(active)
        if layer is None or self.state.layer is None or layer.ref != self.state.layer.ref:
            self._end_comparing()
        if self._goes_on_to(layer):
            self._show(problem=None, note="")
        if another or self._layers_pace.is_due:
            self._show(layers=self._layers_pace.take(lambda: tuple(self._host.layers())) if document else ())
        self._show(layer=layer, selected=len(self._selected()))
        self._change_settings(possible(self.state))
        result = self._results.current(layer)
        if result is None and self._comparing.on:
            self._end_comparing()
        adjustable = self._adjustable()
        slid = self._host.find(adjustable.written) if adjustable else None
        self._show(
            adjusting=slid.name if slid else "",
            can_compare=result is not None and result.settings.output is not Output.REPLACE,
        )
        if self.live is None and not self._work.busy:
            self._preview.look(layer, self._results.target(layer) if layer else None, self._clock())
            self._want_preview()

    def _goes_on_to(self, layer: LayerInfo | None) -> bool:
        """Whether the artist has chosen another layer. Krita does so for one that goes, and we for what we write."""
        last = self.state.layer
        if self._work.busy or layer is None or last is None or layer.ref == last.ref:
            return False
        return self._host.exists(last.ref)

    def _want_preview(self) -> None:
        if self._visible and self.live is None:
            self._preview.want(self.state.settings, self._clock())
            self._preview_changed()

    def _preview_changed(self) -> None:
        self._put(self._preview.shown(self.state))

    # Trouble

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Touched):
            self._results.let_go()
            self._show(note=error.cause, adjusting="")
        elif not isinstance(error, Stopped):
            self._show(problem=problem_of(error))

    def _guarded(self, act: Callable[[], T]) -> T | None:
        """The host is not ours: what goes wrong in it becomes a quiet line."""
        try:
            return act()
        except Exception as error:
            self._failed(error)
            return None

    def _show(self, **changes: Any) -> None:
        self._put(replace(self.state, **changes))

    def _put(self, state: DockerState) -> None:
        if state != self.state:
            self.state = state
            self._view(state)
