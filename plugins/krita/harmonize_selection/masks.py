"""Masks, masked copies and grey pictures of tightly packed rows, with nothing but bytes: hosts have no NumPy."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

_ANYTHING = bytes([0]) + bytes([255]) * 255
_SHADES = bytes(round((255 - value) * 0.7) for value in range(256))
_PIECE_PIXELS = 1 << 18
"""Copied at a time: a copy of a whole layer takes three times as long."""
_RUN = re.compile(rb"[^\0]+")


def opacity_bytes(pixels: Buffer, pixel_bytes: int) -> bytes:
    """The top byte of each pixel's last sample, alpha: zero, at any depth, if the pixel is (all but) clear."""
    view, piece = memoryview(pixels).cast("B"), _PIECE_PIXELS * pixel_bytes
    pieces = (bytes(view[start : start + piece]) for start in range(0, view.nbytes, piece))
    return b"".join(each[pixel_bytes - 1 :: pixel_bytes] for each in pieces)


def covered(opacity: bytes) -> bytes:
    """255 where there is anything at all, else 0."""
    return opacity.translate(_ANYTHING)


def restricted(mask: bytes, to: bytes) -> bytes:
    """`mask` where `to` is 255, 0 where `to` is 0."""
    if len(mask) != len(to):
        raise ValueError(f"masks of {len(mask)} and {len(to)} pixels")
    both = int.from_bytes(mask, "little") & int.from_bytes(to, "little")
    return both.to_bytes(len(mask), "little")


def extent(opacity: bytes, width: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all that is not 0, in pixels; zeros if everything is."""
    if not any(opacity):
        return 0, 0, 0, 0
    top, bottom = (len(opacity) - len(opacity.lstrip(b"\0"))) // width, -(-len(opacity.rstrip(b"\0")) // width)
    rows = (int.from_bytes(opacity[row * width : (row + 1) * width], "big") for row in range(top, bottom))
    columns = reduce(or_, rows).to_bytes(width, "big")
    return width - len(columns.lstrip(b"\0")), top, len(columns.rstrip(b"\0")), bottom


def multiplied(mask: bytes, other: bytes) -> bytes:
    """The product of two soft masks. For thumbnails: it goes through them pixel by pixel."""
    if len(mask) != len(other):
        raise ValueError(f"masks of {len(mask)} and {len(other)} pixels")
    return bytes((a * b + 127) // 255 for a, b in zip(mask, other, strict=True))


def shade(mask: bytes) -> bytes:
    """R G B A to lay over a picture: dark where the mask is 0, clear where it is 255."""
    shades = bytearray(4 * len(mask))
    shades[3::4] = mask.translate(_SHADES)
    return bytes(shades)


def grey_alpha(rgba: bytes) -> bytes:
    """Y A from R G B A of equal R, G and B, 8 bit."""
    pixels = bytearray(len(rgba) // 2)
    pixels[0::2], pixels[1::2] = rgba[0::4], rgba[3::4]
    return bytes(pixels)


def rgba_of(grey_alpha: Buffer) -> bytes:
    """R G B A from Y A, 8 bit."""
    pixels = bytes(grey_alpha)
    rgba = bytearray(2 * len(pixels))
    for channel in range(3):
        rgba[channel::4] = pixels[0::2]
    rgba[3::4] = pixels[1::2]
    return bytes(rgba)


def copy_masked(source: Buffer, target: Buffer, mask: bytes, pixel_bytes: int) -> None:
    """Copies the pixels at which the mask is not 0; all others keep every bit."""
    read, write = memoryview(source).cast("B"), memoryview(target).cast("B")
    if read.nbytes != len(mask) * pixel_bytes or write.nbytes != read.nbytes:
        raise ValueError("pixels and mask do not have the same size")
    for run in _RUN.finditer(mask):
        part = slice(run.start() * pixel_bytes, run.end() * pixel_bytes)
        write[part] = read[part]


def with_alpha_of(other: Buffer, pixels: Buffer, pixel_bytes: int, sample_bytes: int) -> bytearray:
    """Pixels with the alpha, the last sample, of others of the same kind."""
    result, alpha = bytearray(memoryview(pixels).cast("B")), bytes(memoryview(other).cast("B"))
    for byte in range(pixel_bytes - sample_bytes, pixel_bytes):
        result[byte::pixel_bytes] = alpha[byte::pixel_bytes]
    return result
