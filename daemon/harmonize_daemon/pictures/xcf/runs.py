"""Run lengths of GIMP documents (`.xcf`): the bytes of a tile's pixels, plane by plane.

What an opening byte means (GIMP's developer documentation, "XCF file format"): 0 … 126, the next byte that often and
once more; 127, as often as the next two bytes say; 129 … 255, so many bytes as lack to 256 follow as they are;
128, as many as the next two bytes say.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from harmonize_models.render.kernels import kernel

Array = np.ndarray[Any, Any]


@kernel
def unpack(data: Array, starts: Array, side: int, out: Array) -> int:
    """Tiles of `side` pixels that begin at `starts` [n] int64 in data [m] uint8, into out [H, W, D] uint8.

    Returns the number of the first damaged tile, or -1. A tile may take half as much again as its pixels.
    """
    height, width, depth = out.shape
    columns = (width + side - 1) // side
    for tile in range(starts.size):
        top, left = tile // columns * side, tile % columns * side
        right = min(left + side, width)
        total = (min(top + side, height) - top) * (right - left)
        at = starts[tile]
        end = min(data.size, at + side * side * depth * 3 // 2)
        for plane in range(depth):
            y, x, filled = top, left, 0
            while filled < total:
                if at + 2 > end:
                    return tile
                opening = int(data[at])
                at += 1
                same = opening < 128
                count = opening + 1 if same else 256 - opening
                if opening == 127 or opening == 128:
                    if at + 2 > end:
                        return tile
                    count = int(data[at]) * 256 + int(data[at + 1])
                    at += 2
                if filled + count > total or at + (1 if same else count) > end:
                    return tile
                for _ in range(count):
                    out[y, x, plane] = data[at]
                    at += 0 if same else 1
                    x += 1
                    if x == right:
                        x = left
                        y += 1
                at += 1 if same else 0
                filled += count
    return -1


@kernel
def pack(pixels: Array, out: Array) -> int:
    """One tile, pixels [n, D] uint8, into out, uint8, which has room for twice as much. Returns how much it takes."""
    total, depth = pixels.shape
    size = 0
    for plane in range(depth):
        at = 0
        while at < total:
            last = at + 1
            while last < total and pixels[last, plane] == pixels[at, plane]:
                last += 1
            same = last - at >= 3
            if not same:  # up to where three bytes are the same
                while last < total and not (
                    last + 2 < total
                    and pixels[last, plane] == pixels[last + 1, plane]
                    and pixels[last, plane] == pixels[last + 2, plane]
                ):
                    last += 1
            count = last - at
            if count < 128:
                out[size] = count - 1 if same else 256 - count
                size += 1
            else:
                out[size] = 127 if same else 128
                out[size + 1] = count >> 8
                out[size + 2] = count & 255
                size += 3
            if same:
                out[size] = pixels[at, plane]
                size += 1
            else:
                for k in range(at, last):
                    out[size] = pixels[k, plane]
                    size += 1
            at = last
    return size


def warm_up() -> None:
    """Compile both, or find them in the cache, for the kinds of arrays that `tiles` gives them."""
    room = np.empty(8, np.uint8)
    packed = room[: pack(np.zeros((2, 1), np.uint8), room)].tobytes()
    unpack(np.frombuffer(packed, np.uint8), np.zeros(1, np.int64), 2, np.empty((1, 2, 1), np.uint8))
