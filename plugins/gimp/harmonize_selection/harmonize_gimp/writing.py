"""Results into GIMP: everything is made ready outside the image first, then put in with one undo step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gi.repository import Gimp

from . import buffers, curves, layers, reading, record
from .curves import Curves
from .geometry import Box
from .layers import Image, Layer
from .reading import Region
from .record import Record
from .words import _


@dataclass(frozen=True)
class Change:
    """What will happen to one layer."""

    layer: Layer
    copy: Layer | None
    """The new layer, finished and not yet in the image."""
    region: Region | None
    """New pixels for the layer itself."""
    curves: Curves | None
    """For the layer itself, or the new one."""
    record: Record
    supersedes: bool = False
    """Whether the copy takes the place of the layer, which is then removed."""


def copy_of(layer: Layer) -> Layer:
    """A copy of the layer that is not in the image yet, with its filters but for curves of an earlier run."""
    copy = layer.copy()
    # GIMP ends a plug-in that writes to locked pixels, and only the original is what the artist has locked.
    layers.unlock(copy)
    # GIMP calls it “… copy”, and messages would.
    copy.set_name(layer.get_name())
    curves.remove(copy)
    return copy


def plain_copy(layer: Layer) -> tuple[Layer, bool]:
    """A copy of the layer that is not in the image yet, and whether filters were merged into its pixels.

    The copy holds pixels and nothing else that would make them anew: text, vector and link layers become plain layers,
    non-destructive filters become part of the pixels, but for curves of an earlier run.
    """
    copy = copy_of(layer)
    filtered = bool(copy.get_filters())
    if filtered:
        copy.merge_filters()
    if layers.is_plain(copy):
        return copy, filtered
    pixels = Gimp.Layer.new(
        layer.get_image(),
        layer.get_name(),
        copy.get_width(),
        copy.get_height(),
        copy.type(),
        layer.get_opacity(),
        layer.get_mode(),
    )
    pixels.set_blend_space(layer.get_blend_space())
    pixels.set_composite_space(layer.get_composite_space())
    pixels.set_composite_mode(layer.get_composite_mode())
    _ok, x, y = copy.get_offsets()
    pixels.set_offsets(x, y)
    everything = Box(0, 0, copy.get_width(), copy.get_height())
    buffer = pixels.get_buffer()
    buffers.write(buffer, everything, buffers.native_format(copy), buffers.read(copy, everything, None))
    buffer.flush()
    mask = layer.get_mask()
    if mask is not None:
        new_mask = pixels.create_mask(Gimp.AddMaskType.WHITE)
        pixels.add_mask(new_mask)
        mask_buffer = new_mask.get_buffer()
        buffers.write(mask_buffer, everything, buffers.native_format(mask), buffers.read(mask, everything, None))
        mask_buffer.flush()
        pixels.set_apply_mask(layer.get_apply_mask())
        pixels.set_show_mask(layer.get_show_mask())
        pixels.set_edit_mask(layer.get_edit_mask())
    copy.delete()
    return pixels, filtered


def discard(copy: Layer | None) -> None:
    """Deletes a copy that is not wanted any more; it went with its image if that was closed."""
    if copy is not None and copy.is_valid():
        copy.delete()


def all_of(layer: Layer) -> Region:
    """The pixels of a plain copy of the layer."""
    copy, _filtered = plain_copy(layer)
    try:
        everything = Box(0, 0, copy.get_width(), copy.get_height())
        kept = reading.storage(copy)
        return Region(everything, kept, buffers.read(copy, everything, kept.format), None)
    finally:
        copy.delete()


def fits(result: Layer, source: Layer) -> bool:
    """Whether the source's pixels can take the place of the result's: GIMP lets one resize or convert either."""
    if not source.get_filters():
        return _kind(result) == _kind(source)
    # Filters can make a layer larger.
    copy, _filtered = plain_copy(source)
    try:
        return _kind(result) == _kind(copy)
    finally:
        copy.delete()


def _kind(layer: Layer) -> tuple[int, int, object]:
    return layer.get_width(), layer.get_height(), layer.type()


def commit(image: Image, changes: Sequence[Change]) -> list[Layer]:
    """Makes the changes, as one undo step. The layers that hold the results, bottom first."""
    with _one_undo_step(image):
        results = [_apply(image, change) for change in changes]
        image.set_selected_layers(results)
    Gimp.displays_flush()
    return results


@contextmanager
def _one_undo_step(image: Image) -> Iterator[None]:
    image.undo_group_start()
    try:
        yield
    finally:
        image.undo_group_end()


def _apply(image: Image, change: Change) -> Layer:
    result = change.layer if change.copy is None else change.copy
    if change.copy is not None:
        _insert(image, change, change.copy)
    if change.curves is not None:
        curves.put(result, change.curves)
    elif change.region is not None:
        curves.remove(result)
        _replace(result, change.region)
    record.store(result, change.record)
    return result


def _insert(image: Image, change: Change, copy: Layer) -> None:
    name = change.layer.get_name()
    older = [] if change.supersedes else record.results_above(change.layer)
    copy.set_name(name if change.supersedes else _("{name} (harmonized)").format(name=name))
    copy.set_visible(True)
    if not change.supersedes:
        # What was made from a layer must not pass for it.
        copy.detach_parasite(record.MARK)
    image.insert_layer(copy, change.layer.get_parent(), image.get_item_position(change.layer) - len(older))
    if change.supersedes:
        image.remove_layer(change.layer)
        copy.set_name(name)
    elif change.record.options.hide_original:
        change.layer.set_visible(False)
    for result in older:
        if layers.box(result) == layers.box(copy):
            result.set_visible(False)


def _replace(layer: Layer, new: Region) -> None:
    """New pixels in place.

    Merging a shadow buffer is what pushes an undo step for a layer's pixels, but it blends with the selection and may
    convert. So what is merged are the old pixels, and then every byte is written as it must be: undoing and doing again
    swap the whole buffer.
    """
    everything = Box(0, 0, layer.get_width(), layer.get_height())
    native = buffers.native_format(layer)
    before = buffers.read(layer, everything, None)
    shadow = layer.get_shadow_buffer()
    buffers.write(shadow, everything, native, before)
    shadow.flush()
    layer.merge_shadow(True)
    buffer = layer.get_buffer()
    buffers.write(buffer, everything, native, before)
    buffer.flush()
    reading.put(layer, new)
    layer.update(0, 0, everything.width, everything.height)
