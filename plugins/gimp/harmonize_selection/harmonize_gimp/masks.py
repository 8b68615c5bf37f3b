"""Masks as bytes, one per pixel, 0 … 255, and other pictures as bytes, without NumPy. Needs no GIMP.

Whole masks are combined as one big integer each: that runs at the speed of memory, where a loop over pixels would take
seconds for a large layer.
"""

from __future__ import annotations

import functools
import re
import struct

from .geometry import Box

BAND_PIXELS = 1 << 13
"""So many pixels are spliced at a time: fast, and next to no memory beside the pictures themselves."""

_ANY_TO_FULL = bytes([0] + [255] * 255)
_ALL_BUT_FULL_TO_ZERO = bytes([0] * 255 + [255])
_BETWEEN = re.compile(rb"[\x01-\xfe]+")
_FORMS = {"u8": "B", "u16": "<H", "f16": "<e", "f32": "<f"}


def with_alpha(pixels: bytes, alpha: bytes, channels: int, depth: str) -> bytes:
    """Pixels, the last of whose channels is to be `alpha` (8 bit), stored as u8, u16, f16 or f32."""
    white = {"u8": 255, "u16": 65535}.get(depth, 1.0)
    levels = [value * white // 255 if depth.startswith("u") else value / 255 for value in range(256)]
    stored = [struct.pack(_FORMS[depth], level) for level in levels]
    size = len(stored[0])
    result = bytearray(pixels)
    for byte in range(size):
        result[(channels - 1) * size + byte :: channels * size] = alpha.translate(bytes(each[byte] for each in stored))
    return bytes(result)


def full_where_any(mask: bytes) -> bytes:
    """255 where the mask is not 0."""
    return mask.translate(_ANY_TO_FULL)


def both(mask: bytes, full_or_zero: bytes) -> bytes:
    """`mask` where the other is 255, 0 where it is 0."""
    size = len(mask)
    if len(full_or_zero) != size:
        raise ValueError(f"masks of {size} and {len(full_or_zero)} bytes")
    return (int.from_bytes(mask, "little") & int.from_bytes(full_or_zero, "little")).to_bytes(size, "little")


def product(mask: bytes, other: bytes) -> bytes:
    """Two soft masks, multiplied. Quick where the other is mostly 0 or 255: the rest is looked at pixel by pixel."""
    result = bytearray(both(mask, other.translate(_ALL_BUT_FULL_TO_ZERO)))
    for found in _BETWEEN.finditer(other):
        run = slice(*found.span())
        result[run] = bytes((one * two + 127) // 255 for one, two in zip(mask[run], other[run], strict=True))
    return bytes(result)


def without(mask: bytes, hidden: bytes) -> bytes:
    """What of a mask another one leaves, 255 = nothing."""
    return product(mask, bytes(255 - value for value in hidden))


def faded(mask: bytes, opacity: float) -> bytes:
    """A mask of which only a share, in [0, 1], is left."""
    return mask if opacity == 1.0 else mask.translate(bytes(round(value * opacity) for value in range(256)))


def is_full(mask: bytes) -> bool:
    """Whether every byte is 255."""
    return mask.count(255) == len(mask)


def bounds(mask: bytes, width: int) -> Box:
    """The smallest box with everything that is not 0; an empty box when there is nothing."""
    top = (len(mask) - len(mask.lstrip(b"\0"))) // width
    bottom = -(-len(mask.rstrip(b"\0")) // width)
    if top >= bottom:
        return Box(0, 0, 0, 0)
    left, right = width, 0
    for start in range(top * width, bottom * width, width):
        row = mask[start : start + width]
        if row[:left].count(0) != left:
            left -= len(row[:left].lstrip(b"\0"))
        right = max(right, len(row.rstrip(b"\0")))
    return Box.between(left, top, right, bottom)


def crop(rows: bytes, row_bytes: int, box: Box, pixel_bytes: int = 1) -> bytes:
    """The part `box` of rows of `row_bytes` bytes each."""
    if box.x == 0 and box.width * pixel_bytes == row_bytes:
        return rows[box.y * row_bytes : box.bottom * row_bytes]
    left, right = box.x * pixel_bytes, box.right * pixel_bytes
    return b"".join(rows[y * row_bytes + left : y * row_bytes + right] for y in range(box.y, box.bottom))


def keep_alpha(after: bytearray, before: bytes, pixel_bytes: int, alpha_bytes: int) -> None:
    """Gives `after` the alpha, the last bytes of each pixel, of `before`."""
    for index in range(pixel_bytes - alpha_bytes, pixel_bytes):
        after[index::pixel_bytes] = before[index::pixel_bytes]


def keep_outside(after: bytearray, before: bytes, mask: bytes) -> None:
    """Gives `after` every bit of `before` where the mask is 0; pixels of any equal number of bytes."""
    size = len(before)
    pixel_bytes, rest = divmod(size, len(mask))
    if rest or len(after) != size:
        raise ValueError(f"{size} and {len(after)} bytes for {len(mask)} pixels")
    for start in range(0, len(mask), BAND_PIXELS):
        band = slice(start * pixel_bytes, (start + BAND_PIXELS) * pixel_bytes)
        after[band] = _spliced(before[band], after[band], mask[start : start + BAND_PIXELS], pixel_bytes)


def _spliced(before: bytes, after: bytearray, mask: bytes, pixel_bytes: int) -> bytes:
    full = full_where_any(mask)
    spread = bytearray(len(before))
    for index in range(pixel_bytes):
        spread[index::pixel_bytes] = full
    chosen = int.from_bytes(spread, "little")
    old, new = int.from_bytes(before, "little"), int.from_bytes(after, "little")
    return (old ^ ((old ^ new) & chosen)).to_bytes(len(before), "little")


def rgb_of(grey: bytes | bytearray) -> bytes:
    """R G B of a grey picture."""
    rgb = bytearray(3 * len(grey))
    for index in range(3):
        rgb[index::3] = grey
    return bytes(rgb)


def grey_alpha(rgba: bytes) -> bytes:
    """Grey and alpha of a picture without color."""
    both = bytearray(len(rgba) // 2)
    both[::2], both[1::2] = rgba[::4], rgba[3::4]
    return bytes(both)


def rgba_of(grey_alpha: bytes | bytearray) -> bytes:
    """R G B A of grey and alpha."""
    rgba = bytearray(2 * len(grey_alpha))
    for index in range(3):
        rgba[index::4] = grey_alpha[::2]
    rgba[3::4] = grey_alpha[1::2]
    return bytes(rgba)


def exchanged(scene: bytes, before: bytes, after: bytes, opacity: float = 1.0) -> bytes:
    """A scene R G B with a layer in it, `before`, exchanged for what it has become, `after`: both R G B A, alpha alike.

    opacity: how opaque the layer is in the scene, besides its alpha. What shows through is mixed as GIMP's normal mode
    does it: as light. Quick for layers that are mostly solid or clear: other pixels are looked at one by one.
    """
    alpha = faded(before[3::4], opacity)
    result = bytearray(len(scene))
    for index in range(3):
        result[index::3] = after[index::4]
    keep_outside(result, scene, alpha.translate(_ALL_BUT_FULL_TO_ZERO))
    light, level = _light_of_levels(), _levels_of_light()
    for found in _BETWEEN.finditer(alpha):
        start, end = found.span()
        for index in range(3):
            here, there = slice(3 * start + index, 3 * end, 3), slice(4 * start + index, 4 * end, 4)
            mixed = zip(scene[here], before[there], after[there], alpha[start:end], strict=True)
            result[here] = bytes(
                level[_WHITE + light[seen] + (light[new] - light[old]) * a // 255] for seen, old, new, a in mixed
            )
    return bytes(result)


_WHITE = 65535


@functools.cache
def _light_of_levels() -> tuple[int, ...]:
    """The light of each sRGB-encoded level, 0 … `_WHITE`."""
    levels = [level / 255 for level in range(256)]
    return tuple(round(_WHITE * (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4)) for x in levels)


@functools.cache
def _levels_of_light() -> bytes:
    """The level of each amount of light from -`_WHITE` to twice `_WHITE`: black below 0, white above `_WHITE`."""
    light = [value / _WHITE for value in range(_WHITE + 1)]
    encoded = [12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055 for x in light]
    return bytes(_WHITE) + bytes(round(255 * x) for x in encoded) + b"\xff" * _WHITE


def packed(pixels: bytes, width: int, height: int, stride: int, channels: int) -> bytes:
    """R G B A without gaps, from rows of R G B or R G B A (3 or 4 `channels`) that begin every `stride` bytes."""
    rows = b"".join(pixels[y * stride : y * stride + channels * width] for y in range(height))
    if channels == 4:
        return rows
    rgba = bytearray(b"\xff" * (4 * width * height))
    for index in range(3):
        rgba[index::4] = rows[index::3]
    return bytes(rgba)
