"""Cheap looks at a document while the artist drags a layer through it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from .. import balance
from ..curve_text import to_light
from ..qt import Qt, QtWidgets
from ..values import Curves, LayerRef, Picture, Rect, Scene
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
    need_document,
    need_node,
)
from .scene import Background, LayerImage, place, read_background, read_layer_image

MASK_NAME = "Harmonize live"
_LINES = 24
"""Rows that are compared to see whether a picture has changed."""
_COLORS = 400
"""Colors of a layer that settings are fitted to."""


@dataclass
class LiveView:
    """What live mode keeps of the one layer that it follows."""

    _background: Background | None = None
    _layer: LayerImage | None = None
    _lines: dict[int, bytes] = field(default_factory=dict)
    _bounds: Rect | None = None

    def forget(self) -> None:
        self._background = self._layer = self._bounds = None
        self._lines = {}

    def surroundings_changed(self, ref: LayerRef) -> bool:
        """Compares some rows of the document, but not where the layer is or was: there our own curves show."""
        document, node = need_document(ref), need_node(ref)
        canvas, bounds = canvas_of(document), bounds_of(node)
        pixel_bytes = color_space(document).pixel_bytes
        rows = range(canvas.height // (2 * _LINES), canvas.height, max(1, canvas.height // _LINES))
        lines = {row: bytes(document.pixelData(0, row, canvas.width, 1)) for row in rows}
        hidden = [rect for rect in (bounds, self._bounds) if rect is not None]
        changed = any(
            _without(line, row, hidden, canvas, pixel_bytes)
            != _without(self._lines.get(row, line), row, hidden, canvas, pixel_bytes)
            for row, line in lines.items()
        )
        self._lines, self._bounds = lines, bounds
        return changed

    def scene(self, ref: LayerRef, *, fresh_background: bool, fresh_layer: bool) -> Scene:
        document, node = need_document(ref), need_node(ref)
        if fresh_layer or self._layer is None:
            plain = curves_mask.find(node, MASK_NAME) is None
            self._layer = read_layer_image(document, node) if plain else _read_without_mask(document, node)
        if fresh_background or self._background is None:
            self._background, _ = read_background(document, node)
        return place(self._layer, self._background, bounds_of(node), canvas_of(document))


def layer_bounds(ref: LayerRef) -> Rect | None:
    document, node = find_document(ref.document), find_node(ref)
    if document is not None:
        curves_mask.keep_out_of_the_way(document, MASK_NAME)
    return bounds_of(node) if node is not None else None


def layer_signature(ref: LayerRef) -> bytes:
    """Of some rows of the layer, counted from its own top, and of what else changes its look."""
    node = need_node(ref)
    bounds = bounds_of(node)
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{bounds.width} {bounds.height} {node.opacity()} {node.blendingMode()}".encode())
    for row in range(0, bounds.height, max(1, bounds.height // _LINES)):
        digest.update(bytes(node.pixelData(bounds.x, bounds.y + row, bounds.width, 1)))
    return digest.digest()


def pen_is_down() -> bool:
    return bool(QtWidgets.QApplication.mouseButtons() != Qt.MouseButton.NoButton)


def set_live_curves(ref: LayerRef, curves: Curves) -> None:
    """Exactly these curves. Changes the layer's masks: not while the pen is down."""
    documents.end_strokes(need_document(ref))
    curves_mask.show(ref, curves, MASK_NAME)


def set_live_balance(ref: LayerRef, curves: Curves, layer: Picture, *, redraw: bool) -> bool:
    """Nearly these curves, in the mask that is there already. redraw: unless a stroke redraws the layer anyway.

    False if there is no such mask, or the layer has no colors to balance.
    """
    document, node = need_document(ref), need_node(ref)
    mask, space = curves_mask.find(node, MASK_NAME), color_space(node)
    if mask is None or space.model != "RGBA":
        return False
    fitted = balance.fit(curves, _colors(layer), to_light if space.is_linear else lambda value: value)
    effect = application().filter("colorbalance")
    settings = effect.configuration()
    settings.setProperty("preserve_luminosity", False)
    for part in ("shadows", "midtones", "highlights"):
        for name, share in zip(("cyan_red", "magenta_green", "yellow_blue"), getattr(fitted, part), strict=True):
            settings.setProperty(f"{name}_{part}", share)
    effect.setConfiguration(settings)
    mask.setFilter(effect)
    if redraw:
        documents.redraw(document)
    return True


def _colors(layer: Picture) -> list[balance.Color]:
    """Some of the layer's colors, evenly from all over it."""
    opaque = [index for index in range(0, len(layer.rgba), 4) if layer.rgba[index + 3] > 127]
    step = max(1, len(opaque) // _COLORS)
    return [
        (layer.rgba[index] / 255, layer.rgba[index + 1] / 255, layer.rgba[index + 2] / 255) for index in opaque[::step]
    ]


def clear_live_curves(ref: LayerRef) -> None:
    documents.end_strokes(need_document(ref))
    curves_mask.remove(ref, MASK_NAME)


def _without(line: bytes, row: int, hidden: list[Rect], canvas: Rect, pixel_bytes: int) -> bytes:
    """The row without the parts that lie in `hidden`: blanked, so that rows stay comparable."""
    for rect in hidden:
        if rect.y <= row < rect.bottom:
            left = min(max(rect.x, 0), canvas.width) * pixel_bytes
            right = min(max(rect.right, 0), canvas.width) * pixel_bytes
            line = line[:left] + bytes(right - left) + line[right:]
    return line


def _read_without_mask(document: Document, node: Node) -> LayerImage:
    """The layer as it is without our own curves: read from a copy, the artist's document is left alone."""
    copy = document.clone()
    try:
        twin = copy.nodeByUniqueID(node.uniqueId())
        mask = curves_mask.find(twin, MASK_NAME)
        if mask is not None:
            mask.setVisible(False)
        copy.refreshProjection()
        copy.waitForDone()
        return read_layer_image(document, twin)
    finally:
        copy.setModified(False)
        copy.close()
