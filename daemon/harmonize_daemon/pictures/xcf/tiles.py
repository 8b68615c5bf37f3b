"""Pixels of GIMP documents (`.xcf`): tiles of 64 x 64, as they are, as run lengths or through zlib."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from enum import IntEnum
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from .structure import TILE, Damaged, Tiles

Bytes = NDArray[np.uint8]
"""[H, W, D]: the bytes of the pixels."""
_ZLIB_LEVEL = 3


class Compression(IntEnum):
    NONE = 0
    RUNS = 1
    ZLIB = 2


def decode(data: bytes, tiles: Tiles, compression: int) -> Bytes:
    """Raises Damaged."""
    out = np.zeros((tiles.height, tiles.width, tiles.depth), np.uint8)
    if compression == Compression.RUNS:
        tile = _runs().unpack(np.frombuffer(data, np.uint8), tiles.at, TILE, out)
        if tile >= 0:
            raise Damaged(f"tile {tile} of a layer or a channel is not whole")
        return out
    for at, part in zip(tiles.at.tolist(), _parts(out), strict=False):
        raw = data[at : at + part.size] if compression == Compression.NONE else _inflated(data, at, part.size)
        if len(raw) < part.size:
            raise Damaged("a tile of a layer or a channel is not whole")
        part[:] = np.frombuffer(raw, np.uint8).reshape(part.shape)
    return out


def encode(pixels: Bytes, compression: int) -> Iterator[bytes]:
    """One tile after the other."""
    if compression == Compression.RUNS:
        pack, room = _runs().pack, np.empty(TILE * TILE * pixels.shape[2] * 2, np.uint8)
        for part in _parts(pixels):
            yield room[: pack(np.ascontiguousarray(part).reshape(-1, part.shape[2]), room)].tobytes()
        return
    for part in _parts(pixels):
        raw = part.tobytes()
        yield zlib.compress(raw, _ZLIB_LEVEL) if compression == Compression.ZLIB else raw


def _runs() -> ModuleType:
    try:
        from . import runs  # numba takes half a second to import: not before it is needed
    except ModuleNotFoundError:  # numba
        from . import runs_numpy

        return runs_numpy
    return runs


def _parts(pixels: Bytes) -> Iterator[Bytes]:
    """The pixels of each tile."""
    for top in range(0, pixels.shape[0], TILE):
        for left in range(0, pixels.shape[1], TILE):
            yield pixels[top : top + TILE, left : left + TILE]


def _inflated(data: bytes, at: int, size: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data[at : at + 2 * size + 64], size)
    except zlib.error as error:
        raise Damaged(f"a tile of a layer or a channel is not whole, {error}") from error
