"""A painting program of a few lists, and a daemon's session that answers when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from harmonize_client import DaemonStatus, Exported, HarmonizeError, Prediction, Rendered, Thumbnail
from harmonize_client.session import State
from harmonize_client.values import JobCounts, LayerFormat, Limits, Look, NetworkInfo
from harmonize_selection.client import Job
from harmonize_selection.task import HostError, Touched
from harmonize_selection.values import (
    Curves,
    LayerInfo,
    LayerName,
    LayerRef,
    Output,
    Picture,
    Rect,
    Reference,
    Region,
    Scene,
    Steps,
    Target,
)

CANVAS = Rect(0, 0, 8, 4)
CURVES_TEXT = '{"curve1": "0,0;1,0.9;", "curve2": "0,0;1,1;", "curve3": "0,0.1;1,1;"}'
NETWORK = NetworkInfo("ours", "Ours", "adjustment", "us", 1, "MIT", "good", 3.0)
STATUS = DaemonStatus(
    "0.1.0", 1, 7, "ready", "Ready on cpu.", "cpu", (NETWORK,), "ours", JobCounts(0, 0), Limits(1, 1, 1, 1, 1), 0
)


def layer_ref(name: str) -> LayerRef:
    return LayerRef("document", name)


@dataclass
class FakeHost:
    """Layers by name, each with bounds; everything that is asked for is noted in `log`."""

    bounds: dict[str, Rect] = field(default_factory=lambda: {"figure": Rect(2, 1, 2, 2), "scene": CANVAS})
    active_layer: str = "figure"
    selected_layers: list[str] = field(default_factory=lambda: ["figure"])
    log: list[str] = field(default_factory=list)
    memory: str = ""
    touched: str = ""
    """What the artist has done to the layers that were written."""
    hidden: set[str] = field(default_factory=set)
    """Layers and masks in whose place the original is shown."""
    refuses_curves: bool = False
    names: list[str] = field(default_factory=list)
    """What the next layers are called, instead of what was asked for."""
    pen: bool = False
    still: bool = True
    animated: bool = False
    below_changed: bool = False
    signature: bytes = b"1"
    levels_work: bool = True
    unreadable: str = ""
    """What is wrong with every scene."""
    canvas: Rect = CANVAS
    meanwhile: Callable[[], object] | None = None
    """What comes in while the host waits for itself, in the middle of the next mask that it makes."""

    # Layers

    def active(self) -> LayerInfo | None:
        return self.find(layer_ref(self.active_layer))

    def selected(self) -> list[LayerInfo]:
        return [info for name in self.selected_layers if (info := self.find(layer_ref(name)))]

    def find(self, ref: LayerRef) -> LayerInfo | None:
        if ref.layer not in self.bounds:
            return None
        return LayerInfo(ref, ref.layer, self.bounds[ref.layer], self.canvas, animated=self.animated)

    def exists(self, ref: LayerRef) -> bool:
        return ref.layer in self.bounds

    def layers(self) -> list[LayerName]:
        return [LayerName(layer_ref(name), name) for name in self.bounds]

    # Reading

    def read_scene(self, target: Target, *, with_above: bool = False) -> Steps[Scene]:
        ref, results = target.ref, target.results if with_above else ()
        left_out = "".join(f" without {each.layer}" for each in (*target.curves, *results))
        self.log.append(f"scene {ref.layer}" + left_out + " with what lies above" * with_above)
        yield 0.5
        if ref.layer in self.bounds and self.bounds[ref.layer].is_empty:
            raise HostError(f"the layer “{ref.layer}” is empty")
        if self.unreadable:
            raise HarmonizeError(self.unreadable)
        if ref.layer not in self.bounds:
            raise HarmonizeError("the layer was deleted")
        return self._scene()

    def is_still(self, ref: LayerRef) -> bool:
        return self.still

    def read_reference(self, ref: LayerRef, reference: Reference) -> Steps[Thumbnail | None]:
        yield 0.0
        return None

    def fingerprint(self, ref: LayerRef) -> bytes:
        return self.signature

    def read_region(self, ref: LayerRef) -> Steps[Region]:
        self.log.append(f"region {ref.layer}")
        yield 0.5
        rect = self.bounds[ref.layer]
        form = LayerFormat(rect.width, rect.height, "BGRA", "u8")
        return Region(rect, form, bytes(form.nbytes), bytes(rect.area), rect.within(self.canvas), None)

    def compose(self, scene: Scene, layer: Picture) -> Picture:
        return layer

    # Writing

    def write_layer(
        self,
        ref: LayerRef,
        region: Region,
        pixels: bytearray,
        name: str,
        output: Output,
        *,
        hide: bool,
        cover: LayerRef | None,
    ) -> Steps[LayerRef]:
        yield 0.5
        name = self.names.pop(0) if self.names else name
        self.log.append(f"write {name} {output.value}" + (f" over {cover.layer}" if cover else ""))
        self.bounds[name] = region.rect
        return layer_ref(name)

    def rewrite_layer(self, ref: LayerRef, region: Region, pixels: bytearray) -> Steps[None]:
        yield 0.5
        self.need_untouched(ref, region.rect)
        self.log.append(f"rewrite {ref.layer}")

    def write_curves(
        self, ref: LayerRef, curves: Curves, name: str, *, instead_of: tuple[LayerRef, ...] = ()
    ) -> LayerRef:
        self._let_in()
        if self.refuses_curves:
            raise HostError("Krita did not take the curves mask")
        self.log.append(f"curves {ref.layer}" + "".join(f" instead of {mask.layer}" for mask in instead_of))
        self.hidden -= {mask.layer for mask in instead_of}
        name = f"mask {sum(key.startswith('mask') for key in self.bounds) + 1}"
        self.bounds[name] = Rect(0, 0, 1, 1)
        return layer_ref(name)

    def show_original(self, original: LayerRef, written: LayerRef, shown: bool) -> None:
        if shown != (written.layer in self.hidden):
            self.log.append(f"show {'original' if shown else 'written'}")
            self.hidden ^= {written.layer}

    def need_untouched(self, ref: LayerRef, rect: Rect) -> None:
        if self.touched:
            raise Touched(self.touched)

    def remember(self, document: str, text: str) -> None:
        self.memory = text

    def recall(self, document: str) -> str:
        return self.memory

    # Live mode

    def layer_bounds(self, ref: LayerRef) -> Rect | None:
        return self.bounds.get(ref.layer)

    def layer_signature(self, ref: LayerRef) -> bytes:
        return self.signature

    def surroundings_changed(self, ref: LayerRef, *, with_above: bool) -> bool:
        changed, self.below_changed = self.below_changed, False
        return changed

    def pen_is_down(self) -> bool:
        return self.pen

    def live_scene(self, target: Target, *, fresh_background: bool, fresh_layer: bool, with_above: bool) -> Scene:
        left_out = "".join(f" without {each.layer}" for each in target.results if with_above)
        which = " background" * fresh_background + " layer" * fresh_layer + " above" * with_above
        self.log.append("live scene" + which + left_out)
        if self.unreadable:
            raise HostError(self.unreadable)
        return self._scene()

    def set_live_curves(self, ref: LayerRef, curves: Curves) -> bool:
        assert not self.pen, "Krita's move tool crashes when masks change under it"
        self._let_in()
        if not self.pen:
            self.log.append("live curves")
        return not self.pen

    def set_live_levels(self, ref: LayerRef, curves: Curves, layer: Picture, *, redraw: bool) -> bool:
        self.log.append("live levels" + " redraw" * redraw)
        return self.levels_work

    def clear_live_curves(self, ref: LayerRef) -> None:
        self.log.append("live clear")

    def _let_in(self) -> None:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()

    def _scene(self) -> Scene:
        area = self.canvas.area if self.canvas.area < 1000 else 32
        return Scene(Thumbnail(area, 1, bytes(area * 3)), bytes(area), Picture(area, 1, bytes(area * 4)), None)


@dataclass
class FakeSession:
    """Answers every request at the next `poll`, unless `slow`; then when `answer` is called."""

    state: State = State.READY
    daemon: DaemonStatus | None = STATUS
    error: HarmonizeError | None = None
    slow: bool = False
    refuse: HarmonizeError | None = None
    log: list[str] = field(default_factory=list)
    refuse_network: dict[str, HarmonizeError] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Of predictions."""
    looks: list[Look] = field(default_factory=list)
    adjustments: int = 0
    _waiting: list[tuple[Job[Any], Callable[[], Any]]] = field(default_factory=list)

    def start(self) -> None:
        self.log.append("start")

    def status(self) -> Job[DaemonStatus]:
        return self._job("status", lambda: self.daemon)

    def predict(self, thumbnail: Thumbnail, mask: bytes, **options: Any) -> Job[Prediction]:
        def answer() -> Prediction:
            self.adjustments += 1
            network = options["network"] or "ours"
            if network in self.refuse_network:
                raise self.refuse_network[network]
            return Prediction(f"adjustment {self.adjustments}", network, "cpu", 3.0, self.notes, None)

        return self._job("predict" + " live" * options.get("live", False), answer)

    def render(
        self, adjustment: str, *arguments: Any, into: bytearray, look: Look | None = None, **options: Any
    ) -> Job[Rendered]:
        look = look or Look()
        self.looks.append(look)
        into[0] = round(look.strength * 100)
        return self._job("render", lambda: Rendered(1.0, ()))

    def export(self, adjustment: str, format: str, look: Look) -> Job[Exported]:
        self.looks.append(look)
        return self._job("export", lambda: Exported(CURVES_TEXT.replace("0.9", f"0.{self.adjustments}9"), True))

    def poll(self) -> None:
        if not self.slow:
            self.answer()

    def answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        for job, answer in waiting:
            if job.done:
                continue
            if self.refuse is not None and job.kind != "status":
                job.fail(self.refuse)
            else:
                try:
                    job._finish(answer())
                except HarmonizeError as error:
                    job.fail(error)

    def close(self) -> None:
        self.log.append("close")

    def _job(self, kind: str, answer: Callable[[], Any]) -> Job[Any]:
        self.log.append(kind)
        job: Job[Any] = Job(({"kind": kind}, []), "", lambda header, payload: None)
        self._waiting.append((job, answer))
        return job


@dataclass
class Clock:
    """Time that passes when the test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def moved(rect: Rect, by: int) -> Rect:
    return replace(rect, x=rect.x + by)
