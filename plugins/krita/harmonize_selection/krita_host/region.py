"""A layer's pixels: read for rendering, and the rendered ones back in the layer's own color space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import masks
from ..i18n import tr
from ..task import HostError
from ..values import LayerRef, Rect, Region, Steps
from . import bands
from .color import ColorSpace, Converter, color_space, wrong_size
from .documents import Document, Node, bounds_of, canvas_of, end_strokes, need_document, need_node

if TYPE_CHECKING:
    from typing_extensions import Buffer

_RESHAPING = frozenset(("filtermask", "transformmask", "colorizemask"))
_STEP_PIXELS = 300_000
"""What is converted without a pause: about 0.1 s."""


@dataclass(frozen=True)
class Original:
    """What is needed to write a region back."""

    pixels: Any
    """QByteArray, as the layer has them."""
    space: ColorSpace
    flatten: bool
    bounds: Rect
    """Of the whole layer."""
    shown: Rect
    """All that it covers with its masks."""
    masked: bool
    """Whether alpha was read as the layer's masks leave it, and is to be written as it was."""


def is_flattened(node: Node) -> bool:
    """Whether the result cannot keep the layer's structure: it is no paint layer, or filters change what it shows."""
    return node.type() != "paintlayer" or any(child.type() != "transparencymask" for child in node.childNodes())


def shown_bounds(document: Document, node: Node) -> Rect:
    """What the layer covers with its masks: they can transform it, or blur it beyond its own bounds.

    Krita does not tell, so it is looked for in the picture, which takes 0.2 s at 24 megapixels.
    """
    bounds = bounds_of(node)
    if bounds.is_empty or not any(child.visible() and child.type() in _RESHAPING for child in node.childNodes()):
        return bounds
    area, space = bounds.united(canvas_of(document)), color_space(node)
    shown = _sized(node.projectionPixelData(area.x, area.y, area.width, area.height), area, space)
    opacity = masks.opacity_bytes(shown, space.pixel_bytes)
    left, top, right, bottom = masks.extent(opacity, area.width)
    return Rect(area.x + left, area.y + top, right - left, bottom - top)


def read_region(ref: LayerRef) -> Steps[Region]:
    """Masked: the selection, where the layer is not clear. What is no plain paint layer is read as it is shown.

    A layer's masks are in its alpha: a soft edge is where either is half transparent.
    """
    document, node = need_document(ref), need_node(ref)
    end_strokes(document)
    rect = everything = shown_bounds(document, node)
    selection = document.selection()
    if selection is not None:
        rect = rect.intersected(Rect(selection.x(), selection.y(), selection.width(), selection.height()))
    if rect.is_empty:
        raise HostError(tr("the selection does not touch the layer"), tr("select a part of the layer, or nothing"))
    space, flatten = color_space(node), is_flattened(node)
    area = (rect.x, rect.y, rect.width, rect.height)
    shown = _sized(node.projectionPixelData(*area), rect, space)
    # Without masks and onion skins, a paint layer is shown as it is.
    as_it_is = flatten or not (node.childNodes() or node.animated())
    pixels = shown if as_it_is else _sized(node.pixelData(*area), rect, space)
    mask = masks.covered(masks.opacity_bytes(shown, space.pixel_bytes))
    if selection is not None:
        mask = masks.restricted(bytes(selection.pixelData(*area)), to=mask)
    if not any(mask):
        raise HostError(
            tr("nothing of the layer is selected"), tr("select a part of the layer that is not transparent")
        )
    place = rect.within(canvas_of(document))
    yield 0.1
    masked = not flatten and bool(node.childNodes())
    cut_out = masks.with_alpha_of(shown, pixels, space.pixel_bytes, space.sample_bytes) if masked else pixels
    rendered = yield from _converted(cut_out, rect, space, space.rendered_in)
    return Region(
        rect,
        space.rendered_in.format(rect.width, rect.height),
        rendered,
        mask,
        place,
        Original(pixels, space, flatten, bounds_of(node), everything, masked),
    )


def need_unchanged(ref: LayerRef, region: Region) -> None:
    """What was read may only be written back where it still stands: else strokes would be lost, or come twice."""
    document, node, original = need_document(ref), need_node(ref), region.original
    end_strokes(document)
    read = node.projectionPixelData if original.flatten else node.pixelData
    if bounds_of(node) != original.bounds or not bands.is_same(read, region.rect, original.pixels):
        raise HostError(tr("the layer was changed meanwhile"), tr("press Harmonize again"))


def native_pixels(region: Region, pixels: bytearray) -> Steps[bytearray]:
    """Rendered pixels in the layer's own color space; outside the mask they are the layer's, to the last bit."""
    original: Original = region.original
    space, native = original.space, pixels
    if space != space.rendered_in:
        back = yield from _converted(pixels, region.rect, space.rendered_in, space)
        native = bytearray(memoryview(original.pixels))
        masks.copy_masked(back, native, region.mask, space.pixel_bytes)
    if original.masked:
        native = masks.with_alpha_of(original.pixels, native, space.pixel_bytes, space.sample_bytes)
    return native


def _sized(pixels: Any, rect: Rect, space: ColorSpace) -> Any:
    if pixels.size() != rect.area * space.pixel_bytes:
        raise wrong_size(pixels.size(), rect.width, rect.height)
    return pixels


def _converted(pixels: Buffer, rect: Rect, source: ColorSpace, target: ColorSpace) -> Steps[Buffer]:
    if source == target:
        return pixels
    view = memoryview(pixels).cast("B")
    row_bytes, out_bytes = rect.width * source.pixel_bytes, rect.width * target.pixel_bytes
    converted = bytearray(rect.height * out_bytes)
    rows = max(1, _STEP_PIXELS // rect.width)
    with Converter(source, target) as converter:
        for top in range(0, rect.height, rows):
            bottom = min(top + rows, rect.height)
            band = converter.convert(view[top * row_bytes : bottom * row_bytes], rect.width, bottom - top)
            converted[top * out_bytes : bottom * out_bytes] = memoryview(band)
            yield bottom / rect.height
    return converted
