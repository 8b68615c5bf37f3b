"""`write FILE`: the scene with its layers, in the format of the suffix. `read FILE`: what GIMP makes of one."""

from __future__ import annotations

import sys

import support
from gi.repository import Gimp, Gio


def write(name: str) -> None:
    image, _background, figure = support.composite()
    figure.resize_to_image_size()  # GIMP 3.0.4 writes empty pictures for layers that lie elsewhere than at 0, 0
    path = support.OUT / name
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(path)), None)
    merged(image, "before.png")


def read(name: str) -> None:
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(support.SHARED / name)))
    rows = [(layer.get_name(), layer.get_visible()) for layer in image.get_layers()]
    support.say(case="layers", rows=rows)
    merged(image, "after.png")


def merged(image: object, name: str) -> None:
    flat = image.duplicate()
    flat.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, flat, Gio.File.new_for_path(str(support.OUT / name)), None)


if sys.argv[1] == "write":
    write(sys.argv[2])
else:
    read(sys.argv[2])
