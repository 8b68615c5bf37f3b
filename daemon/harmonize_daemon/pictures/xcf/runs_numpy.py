"""Run lengths of GIMP documents where numba is missing: the same as `runs`, a run at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def unpack(data: Array, starts: Array, side: int, out: Array) -> int:
    """As `runs.unpack`."""
    raw, columns = data.data, -(-out.shape[1] // side)
    for tile, start in enumerate(starts.tolist()):
        top, left = tile // columns * side, tile % columns * side
        part = out[top : top + side, left : left + side]
        content = raw[start : start + side * side * out.shape[2] * 3 // 2]
        for plane in range(part.shape[2]):
            values, size = _plane(content, part.shape[0] * part.shape[1])
            if not size:
                return tile
            part[..., plane] = np.frombuffer(values, np.uint8).reshape(part.shape[:2])
            content = content[size:]
    return -1


def pack(pixels: Array, out: Array) -> int:
    """As `runs.pack`, but larger: each plane is one run of bytes as they are."""
    size = 0
    for plane in pixels.T:
        out[size : size + 3] = 128, plane.size >> 8, plane.size & 255
        out[size + 3 : size + 3 + plane.size] = plane
        size += 3 + plane.size
    return size


def _plane(content: memoryview, total: int) -> tuple[bytearray, int]:
    """The bytes of a plane, and how many they take; 0 = damaged."""
    values, at = bytearray(), 0
    while len(values) < total:
        if at + 2 > len(content):
            return values, 0
        opening = content[at]
        at += 1
        same = opening < 128
        count = opening + 1 if same else 256 - opening
        if opening in (127, 128):
            if at + 2 > len(content):
                return values, 0
            count = content[at] * 256 + content[at + 1]
            at += 2
        length = 1 if same else count
        if len(values) + count > total or at + length > len(content):
            return values, 0
        values += bytes(content[at : at + 1]) * count if same else content[at : at + count]
        at += length
    return values, at
