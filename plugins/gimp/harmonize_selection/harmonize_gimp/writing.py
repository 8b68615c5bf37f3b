"""Results into GIMP: everything is made ready outside the image first, then put in with one undo step."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp

from . import buffers, layers, reading, record
from .errors import CannotHarmonize
from .geometry import Box
from .layers import Image, Layer
from .options import Options
from .reading import Region
from .record import Record
from .words import _

CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True)
class Change:
    """What will happen to one layer."""

    layer: Layer
    copy: Layer | None
    """The new layer, finished and not yet in the image."""
    region: Region | None
    """New pixels for the layer itself."""
    curves: dict[str, list[list[float]]] | None
    """Points of editable curves, by channel."""
    record: Record
    supersedes: bool = False
    """Whether the copy takes the place of the layer, which is then removed."""


def can_edit_curves() -> bool:
    """Whether this GIMP has curves as a filter that plug-ins may add: 3.2. In 3.0 trying to would end GIMP itself."""
    return hasattr(Gimp, "Curve")


def require_curves() -> None:
    """Raises CannotHarmonize where there are no editable curves."""
    if not can_edit_curves():
        raise CannotHarmonize(
            "no_editable_curves",
            _("GIMP {version} cannot hold curves of a plug-in as an editable filter").format(version=Gimp.version()),
            _("choose a new layer as the output, or use GIMP 3.2 or newer"),
        )


def plain_copy(layer: Layer) -> tuple[Layer, bool]:
    """A copy of the layer that is not in the image yet, and whether filters were merged into its pixels.

    The copy holds pixels and nothing else that would make them anew: text, vector and link layers become plain layers,
    non-destructive filters become part of the pixels.
    """
    filtered = bool(layer.get_filters())
    copy = layer.copy()
    # GIMP ends a plug-in that writes to locked pixels, and only the original is what the artist has locked.
    layers.unlock(copy)
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
    copy.delete()
    return pixels, filtered


def restore(copy: Layer, source: Layer) -> Region:
    """Gives the copy of a result the pixels that its source has now; they as a region of all of it."""
    original, filtered = plain_copy(source)
    try:
        everything = Box(0, 0, original.get_width(), original.get_height())
        kept = reading.storage(original)
        region = Region(everything, kept, buffers.read(original, everything, kept.format), None, filtered)
    finally:
        original.delete()
    reading.put(copy, region)
    return region


def fits(result: Layer, source: Layer) -> bool:
    """Whether the source can still be the source: GIMP lets one resize or convert either."""
    return (result.get_width(), result.get_height(), result.type()) == (
        source.get_width(),
        source.get_height(),
        source.type(),
    ) and not source.get_filters()


def commit(image: Image, changes: Sequence[Change], options: Options) -> list[Layer]:
    """Makes the changes, as one undo step. The layers that hold the results, bottom first."""
    with _one_undo_step(image):
        results = [_apply(image, change, options) for change in changes]
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


def _apply(image: Image, change: Change, options: Options) -> Layer:
    if change.copy is not None:
        _insert(image, change, change.copy, hide=options.hide_original)
        return change.copy
    if change.curves is not None:
        _add_curves(change.layer, change.curves)
    elif change.region is not None:
        _replace(change.layer, change.region)
    record.store(change.layer, change.record)
    return change.layer


def _insert(image: Image, change: Change, copy: Layer, *, hide: bool) -> None:
    name = change.layer.get_name()
    copy.set_name(name if change.supersedes else _("{name} (harmonized)").format(name=name))
    copy.set_visible(True)
    if not change.supersedes:
        # What was made from a layer must not pass for it.
        copy.detach_parasite(record.MARK)
    record.store(copy, change.record)
    image.insert_layer(copy, change.layer.get_parent(), image.get_item_position(change.layer))
    if change.supersedes:
        image.remove_layer(change.layer)
        copy.set_name(name)
    elif hide:
        change.layer.set_visible(False)


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


def _add_curves(layer: Layer, curves: dict[str, list[list[float]]]) -> None:
    """One non-destructive filter with the curves of all channels; GIMP masks it with the selection, softly."""
    for old in layer.get_filters():
        if old.get_name() == record.NAME:
            old.delete()
    added = Gimp.DrawableFilter.new(layer, "gimp:curves", record.NAME)
    config: Any = added.get_config()
    for name in CHANNELS:
        curve = Gimp.Curve.new()
        curve.clear_points()
        for x, y in curves[name]:
            curve.add_point(x, y)
        config.set_property("channel", getattr(Gimp.HistogramChannel, name.upper()))
        config.set_property("curve", curve)
        # One update a channel: the configuration holds one curve at a time.
        added.update()
    layer.append_filter(added)


def read_curves(text: str) -> dict[str, list[list[float]]]:
    """What the daemon exports as `gimp-curves`."""
    points = json.loads(text)
    return {name: [[float(x), float(y)] for x, y in points[name]] for name in CHANNELS}
