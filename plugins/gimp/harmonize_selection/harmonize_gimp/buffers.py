"""GEGL buffers as bytes."""

from __future__ import annotations

import functools
from typing import Any

from gi.repository import Babl, Gegl

from .geometry import Box, Scale


def read(drawable: Any, box: Box, format: str | None) -> bytes:
    """The box of a drawable, in the drawable's own coordinates; `format` None = its own format.

    An unknown format would end the whole plug-in process: only names that this plug-in spells itself may come here.
    """
    data = drawable.get_buffer().get(
        Gegl.Rectangle.new(box.x, box.y, box.width, box.height), 1.0, format, Gegl.AbyssPolicy.NONE
    )
    return bytes(data)


def read_scaled(drawable: Any, scale: Scale, format: str) -> bytes:
    """The whole drawable, scaled by GEGL."""
    _initialize()
    data = drawable.get_buffer().get(
        Gegl.Rectangle.new(0, 0, scale.width, scale.height), scale.factor, format, Gegl.AbyssPolicy.NONE
    )
    return bytes(data)


@functools.cache
def _initialize() -> None:
    """GIMP starts plug-ins without GEGL's tables for scaling encoded 8-bit pixels: without this, all would be black."""
    Gegl.init(None)


def write(buffer: Any, box: Box, format: str, data: bytes | bytearray) -> None:
    """Fills the box of a buffer. Raises ValueError for a wrong number of bytes, which GEGL would pass over."""
    expected = box.width * box.height * Babl.format_get_bytes_per_pixel(Babl.format(format))
    if len(data) != expected:
        raise ValueError(f"{len(data)} bytes for {box.width} x {box.height} pixels of {format}")
    buffer.set(Gegl.Rectangle.new(box.x, box.y, box.width, box.height), format, bytes(data))


def native_format(drawable: Any) -> str:
    """The name of a drawable's own format."""
    return str(Babl.get_name(drawable.get_format()))


def pixel_and_alpha_bytes(drawable: Any) -> tuple[int, int]:
    """Bytes of a pixel in the drawable's own format, and of one of its channels."""
    format = drawable.get_format()
    pixel = int(Babl.format_get_bytes_per_pixel(format))
    return pixel, pixel // int(Babl.format_get_n_components(format))


def is_srgb(drawable: Any) -> bool:
    return str(Babl.get_name(Babl.format_get_space(drawable.get_format()))) == "sRGB"
