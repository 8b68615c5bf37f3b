"""What a request needs, out of GIMP: the region of interest at full depth, its mask, a thumbnail of the scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gi.repository import Gimp
from harmonize_client.values import LayerFormat, Place, Thumbnail

from . import buffers, curves, layers, masks, record, scene
from .errors import CannotHarmonize
from .geometry import Box
from .layers import Layer
from .pixels import Storage, storage_for
from .words import _


@dataclass(frozen=True)
class Region:
    """A part of a layer: its pixels, and how strongly each of them is foreground."""

    box: Box
    """In the layer's own coordinates."""
    storage: Storage
    pixels: bytes
    mask: bytes | None
    """8 bit; None = every pixel fully."""
    merged: bool = False
    """Whether the layer's non-destructive filters are part of these pixels."""

    @property
    def format(self) -> LayerFormat:
        return LayerFormat(self.box.width, self.box.height, self.storage.layout, self.storage.depth)


@dataclass(frozen=True)
class Scene:
    """What a network looks at, and where the region is in it."""

    width: int
    height: int
    rgb: bytes
    mask: bytes
    place: Place
    """Where the region lies in the thumbnail."""
    alone: bool = False
    """Whether nothing but transparency is around the layer."""
    layer: bytes | None = None
    """The layer itself, R G B A, its layer mask in its alpha; None where it is not seen as it is."""
    selected: bytes | None = None
    """The selection; None = everything."""
    opacity: float = 1.0
    """How opaque the layer is seen in it."""
    blended: bool = False
    """Whether the layer is mixed with what lies below in another mode than the normal one."""

    @property
    def thumbnail(self) -> Thumbnail:
        return Thumbnail(self.width, self.height, self.rgb)


def storage(layer: Layer) -> Storage:
    image_type = layer.get_image().get_base_type()
    return storage_for(
        buffers.native_format(layer),
        srgb=buffers.is_srgb(layer),
        grey=image_type == Gimp.ImageBaseType.GRAY,
        indexed=image_type == Gimp.ImageBaseType.INDEXED,
        alpha=layer.has_alpha(),
    )


def region(layer: Layer) -> Region:
    """The smallest part of the layer with all that is selected and not hidden by its alpha or its layer mask.

    A pixel's mask is its selection, and 0 where alpha or layer mask hide it completely. Half-transparent pixels of a
    soft edge get the whole change: their transparency already mixes them with what lies below, and half a change on
    top would leave a fringe in the old color.
    """
    image = layer.get_image()
    where = layers.box(layer)
    selected = layers.selection_box(image)
    box = (where.common(selected) if selected else where).shifted(-where.x, -where.y)
    if box.empty:
        raise CannotHarmonize(
            "empty_mask",
            _("The selection does not touch the layer “{name}”").format(name=layer.get_name()),
            _("select a part of the layer, or nothing at all to harmonize all of it"),
        )
    kept = storage(layer)
    # Alpha out of pixels that are read anyway costs a tenth of asking GIMP for it.
    pixels = buffers.read(layer, box, kept.format) if kept.depth == "u8" and kept.layout in ("RGBA", "YA") else None
    mask = _mask(layer, box, where, pixels[len(kept.layout) - 1 :: len(kept.layout)] if pixels else None)
    if mask is None:
        return Region(box, kept, buffers.read(layer, box, kept.format), None)
    inner = masks.bounds(mask, box.width)
    if inner.empty:
        raise CannotHarmonize(
            "empty_mask",
            _("Nothing of the layer “{name}” is both selected and visible").format(name=layer.get_name()),
            _("check the selection, the layer’s transparency and its mask"),
        )
    tight = inner.shifted(box.x, box.y)
    mask = masks.crop(mask, box.width, inner)
    if pixels:
        pixels = masks.crop(pixels, box.width * kept.pixel_bytes, inner, kept.pixel_bytes)
    else:
        pixels = buffers.read(layer, tight, kept.format)
    return Region(tight, kept, pixels, None if masks.is_full(mask) else mask)


def cut_out(layer: Layer, region: Region) -> bytes:
    """The region's pixels, the layer mask in their alpha: a soft edge is where either is half transparent."""
    layer_mask, kept = layer.get_mask(), region.storage
    if layer_mask is None or not layer.get_apply_mask() or not layer.has_alpha():
        return region.pixels
    alpha = masks.product(buffers.read(layer, region.box, "A u8"), buffers.read(layer_mask, region.box, "Y u8"))
    return masks.with_alpha(region.pixels, alpha, len(kept.layout), kept.depth)


def region_box(layer: Layer) -> Box:
    """About where `region` will be, in image coordinates, without reading pixels: for a preview."""
    where = layers.box(layer)
    selected = layers.selection_box(layer.get_image())
    return where.common(selected) if selected else where


