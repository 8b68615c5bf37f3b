"""What the scripts that run inside GIMP share: images to work on, calls of the plug-in, results to take outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gi.repository import Gegl, Gimp, Gio

SHARED = Path("/w")
OUT = Path(os.environ["HARMONIZE_TEST_OUT"])
PICTURES = SHARED / os.environ.get("HARMONIZE_TEST_PICTURES", "pictures")
PLUGIN = "plug-in-harmonize-selection"

sys.path.insert(0, str(Path(Gimp.directory()) / "plug-ins" / "harmonize_selection"))


def say(**fields: Any) -> None:
    """One line for the test outside."""
    with (OUT / "said.jsonl").open("a") as file:
        file.write(json.dumps(fields) + "\n")


def call(image: Any, layers: list[Any], name: str = PLUGIN, **arguments: Any) -> tuple[str, str]:
    """Runs the plug-in without a dialog; the status and the message that GIMP gives a script."""
    config = Gimp.get_pdb().lookup_procedure(name).create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", layers)
    for argument, value in arguments.items():
        config.set_property(argument.replace("_", "-"), value)
    returned = Gimp.get_pdb().lookup_procedure(name).run(config)
    status = Gimp.PDBStatusType(returned.index(0))
    return status.value_name.removeprefix("GIMP_PDB_"), Gimp.get_pdb().get_last_error() or ""


def load(name: str) -> Any:
    """A picture of the shared folder as an image."""
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file(name))


def file(name: str) -> Any:
    return Gio.File.new_for_path(str(PICTURES / name))


def composite() -> tuple[Any, Any, Any]:
    """The scene with the figure on it: image, background layer, figure layer (cut to what is drawn)."""
    image = load("scene.png")
    background = image.get_layers()[0]
    background.set_name("Scene")
    figure = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file("figure.png"))
    figure.set_name("Snowman")
    image.insert_layer(figure, None, 0)
    image.autocrop_selected_layers(figure)
    return image, background, figure


def grouped(image: Any, layer: Any) -> Any:
    """A group, the topmost of the image, that now holds the layer."""
    group = Gimp.GroupLayer.new(image, "Group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    return group


def pixels(drawable: Any, format: str | None = None) -> bytes:
    """All of a drawable; None = in its own format."""
    rectangle = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return bytes(drawable.get_buffer().get(rectangle, 1.0, format, Gegl.AbyssPolicy.NONE))


def xdotool(*words: str) -> str:
    return subprocess.run(["xdotool", *words], capture_output=True, text=True, check=False).stdout.strip()


def windows(title: str) -> list[str]:
    """The numbers of the visible windows whose titles begin so."""
    return xdotool("search", "--onlyvisible", "--name", f"^{title}").splitlines()


def window(title: str, seconds: float = 20) -> str:
    """Waits for a window whose title begins so; its number."""
    return str(until(lambda: windows(title), seconds, f"a window {title!r}")[-1])


def until(condition: Any, seconds: float, what: str) -> Any:
    """Waits for something to become true; its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds} s")


def shot(name: str, number: str = "root") -> None:
    """A picture of a window, or of the whole screen."""
    subprocess.run(["import", "-window", number, str(OUT / f"{name}.png")], check=True)


def fill(layer: Any, red: float, green: float, blue: float) -> None:
    """One opaque color everywhere."""
    color = Gegl.Color.new("black")
    color.set_rgba(red, green, blue, 1.0)
    Gimp.context_set_foreground(color)
    layer.fill(Gimp.FillType.FOREGROUND)


def paint(layer: Any, rgba: bytes | bytearray) -> None:
    """Gives a layer all of its pixels: R G B A, 8 bit."""
    area = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    layer.get_buffer().set(area, "R'G'B'A u8", bytes(rgba))


def green_fringe(layer: Any) -> list[int]:
    """Makes a layer's soft edge green, as if it had been cut out of that; where its pixels are in R G B A bytes."""
    rgba = bytearray(pixels(layer, "R'G'B'A u8"))
    soft = [index for index in range(0, len(rgba), 4) if 0 < rgba[index + 3] < 255]
    for index in soft:
        rgba[index : index + 3] = b"\x00\xff\x00"
    paint(layer, rgba)
    return soft


def vector_layer(image: Any) -> Any:
    """An orange shape that GIMP draws from a path: a kind of layer since 3.2."""
    path = Gimp.Path.new(image, "Path")
    image.insert_path(path, None, 0)
    corners = [value for corner in ((50, 50), (200, 50), (200, 200), (50, 200)) for value in corner * 3]
    path.stroke_new_from_points(Gimp.PathStrokeType.BEZIER, corners, True)
    Gimp.context_set_foreground(Gegl.Color.new("orange"))
    layer = Gimp.VectorLayer.new(image, path)
    image.insert_layer(layer, None, 0)
    layer.refresh()
    return layer
