"""The real host: each method of `host.Host` and `host.LiveHost`, in the module that knows how."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from ..client import Thumbnail
from ..i18n import tr
from ..task import HostError, Touched
from ..values import (
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
from . import bands, curves_mask, documents, live_view, region, scene, writing
from .color import color_space
from .documents import (
    LAYER_KINDS,
    Document,
    Node,
    application,
    bounds_of,
    canvas_of,
    document_id,
    find_document,
    find_node,
    is_locked,
    need_document,
    need_node,
    redraw,
    reference_in,
    reference_to,
    walk,
)
from .pen import Pen
from .undo import UndoWatch

_ANNOTATION = "harmonize-selection"


class KritaHost:
    """Krita as the presenter sees it."""

    def __init__(self) -> None:
        self._undo = UndoWatch()
        self._live = live_view.LiveView()
        self._pen = Pen()
        self._written: dict[LayerRef, _Print] = {}
        self._comparison: dict[LayerRef, tuple[bool, bool]] = {}
        """Whether original and result were visible before the original was shown, by result."""

    def tick(self) -> None:
        """Call it a few times a second."""
        self._pen.watch()
        self._undo.tick()
        if not self._pen.is_down:
            curves_mask.close_files()

    def close(self) -> None:
        """Before Krita ends."""
        curves_mask.close_files()

    # Layers

    def active(self) -> LayerInfo | None:
        document = application().activeDocument()
        node = document.activeNode() if document else None
        while node is not None and node.type() not in LAYER_KINDS:
            node = node.parentNode()  # a mask stands for its layer
        if node is None or node.parentNode() is None:
            return None
        return _info(document, node)

    def selected(self) -> list[LayerInfo]:
        document, window = application().activeDocument(), application().activeWindow()
        view = window.activeView() if window else None
        if document is None or view is None:
            return []
        chosen = {node.uniqueId().toString() for node in view.selectedNodes()}
        from_the_top = walk(document.rootNode()) if len(chosen) > 1 else view.selectedNodes()
        return [
            _info(document, node)
            for node in reversed(from_the_top)
            if node.type() in LAYER_KINDS and node.uniqueId().toString() in chosen
        ]

    def find(self, ref: LayerRef) -> LayerInfo | None:
        document, node = find_document(ref.document), find_node(ref)
        return _info(document, node) if node is not None else None

    def exists(self, ref: LayerRef) -> bool:
        return find_node(ref) is not None

    def layers(self) -> list[LayerName]:
        document = application().activeDocument()
        if document is None:
            return []
        key = document_id(document)
        nodes = walk(document.rootNode())
        return [LayerName(reference_in(key, node), node.name()) for node in nodes]

    # Reading

    def read_scene(self, target: Target, *, with_above: bool = False) -> Steps[Scene]:
        return scene.read_scene(target, with_above=with_above)

    def fingerprint(self, ref: LayerRef) -> bytes:
        return live_view.fingerprint(ref)

    def is_still(self, ref: LayerRef) -> bool:
        document = find_document(ref.document)
        return document is None or documents.is_still(document)

    def read_reference(self, ref: LayerRef, reference: Reference) -> Steps[Thumbnail | None]:
        return scene.read_reference(ref, reference)

    def read_region(self, ref: LayerRef) -> Steps[Region]:
        return region.read_region(ref)

    def compose(self, scene_: Scene, layer: Picture) -> Picture:
        return scene.compose(scene_.background, layer)

    # Writing

    def write_layer(
        self,
        ref: LayerRef,
        region_: Region,
        pixels: bytearray,
        name: str,
        output: Output,
        *,
        hide: bool,
        cover: LayerRef | None,
    ) -> Steps[LayerRef]:
        native, checksum = yield from _ready_to_write(region_, pixels)
        region.need_unchanged(ref, region_)
        replaced = output is Output.REPLACE
        if replaced:
            writing.need_replaceable(ref)
            name = need_node(ref).name()
        covered = [cover] if cover is not None and self.exists(cover) else []
        hidden = covered + [ref] * (hide and not replaced)
        were_visible = [need_node(each).visible() for each in hidden]
        above = covered[0] if covered and not replaced else ref
        written = writing.add_layer(ref, region_, native, name, above=above, hide=hidden)
        for each, was_visible in zip(hidden, were_visible, strict=True):
            self._undo.watch(each, written, shown=(was_visible, False))
        if replaced:
            need_document(ref).waitForDone()
            for mask in need_node(ref).childNodes():  # an undo must bring it back as it was
                self.show_original(ref, reference_in(ref.document, mask), False)
            need_node(ref).remove()
            self._undo.watch(ref, written, shown=None)
        self._written[written] = _Print(bounds_of(need_node(written)), checksum)
        return written

    def rewrite_layer(self, ref: LayerRef, region_: Region, pixels: bytearray) -> Steps[None]:
        native, checksum = yield from _ready_to_write(region_, pixels)
        self.need_untouched(ref, region_.rect)
        writing.rewrite(ref, native, region_.rect)
        self._written[ref] = _Print(bounds_of(need_node(ref)), checksum)

    def need_untouched(self, ref: LayerRef, rect: Rect) -> None:
        """Layers of an earlier run count as painted on: nothing is known of them."""
        node, written = need_node(ref), self._written.get(ref)
        if is_locked(node):
            raise Touched(tr("This layer is locked: press Harmonize for a new one."))
        now = _Print.of(node, rect)
        if written is not None and now.bounds.is_moved(written.bounds):
            raise Touched(tr("You have moved this layer: press Harmonize for a new one."))
        if now != written:
            raise Touched(tr("You have painted on this layer: press Harmonize for a new one."))

    def write_curves(
        self, ref: LayerRef, curves: Curves, name: str, *, instead_of: tuple[LayerRef, ...] = ()
    ) -> LayerRef:
        written = curves_mask.add(ref, curves_mask.make(ref, curves, name))
        for earlier in filter(self.exists, instead_of):
            self.show_original(ref, earlier, True)
            original_shown, earlier_shown = self._comparison.pop(earlier)
            if earlier_shown:
                self._undo.watch(earlier, written, shown=(True, False))
            if earlier_shown and need_node(earlier).type() in LAYER_KINDS:
                self._undo.watch(ref, written, shown=(original_shown, True))
        return written

    def show_original(self, original: LayerRef, written: LayerRef, shown: bool) -> None:
        before, after = find_node(original), need_node(written)
        if shown:
            self._comparison.setdefault(written, (before is not None and before.visible(), after.visible()))
            visible = (True, False)
        elif written in self._comparison:
            visible = self._comparison.pop(written)
        else:
            return
        after.setVisible(visible[1])
        if before is not None and after.type() in LAYER_KINDS:
            before.setVisible(visible[0])
        redraw(need_document(written))

    # The document's memory

    def remember(self, document: str, text: str) -> None:
        found = find_document(document)
        if found is not None:
            found.setAnnotation(_ANNOTATION, "Harmonize Selection: results", text.encode())

    def recall(self, document: str) -> str:
        found = find_document(document)
        if found is None or _ANNOTATION not in found.annotationTypes():
            return ""
        return bytes(found.annotation(_ANNOTATION)).decode("utf-8", "replace")

    # Live mode

    def layer_bounds(self, ref: LayerRef) -> Rect | None:
        return live_view.layer_bounds(ref)

    def layer_signature(self, ref: LayerRef) -> bytes:
        return live_view.layer_signature(ref)

    def surroundings_changed(self, ref: LayerRef, *, with_above: bool) -> bool:
        return self._live.surroundings_changed(ref, with_above=with_above)

    def pen_is_down(self) -> bool:
        return self._pen.is_down

    def live_scene(self, target: Target, *, fresh_background: bool, fresh_layer: bool, with_above: bool) -> Scene:
        return self._live.scene(
            target, fresh_background=fresh_background, fresh_layer=fresh_layer, with_above=with_above
        )

    def set_live_curves(self, ref: LayerRef, curves: Curves) -> bool:
        return live_view.set_live_curves(ref, curves, self._pen)

    def set_live_levels(self, ref: LayerRef, curves: Curves, layer: Picture, *, redraw: bool) -> bool:
        return live_view.set_live_levels(ref, curves, layer, redraw=redraw)

    def clear_live_curves(self, ref: LayerRef) -> None:
        self._live.forget()
        if find_node(ref) is not None:
            live_view.clear_live_curves(ref)


def _ready_to_write(region_: Region, pixels: bytearray) -> Steps[tuple[bytearray, int]]:
    """The pixels as the layer wants them, and their checksum: all that need not be done in the turn of writing."""
    native = yield from region.native_pixels(region_, pixels)
    yield 0.9
    checksum = zlib.crc32(native)
    yield 1.0
    return native, checksum


def _info(document: Document, node: Node) -> LayerInfo:
    return LayerInfo(
        ref=reference_to(document, node),
        name=node.name(),
        bounds=bounds_of(node),
        canvas=canvas_of(document),
        problem=_problem(document, node),
        transformed=any(child.type() == "transformmask" and child.visible() for child in node.childNodes()),
        animated=node.animated(),
    )


def _problem(document: Document, node: Node) -> str:
    try:
        color_space(node)
    except HostError as error:
        return error.cause
    return ""


@dataclass(frozen=True)
class _Print:
    """Of a layer, to see whether somebody else has changed it."""

    bounds: Rect
    pixels: int
    """Of all that it holds in a rectangle."""

    @classmethod
    def of(cls, node: Node, rect: Rect) -> _Print:
        return cls(bounds_of(node), bands.checksum(node.pixelData, rect, color_space(node).pixel_bytes))