def _mask(layer: Layer, box: Box, where: Box, alpha: bytes | None) -> bytes | None:
    """The mask of a box of the layer; None when neither selection, alpha nor layer mask limit it."""
    image = layer.get_image()
    parts = []
    if layer.has_alpha():
        parts.append(masks.full_where_any(alpha if alpha is not None else buffers.read(layer, box, "A u8")))
    layer_mask = layer.get_mask()
    if layer_mask is not None and layer.get_apply_mask():
        parts.append(masks.full_where_any(buffers.read(layer_mask, box, "Y u8")))
    if layers.selection_box(image) is not None:
        parts.append(buffers.read(image.get_selection(), box.shifted(where.x, where.y), "Y u8"))
    if not parts:
        return None
    mask = parts.pop()
    for part in parts:
        mask = masks.both(mask, part)
    return mask


def around(
    layer: Layer,
    box: Box,
    *,
    needs_background: bool,
    to_above: bool = False,
    changed: Mapping[tuple[int, ...], Region] | None = None,
) -> Scene:
    """The scene with the layer on it and nothing above it, and where `box` (in image coordinates) lies in it.

    to_above: with the roles reversed, all that is seen; what lies above the layer is its surroundings then, but for
    what was made of the layer before.
    `changed` holds regions of layers, by their position, that this run has harmonized before: they are shown so.
    Curves of an earlier run are left out of all these layers: what is about to be replaced must not be looked at.
    Raises CannotHarmonize when nothing of the layer is seen, or when a background is needed and there is none.
    """
    with scene.stage(layer.get_image()) as duplicate:
        for position, new in (changed or {}).items():
            before = layers.at(duplicate, position)
            curves.remove(before)
            if new.merged:
                before.merge_filters()
            put(before, new)
        twin = layers.at(duplicate, layers.position(layer))
        curves.remove(twin)
        for result in record.results_above(layer) if to_above else ():
            layers.at(duplicate, layers.position(result)).set_visible(False)
        (scene.show if to_above else scene.show_up_to)(twin)
        scale, rgba = scene.picture(duplicate)
        above = None
        if to_above:
            scene.hide_up_to(twin)
            above = scene.picture(duplicate)[1][3::4]
            if not any(above):
                raise _nothing_above(layer)
        plain = not to_above and layers.is_seen_as_it_is(twin)
        opacity, blended = layers.opacity(twin), layers.is_blended(twin)
        mask, selected, itself = scene.coverage(duplicate, twin, scale)
        if above is not None:
            mask = masks.without(mask, above)
    if not any(mask):
        raise CannotHarmonize(
            "empty_mask",
            _("Nothing of the layer “{name}” is both selected and visible in the image").format(name=layer.get_name()),
            _("check the selection, the layer’s transparency and its mask"),
        )
    rgb = scene.without_holes(rgba, mask)
    alone = rgb is None
    if rgb is None:
        rgb = scene.without_holes(rgba, None) or bytes(len(mask) * 3)
    place = Place(*scale.place(box))
    found = Scene(
        scale.width, scale.height, rgb, mask, place, alone, itself if plain else None, selected, opacity, blended
    )
    if needs_background:
        require_background(found, layer)
    return found


def _nothing_above(layer: Layer) -> CannotHarmonize:
    return CannotHarmonize(
        "nothing_above",
        _("There is nothing above the layer “{name}” to match").format(name=layer.get_name()),
        _("choose another reference"),
    )


def require_background(found: Scene, layer: Layer) -> None:
    """Raises CannotHarmonize when there is nothing around the layer to match."""
    if found.alone:
        raise CannotHarmonize(
            "nothing_below",
            _("There is nothing below the layer “{name}” to match").format(name=layer.get_name()),
            _("put the layer above its background, or choose another reference"),
        )


def put(layer: Layer, new: Region) -> None:
    """Writes a region's pixels into a layer, every bit of alpha and outside the mask kept. No undo step."""
    buffer = layer.get_buffer()
    if new.storage.exact:
        buffers.write(buffer, new.box, new.storage.format, new.pixels)
    else:
        before = buffers.read(layer, new.box, None)
        buffers.write(buffer, new.box, new.storage.format, new.pixels)
        buffer.flush()
        after = bytearray(buffers.read(layer, new.box, None))
        if new.mask is not None:
            masks.keep_outside(after, before, new.mask)
        if layer.has_alpha():
            masks.keep_alpha(after, before, *buffers.pixel_and_alpha_bytes(layer))
        buffers.write(buffer, new.box, buffers.native_format(layer), after)
    buffer.flush()
    layer.update(new.box.x, new.box.y, new.box.width, new.box.height)
