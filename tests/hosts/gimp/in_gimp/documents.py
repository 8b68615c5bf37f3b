"""`write NAME DEPTH`: a document with all that GIMP's own files hold. `read NAME …`: what GIMP makes of some.

Both write the document, and beside it `NAME.png`, what GIMP shows. The figure is the topmost visible layer, in a group.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import support
from gi.repository import Gegl, Gimp, Gio

PRECISIONS = {"8": Gimp.Precision.U8_NON_LINEAR, "16": Gimp.Precision.U16_NON_LINEAR}


def write(name: str, depth: str) -> None:
    image = support.load("scene.png")
    if image.get_precision() != PRECISIONS[depth]:
        image.convert_precision(PRECISIONS[depth])
    image.get_layers()[0].set_name("Scene")
    add(image, "Shade", Gimp.LayerMode.MULTIPLY, (60, 40, 150, 100), (0.7, 0.6, 0.8))
    add(image, "Glow", Gimp.LayerMode.SCREEN, (200, 150, 120, 90), (0.3, 0.2, 0.1))
    add(image, "Old shade", Gimp.LayerMode.MULTIPLY_LEGACY, (300, 20, 100, 200), (0.9, 0.8, 0.7)).set_opacity(60)
    through = group(image, "Through", None)
    through.set_mode(Gimp.LayerMode.PASS_THROUGH)
    add(image, "Stripe", Gimp.LayerMode.OVERLAY, (0, 250, 480, 30), (0.2, 0.5, 0.9), through)
    figures = group(image, "Figures", None)
    figure(image, "Behind", figures, 90)
    figure(image, "Snowman", figures, 0)
    inner = group(image, "Inner", figures, 2)
    masked = figure(image, "Masked", inner, -120)
    mask = masked.create_mask(Gimp.AddMaskType.WHITE)
    masked.add_mask(mask)
    half(image, mask)
    words = Gimp.TextLayer.new(
        image, "Hat", Gimp.Font.get_by_name("Sans-serif") or Gimp.context_get_font(), 30, Gimp.Unit.pixel()
    )
    image.insert_layer(words, inner, 0)
    words.set_offsets(20, 20)
    top = add(image, "Filtered", Gimp.LayerMode.NORMAL, (5, 5, 50, 50), (0.9, 0.1, 0.1))
    top.append_filter(Gimp.DrawableFilter.new(top, "gegl:gaussian-blur", "blur"))
    top.set_visible(False)
    channel = Gimp.Channel.new(image, "Spare", image.get_width(), image.get_height(), 50, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    channel.set_visible(False)  # or it tints what is shown
    path = Gimp.Path.new(image, "Outline")
    image.insert_path(path, None, 0)
    path.stroke_new_from_points(Gimp.PathStrokeType.BEZIER, [10.0, 10, 10, 10, 10, 10, 90, 90, 90, 90, 90, 90], False)
    if hasattr(Gimp, "LinkLayer"):
        link = Gimp.LinkLayer.new(image, Gio.File.new_for_path(str(support.PICTURES / "figure.png")))
        image.insert_layer(link, None, 0)
        link.set_name("Linked")
        link.set_visible(False)
    if hasattr(Gimp, "VectorLayer"):
        outline = Gimp.VectorLayer.new(image, path)
        image.insert_layer(outline, None, 0)
        outline.refresh()
        outline.set_visible(False)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 100, 100)
    save(image, name)


def add(image: Any, name: str, mode: Any, box: tuple[int, int, int, int], color: Any, parent: Any = None) -> Any:
    left, top, width, height = box
    layer = Gimp.Layer.new(image, name, width, height, Gimp.ImageType.RGBA_IMAGE, 100, mode)
    image.insert_layer(layer, parent, 0)
    layer.set_offsets(left, top)
    support.fill(layer, *color)
    return layer


def group(image: Any, name: str, parent: Any, place: int = 0) -> Any:
    made = Gimp.GroupLayer.new(image, name)
    image.insert_layer(made, parent, place)
    return made


def figure(image: Any, name: str, parent: Any, shift: int) -> Any:
    file = Gio.File.new_for_path(str(support.PICTURES / "figure.png"))
    layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
    layer.set_name(name)
    image.insert_layer(layer, parent, 0)
    image.autocrop_selected_layers(layer)
    _, left, top = layer.get_offsets()
    layer.set_offsets(left + shift, top)
    return layer


def half(image: Any, mask: Any) -> None:
    """The left half of a mask black."""
    buffer = mask.get_buffer()
    area = Gegl.Rectangle.new(0, 0, mask.get_width() // 2, mask.get_height())
    buffer.set(area, "Y u8", bytes(area.width * area.height))
    buffer.flush()
    mask.update(0, 0, mask.get_width(), mask.get_height())


def save(image: Any, name: str) -> None:
    """Write it, say all about it, and show it."""
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(support.OUT / name)), None)
    support.say(
        case=name,
        layers=[row for layer in image.get_layers() for row in rows(layer, 0)],
        channels=[channel.get_name() for channel in image.get_channels()],
        paths=[(path.get_name(), len(path.get_strokes())) for path in image.get_paths()],
        selection=list(Gimp.Selection.bounds(image))[1:],
        precision=int(image.get_precision()),
    )
    shown(image, name)


def shown(image: Any, name: str) -> None:
    # Merging the layers instead loses rows beside groups that pass through, in GIMP 3.0.4.
    size = image.get_width(), image.get_height()
    flat = Gimp.Image.new_with_precision(*size, image.get_base_type(), image.get_precision())
    flat.insert_layer(Gimp.Layer.new_from_visible(image, flat, name), None, 0)
    png = support.OUT / f"{name}.png"
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, flat, Gio.File.new_for_path(str(png)), None)


def read(name: str) -> None:
    save(Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(support.SHARED / name))), name)


def rows(layer: Any, level: int) -> list[Any]:
    """Level, name, visible, place, mode, opacity, a digest of the pixels, what it is, and how many filters it has."""
    kind = type(layer).__name__
    pixels = "" if layer.is_group() else hashlib.sha256(support.pixels(layer)).hexdigest()[:16]
    mask = layer.get_mask()
    if mask:
        pixels += " " + hashlib.sha256(support.pixels(mask)).hexdigest()[:16]
    _, left, top = layer.get_offsets()
    place = (left, top, layer.get_width(), layer.get_height())
    facts = (
        layer.get_name(),
        layer.get_visible(),
        place,
        int(layer.get_mode()),
        round(layer.get_opacity(), 3),
        pixels,
        kind,
    )
    inside = layer.get_children() if layer.is_group() else []
    return [(level, *facts, len(layer.get_filters())), *(row for one in inside for row in rows(one, level + 1))]


if sys.argv[1] == "write":
    write(sys.argv[2], sys.argv[3])
else:
    for argument in sys.argv[2:]:
        read(argument)
