"""Cheap looks at a document while the artist drags a layer through it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ..qt import Qt, QtWidgets
from ..values import Curves, LayerRef, Rect, Scene
from . import curves_mask
from .color import color_space
from .documents import bounds_of, canvas_of, find_node, need_document, need_node
from .scene import Background, LayerImage, place, read_background, read_layer_image

MASK_NAME = "Harmonize live"
_LINES = 24
"""Rows that are compared to see whether a picture has changed."""


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
            mask = curves_mask.find(node, MASK_NAME)
            if mask is None:
                self._layer = read_layer_image(document, node)
            else:
                self._layer = _read_without(document, node, mask)
        if fresh_background or self._background is None:
            self._background, _ = read_background(document, node)
        return place(self._layer, self._background, bounds_of(node), canvas_of(document))


def layer_bounds(ref: LayerRef) -> Rect | None:
    node = find_node(ref)
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
    return QtWidgets.QApplication.mouseButtons() != Qt.MouseButton.NoButton


def set_live_curves(ref: LayerRef, curves: Curves) -> None:
    curves_mask.show(ref, curves, MASK_NAME)


def clear_live_curves(ref: LayerRef) -> None:
    curves_mask.remove(ref, MASK_NAME)


def _without(line: bytes, row: int, hidden: list[Rect], canvas: Rect, pixel_bytes: int) -> bytes:
    """The row without the parts that lie in `hidden`: blanked, so that rows stay comparable."""
    for rect in hidden:
        if rect.y <= row < rect.bottom:
            left = min(max(rect.x, 0), canvas.width) * pixel_bytes
            right = min(max(rect.right, 0), canvas.width) * pixel_bytes
            line = line[:left] + bytes(right - left) + line[right:]
    return line


def _read_without(document: object, node: object, mask: object) -> LayerImage:
    """The layer as it is without our own curves."""
    curves_mask.swap(node, mask, None)
    try:
        twin = node.duplicate()  # type: ignore[attr-defined]
        return read_layer_image(document, twin)
    finally:
        curves_mask.swap(node, None, mask)
