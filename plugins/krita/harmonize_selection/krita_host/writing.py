"""New layers from rendered pixels. `addChildNode` is the one undo step; everything else here leaves none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..i18n import tr
from ..task import HostError
from ..values import LayerRef, Rect, Region
from . import bands
from .documents import Node, bounds_of, is_locked, make_active, need_document, need_node, redraw, reference_to
from .region import Original, shown_bounds


def add_layer(
    ref: LayerRef, region: Region, pixels: bytearray, name: str, *, above: LayerRef, hide: Sequence[LayerRef]
) -> LayerRef:
    """A layer that differs from `ref` in `pixels` only. One undo step. hide: the layers that it stands for."""
    document, node, below = need_document(ref), need_node(ref), need_node(above)
    original: Original = region.original
    if original.flatten:
        new = document.createNode(name, "paintlayer")
        same_space = (new.colorModel(), new.colorDepth(), new.colorProfile()) == (
            original.space.model,
            original.space.depth,
            original.space.profile,
        )
        if not same_space or node.type() == "paintlayer":
            new = _bare_duplicate(node)
        new.setBlendingMode(node.blendingMode())
        new.setOpacity(node.opacity())
        new.setInheritAlpha(node.inheritAlpha())
        places = {bounds_of(new)}
        if region.rect != original.shown:  # else the pixels are all that there is to be seen
            places.add(shown_bounds(document, node))
        _copy_shown(node, new, places - {region.rect})
    else:
        new = node.duplicate()
    new.setName(name)
    new.setVisible(True)
    set_pixels(new, pixels, region.rect)
    seen = [other for other in map(need_node, hide) if other.visible()]
    for other in seen:
        other.setVisible(False)
    if not below.parentNode().addChildNode(new, below):
        for other in seen:
            other.setVisible(True)
        raise HostError(tr("Krita did not take the new layer"))
    make_active(document, new)
    return reference_to(document, new)


def need_replaceable(ref: LayerRef) -> None:
    if is_locked(need_node(ref)):
        raise HostError(tr("the layer is locked"), tr("unlock it, or choose a new layer as the result"))


def rewrite(ref: LayerRef, pixels: bytearray, rect: Rect) -> None:
    set_pixels(need_node(ref), pixels, rect)
    redraw(need_document(ref))


def set_pixels(node: Node, pixels: bytearray | bytes, rect: Rect) -> None:
    """Raises `HostError` unless they were taken: of a wrong length Krita only prints a warning."""
    row = (rect.x, rect.bottom - 1, rect.width, 1)
    row_bytes = len(pixels) // rect.height
    bands.write(node, rect, pixels)
    if bytes(node.pixelData(*row)) != pixels[-row_bytes:]:
        raise HostError(tr("Krita did not take the pixels of the layer “{name}”", name=node.name()))


def remove_all_children(node: Node) -> None:
    """Without an undo step. Krita 5.2 takes away one child at a call, 5.3 all of them."""
    for _ in node.childNodes():
        if node.childNodes():
            node.setChildNodes([])


def _bare_duplicate(node: Node) -> Any:
    new = node.duplicate()
    remove_all_children(new)
    return new


def _copy_shown(node: Node, new: Node, places: Iterable[Rect]) -> None:
    """All that the layer shows there, with its masks and filters, as plain pixels."""
    for place in places:
        area = (place.x, place.y, place.width, place.height)
        if not place.is_empty:
            new.setPixelData(node.projectionPixelData(*area), *area)
