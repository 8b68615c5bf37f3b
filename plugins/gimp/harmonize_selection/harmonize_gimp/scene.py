"""The scene around a layer, made in a duplicate of the image so that the artist's own image is not touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gi.repository import Gimp, Gio
from harmonize_client.values import Thumbnail

from . import buffers, layers, masks
from .errors import CannotHarmonize
from .geometry import Scale
from .layers import Image, Layer
from .words import _

THUMBNAIL_SIDE = 512
_ENCODED = (Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U8_PERCEPTUAL)
_COMPONENTS = (Gimp.ChannelType.RED, Gimp.ChannelType.GREEN, Gimp.ChannelType.BLUE, Gimp.ChannelType.ALPHA)


@contextmanager
def stage(image: Image) -> Iterator[Image]:
    """A duplicate of the image, without undo and locks, gone afterwards, in which only the layers are seen."""
    duplicate = image.duplicate()
    duplicate.undo_disable()
    try:
        _show_only_layers(duplicate)
        yield duplicate
    finally:
        duplicate.delete()


def _show_only_layers(image: Image) -> None:
    """Takes the locks off an image of our own, and out of sight what artists look at while they work.

    That is: masks in place of their layers, channels such as the quick mask over all of them, single color channels.
    GIMP ends a plug-in that writes to locked pixels, and neither shows nor hides a layer whose visibility is locked.
    """
    for layer in layers.others(image, ()):
        layers.unlock(layer)
        if layer.get_mask() is not None:
            layer.set_show_mask(False)
    for channel in image.get_channels():
        channel.set_visible(False)
    if image.get_base_type() == Gimp.ImageBaseType.RGB:
        for component in _COMPONENTS:
            image.set_component_visible(component, True)


def show_up_to(layer: Layer) -> None:
    """Hides all that lies above the layer, at each level of groups, and shows the layer itself."""
    for item in layers.with_groups(layer):
        for sibling in layers.siblings(item):
            if sibling.get_id() == item.get_id():
                break
            sibling.set_visible(False)
        item.set_visible(True)


def hide_up_to(layer: Layer) -> None:
    """Hides the layer and all that lies below it, at each level of groups; what lies above is left as it is."""
    layer.set_visible(False)
    for item in layers.with_groups(layer):
        below = False
        for sibling in layers.siblings(item):
            if below:
                sibling.set_visible(False)
            below = below or sibling.get_id() == item.get_id()


def show(layer: Layer) -> None:
    """Shows the layer, and the groups that hold it."""
    for item in layers.with_groups(layer):
        item.set_visible(True)


def picture(image: Image) -> tuple[Scale, bytes]:
    """The image as it is seen, scaled: R G B A, 8 bit, sRGB-encoded."""
    scale = Scale.to_fit(image.get_width(), image.get_height(), THUMBNAIL_SIDE)
    if _thumbnail_is_right(image):
        # Twice as fast for large images: only the small picture leaves GIMP.
        seen = image.get_thumbnail(scale.width, scale.height, Gimp.PixbufTransparency.KEEP_ALPHA)
        if seen is not None and (seen.get_width(), seen.get_height()) == (scale.width, scale.height):
            rows, stride, channels = bytes(seen.get_pixels()), seen.get_rowstride(), seen.get_n_channels()
            return scale, masks.packed(rows, scale.width, scale.height, stride, channels)
    layer = Gimp.Layer.new_from_visible(image, image, "seen")
    try:
        return scale, buffers.read_scaled(layer, scale, "R'G'B'A u8")
    finally:
        layer.delete()


def _thumbnail_is_right(image: Image) -> bool:
    """GIMP 3.0 converts nothing for its thumbnails: it gives linear light, or 16 bits of grey, as if they were sRGB."""
    encoded = hasattr(Gimp, "Curve") or image.get_precision() in _ENCODED
    return encoded and buffers.is_srgb(image.get_layers()[0])


def coverage(image: Image, layer: Layer, scale: Scale) -> tuple[bytes, bytes | None, bytes]:
    """The foreground mask of a layer of a duplicate: selection × alpha × its mask and those of its groups.

    And the selection, None for everything, and the layer itself, R G B A. All are scaled like `picture`.
    Uses up the duplicate: nothing but the layer is seen in it afterwards.
    Asking GIMP to select the layer's alpha would say the same, and takes ten times as long for a large layer.
    """
    _alone(layer)
    alone = picture(image)[1]
    if layers.selection_box(image) is None:
        return alone[3::4], None, alone
    selected = buffers.read_scaled(image.get_selection(), scale, "Y u8")
    return masks.product(alone[3::4], selected), selected, alone


def _alone(layer: Layer) -> None:
    """Shows nothing but a layer of a duplicate, in its own colors, opaque where it and the masks of its groups are."""
    for item in layers.with_groups(layer):
        for sibling in layers.siblings(item):
            sibling.set_visible(sibling.get_id() == item.get_id())
        item.set_mode(Gimp.LayerMode.NORMAL)
        item.set_opacity(100)
    for group in layers.with_groups(layer)[1:]:
        for entry in group.get_filters():
            entry.delete()


def without_holes(rgba: bytes, mask: bytes | None) -> bytes | None:
    """R G B of a picture whose transparent pixels take the mean color of its opaque ones outside the mask.

    None when nothing but transparency lies outside the mask.
    """
    channels = [bytearray(rgba[index::4]) for index in range(3)]
    alpha = rgba[3::4]
    if alpha.count(255) != len(alpha):
        outside = [a if not m else 0 for a, m in zip(alpha, mask, strict=True)] if mask else list(alpha)
        total = sum(outside)
        if total == 0:
            return None
        holes = [(index, a) for index, a in enumerate(alpha) if a != 255]
        for channel in channels:
            mean = sum(value * a for value, a in zip(channel, outside, strict=True)) / total
            for index, a in holes:
                channel[index] = round(mean + (channel[index] - mean) * a / 255)
    rgb = bytearray(len(alpha) * 3)
    for index, channel in enumerate(channels):
        rgb[index::3] = channel
    return bytes(rgb)


def visible_reference(image: Image, targets: Sequence[Layer]) -> Thumbnail:
    """All that is seen but the layers to harmonize."""
    with stage(image) as duplicate:
        for target in targets:
            layers.at(duplicate, layers.position(target)).set_visible(False)
        return _reference(duplicate, _("nothing else is visible"))


def layer_reference(image: Image, tattoo: int) -> Thumbnail:
    """One layer alone, opaque where it is opaque."""
    layer = image.get_layer_by_tattoo(tattoo)
    if layer is None:
        raise reference_gone()
    with stage(image) as duplicate:
        twin = layers.at(duplicate, layers.position(layer))
        _alone(twin)
        where = layers.box(twin)
        duplicate.resize(where.width, where.height, -where.x, -where.y)
        return _reference(duplicate, _("the reference layer is empty"))


def reference_gone() -> CannotHarmonize:
    return CannotHarmonize("no_reference", _("The reference layer is gone"), _("choose another reference"))


def file_reference(path: str) -> Thumbnail:
    """A picture file of any kind that GIMP can open."""
    unreadable = CannotHarmonize(
        "bad_reference_file",
        _("The reference picture “{name}” cannot be opened").format(name=Path(path).name),
        _("choose a picture that GIMP can open"),
    )
    if not Path(path).is_file():
        raise unreadable
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    if image is None:
        raise unreadable
    try:
        _show_only_layers(image)
        return _reference(image, _("the reference picture is empty"))
    finally:
        image.delete()


def _reference(image: Image, empty: str) -> Thumbnail:
    scale, rgba = picture(image)
    rgb = without_holes(rgba, None)
    if rgb is None:
        raise CannotHarmonize(
            "no_reference", _("There is nothing to match: {reason}").format(reason=empty), _("choose another reference")
        )
    return Thumbnail(scale.width, scale.height, rgb)
