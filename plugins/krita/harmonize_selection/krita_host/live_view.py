"""Cheap looks at a document while the artist drags a layer through it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import compress, islice

from .. import levels
from ..curve_text import to_light
from ..values import Curves, LayerRef, Picture, Rect, Scene, Target
from . import curves_mask, documents
from .color import color_space
from .documents import (
    Document,
    Node,
    application,
    bounds_of,
    canvas_of,
    find_document,
    find_node,
    find_nodes,
    need_document,
    need_node,
)
from .pen import Pen
from .scene import Background, LayerImage, place, read_background, read_layer_image

MASK_NAME = "Harmonize live"
_LINES = 24
"""Rows that are compared to see whether a picture has changed."""
_COLORS = 400
"""Colors of a layer that settings are fitted to."""
_OPAQUE = bytes(value > 127 for value in range(256))


@dataclass
class LiveView:
    """What live mode keeps of the one layer that it follows."""

    _background: Background | None = None
    _read_for: tuple[str, bool] = ("", False)
    """How the layer is blended onto the background, and whether what lies above it was read."""
    _layer: LayerImage | None = None
    _lines: dict[int, bytes] = field(default_factory=dict)
    _seen_in: Rect | None = None
    """Where the layer may still be seen: Krita shows a move some time after it."""

    def forget(self) -> None:
        self._background = self._layer = self._seen_in = None
        self._lines = {}

    def surroundings_changed(self, ref: LayerRef, *, with_above: bool) -> bool:
        """Compares some rows of the document, but not where the layer is or was: there our own curves show.

        with_above: there as well. New curves are then looked at once more, and found to be right.
        """
        document, node = need_document(ref), need_node(ref)
        canvas, bounds = canvas_of(document), bounds_of(node)
        pixel_bytes = color_space(document).pixel_bytes
        lines = {row: bytes(document.pixelData(0, row, canvas.width, 1)) for row in _rows(canvas)}
        hidden = bounds.united(self._seen_in) if self._seen_in is not None else bounds
        if with_above:
            hidden = Rect(0, 0, 0, 0)
        changed = any(
            _without(line, row, hidden, canvas, pixel_bytes)
            != _without(self._lines.get(row, line), row, hidden, canvas, pixel_bytes)
            for row, line in lines.items()
        )
        self._seen_in = bounds if lines == self._lines else hidden
        self._lines = lines
        return changed

    def scene(self, target: Target, *, fresh_background: bool, fresh_layer: bool, with_above: bool) -> Scene:
        document, node = need_document(target.ref), need_node(target.ref)
        if fresh_layer or self._layer is None:
            mask = curves_mask.find(node, MASK_NAME)
            self._layer = read_layer_image(document, node, without=(mask,) if mask is not None else ())
        read_for = (_blending(node), with_above)
        if fresh_background or self._background is None or read_for != self._read_for:
            earlier = find_nodes(target.results)
            self._background, _ = read_background(document, node, with_above=with_above, results=earlier)
            self._read_for = read_for
        return place(self._layer, self._background, bounds_of(node), canvas_of(document))


def fingerprint(ref: LayerRef) -> bytes:
    """Of some rows of the layer as it is shown, of the selection, and of the document beside the layer."""
    document, node = need_document(ref), need_node(ref)
    canvas, bounds = canvas_of(document), bounds_of(node)
    digest = hashlib.blake2b(digest_size=16)
    digest.update(_blending(node).encode())
    for row in _rows(bounds):
        digest.update(bytes(node.projectionPixelData(bounds.x, row, bounds.width, 1)))
    digest.update(_selected_rows(document, bounds))
    for row in _rows(canvas):
        line = bytes(document.pixelData(0, row, canvas.width, 1))
        digest.update(_without(line, row, bounds, canvas, len(line) // canvas.width))
    return digest.digest()


def layer_bounds(ref: LayerRef) -> Rect | None:
    document, node = find_document(ref.document), find_node(ref)
    if document is not None:
        curves_mask.keep_out_of_the_way(document, MASK_NAME)
    return bounds_of(node) if node is not None else None


def layer_signature(ref: LayerRef) -> bytes:
    """Of some rows of the layer, counted from its own top, of its masks, how it is blended, and the selection."""
    document, node = need_document(ref), need_node(ref)
    bounds = bounds_of(node)
    digest = hashlib.blake2b(digest_size=16)
    others = [child for child in node.childNodes() if child.visible() and child.name() != MASK_NAME]
    ids = " ".join(child.uniqueId().toString() for child in others)
    digest.update(f"{bounds.width} {bounds.height} {_blending(node)} {ids}".encode())
    for row in range(0, bounds.height, max(1, bounds.height // _LINES)):
        digest.update(bytes(node.pixelData(bounds.x, bounds.y + row, bounds.width, 1)))
    digest.update(_selected_rows(document, bounds))
    return digest.digest()


def _blending(node: Node) -> str:
    return f"{node.blendingMode()} {node.opacity()} {node.inheritAlpha()}"


def _selected_rows(document: Document, bounds: Rect) -> bytes:
    """Of the selection, if there is one: where it lies, and some rows of it where the layer is."""
    selection = document.selection()
    if selection is None:
        return b""
    area = (selection.x(), selection.y(), selection.width(), selection.height())
    rows = (bytes(selection.pixelData(bounds.x, row, bounds.width, 1)) for row in _rows(bounds))
    return str(area).encode() + b"".join(rows)


def set_live_curves(ref: LayerRef, curves: Curves, pen: Pen) -> bool:
    """Exactly these curves, in another mask. False if the pen went down meanwhile: masks must not change under it."""
    mask = curves_mask.make(ref, curves, MASK_NAME)
    if pen.is_down:
        return False
    curves_mask.show(ref, mask)
    return True


def set_live_levels(ref: LayerRef, curves: Curves, layer: Picture, *, redraw: bool) -> bool:
    """Nearly these curves, in the mask that is there already. redraw: unless a stroke redraws the layer anyway.

    False if there is no such mask, or the layer is not in RGB.
    """
    document, node = need_document(ref), need_node(ref)
    mask, space = curves_mask.find(node, MASK_NAME), color_space(node)
    if mask is None or space.model != "RGBA":
        return False
    fitted = levels.fit(curves, _colors(layer), to_light if space.is_linear else lambda value: value)
    effect = application().filter("levels")
    settings = effect.configuration()
    settings.setProperty("mode", "channels")
    channels = [levels.Level(), fitted.red, fitted.green, fitted.blue, *[levels.Level()] * 4]  # see `curve_text`
    settings.setProperty("number_of_channels", len(channels))
    for index, level in enumerate(channels):
        settings.setProperty(f"channel_{index}", str(level))
    # Krita takes settings over in the order of their names, and works the curves out at each that has "channel_N" in
    # its name: the last of them must come after "number_of_channels".
    settings.setProperty("~channel_0", "")
    effect.setConfiguration(settings)
    mask.setFilter(effect)
    if redraw:
        documents.redraw(document)
    return True


def _colors(layer: Picture) -> list[tuple[int, int, int]]:
    """Some of the layer's colors, evenly from all over it."""
    rgba = layer.rgba
    opaque = rgba[3::4].translate(_OPAQUE)
    step = max(1, opaque.count(1) // _COLORS)
    places = islice(compress(range(0, len(rgba), 4), opaque), 0, None, step)
    return [(rgba[place], rgba[place + 1], rgba[place + 2]) for place in places]


def clear_live_curves(ref: LayerRef) -> None:
    curves_mask.remove(ref, MASK_NAME)


def _rows(rect: Rect) -> range:
    """Some, evenly from all over it."""
    return range(rect.y + rect.height // (2 * _LINES), rect.bottom, max(1, rect.height // _LINES))


def _without(line: bytes, row: int, hidden: Rect, canvas: Rect, pixel_bytes: int) -> bytes:
    """The row without the part that lies in `hidden`: blanked, so that rows stay comparable."""
    if not hidden.y <= row < hidden.bottom:
        return line
    left = min(max(hidden.x, 0), canvas.width) * pixel_bytes
    right = min(max(hidden.right, 0), canvas.width) * pixel_bytes
    return line[:left] + bytes(right - left) + line[right:]
