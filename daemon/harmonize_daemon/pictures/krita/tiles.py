"""Pixels as Krita's documents hold them: tiles of 64 x 64, compressed one by one, in any order.

Five lines of text ("VERSION 2" to "DATA 12", the number of tiles), then for each tile a line "x,y,LZF,size" and `size`
bytes. The first of these is 1 before LZF data, in which all first bytes of the pixels come first, then all second ones,
and so on; it is 0 before pixels as they are. Source: files of Krita 5.2 and 5.3, and `libs/image/tiles3` of its code.

Damaged data raises ValueError, and RuntimeError where LZF is; too much of it PictureTooLarge.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ..blending import overlap
from ..box import Box
from ..errors import PictureTooLarge
from ..reading import MAX_PIXELS

Bytes = NDArray[np.uint8]
SIDE = 64
MAX_TILES = MAX_PIXELS // SIDE**2
_RAW, _COMPRESSED = b"\0", b"\1"
_MAX_LINE = 64
_FAR = 1 << 24
"""No pixel lies further from the corner of the canvas, in files that people made."""


def extent(stream: IO[bytes], pixel_bytes: int) -> Box | None:
    """The box around all tiles, which are not decoded; None if there are none."""
    places = np.array([(x, y) for x, y, _ in _tiles(stream, pixel_bytes)]).reshape(-1, 2)
    if not len(places):
        return None
    (left, top), (right, bottom) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    return Box(left, top, right + SIDE, bottom + SIDE)


def decode(stream: IO[bytes], box: Box, default: bytes) -> Bytes:
    """[h, w, len(default)] uint8: the pixels of the box. default: the pixel where there is no tile."""
    pixels = np.empty((*box.size, len(default)), np.uint8)
    pixels[:] = np.frombuffer(default, np.uint8)
    for x, y, data in _tiles(stream, len(default)):
        on_pixels, on_tile = overlap((SIDE, SIDE), x - box.left, y - box.top, pixels.shape)
        pixels[on_pixels] = _unpacked(data, len(default))[on_tile]
    return pixels


def encode(pixels: Bytes, left: int, top: int) -> bytes:
    """Pixels [h, w, b] uint8, of b bytes each, as the content of an entry. Tiles that are 0 throughout are left out."""
    box = Box(left, top, left + pixels.shape[1], top + pixels.shape[0])
    packed: list[bytes] = []
    for y in range(top // SIDE * SIDE, box.bottom, SIDE):
        for x in range(left // SIDE * SIDE, box.right, SIDE):
            tile = np.zeros((SIDE, SIDE, pixels.shape[2]), np.uint8)
            on_pixels, on_tile = overlap(tile.shape, x - left, y - top, pixels.shape)
            tile[on_tile] = pixels[on_pixels]
            if tile.any():
                data = _packed(tile)
                packed += [f"{x},{y},LZF,{len(data)}\n".encode(), data]
    lines = ("VERSION 2", f"TILEWIDTH {SIDE}", f"TILEHEIGHT {SIDE}", f"PIXELSIZE {pixels.shape[2]}")
    return b"".join([*(f"{line}\n".encode() for line in lines), f"DATA {len(packed) // 2}\n".encode(), *packed])


def _tiles(stream: IO[bytes], pixel_bytes: int) -> Iterator[tuple[int, int, bytes]]:
    """Left, top and packed pixels of each tile."""
    for wanted in ("VERSION 2", f"TILEWIDTH {SIDE}", f"TILEHEIGHT {SIDE}", f"PIXELSIZE {pixel_bytes}"):
        found = _line(stream)
        if found != wanted:
            raise ValueError(f"{found!r} stands where {wanted!r} should")
    word, _, count = _line(stream).partition(" ")
    if word != "DATA":
        raise ValueError("the number of tiles is missing")
    if int(count) > MAX_TILES:
        raise PictureTooLarge(f"A layer has {count} tiles")
    largest = SIDE**2 * pixel_bytes + 1
    for _ in range(int(count)):
        x, y, method, size = _line(stream).split(",")
        left, top = int(x), int(y)
        if method != "LZF" or not 1 <= int(size) <= largest:
            raise ValueError(f"a tile has {size} bytes of {method!r}")
        if left % SIDE or top % SIDE or max(abs(left), abs(top)) > _FAR:
            raise ValueError(f"a tile lies at {x}, {y}")
        data = stream.read(int(size))
        if len(data) != int(size):
            raise ValueError("it ends too early")
        yield left, top, data


def _line(stream: IO[bytes]) -> str:
    line = stream.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise ValueError("it ends too early")
    return line[:-1].decode("ascii")


def _unpacked(data: bytes, pixel_bytes: int) -> Bytes:
    """[SIDE, SIDE, pixel_bytes]."""
    size = SIDE**2 * pixel_bytes
    packed = data[:1] == _COMPRESSED
    plain = imagecodecs.lzf_decode(data[1:], out=size) if packed else data[1:]
    if len(plain) != size:
        raise ValueError(f"a tile has {len(plain)} bytes instead of {size}")
    values = np.frombuffer(plain, np.uint8)
    planes = values.reshape(pixel_bytes, SIDE, SIDE).transpose(1, 2, 0)
    tile: Bytes = planes if packed else values.reshape(SIDE, SIDE, pixel_bytes)
    return tile


def _packed(tile: Bytes) -> bytes:
    planes = np.ascontiguousarray(tile.transpose(2, 0, 1))
    data = imagecodecs.lzf_encode(planes.tobytes())
    return _COMPRESSED + bytes(data) if len(data) < tile.size else _RAW + tile.tobytes()
