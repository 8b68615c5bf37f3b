"""The fast twin of `pipeline`: numba kernels that render rows of pixels.

Tables do everything for 8 bit that keeps channels apart; all else goes through `planes`. All kernels release the
GIL. Work on a row never depends on other rows: bands have no seams, to the last bit.

Arrays are flat: pixels [n * channels] of u8, u16 or f32; mask [n] u8, or [0] for none. Each kernel is compiled once a
depth, as long as `pixels` and `mask` are read-only and aligned. Tables and knots are in the layer's memory order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .planes import ONE, RUN, WORK, bend, kernel, load, settle, split, store, transform

Array = np.ndarray[Any, Any]


@kernel
def curves_u8_four(pixels: Array, mask: Array, tables: Array, out: Array) -> None:
    """Four bytes a pixel, the last of them alpha. tables: [3, 256 * 256] result by mask * 256 + value, memory order."""
    first, second, third = tables[0], tables[1], tables[2]
    for i in range(pixels.size):
        pixel = np.uint32(pixels[i])
        amount = np.uint32(mask[i]) if mask.size > 0 else np.uint32(255)
        if amount == 0 or pixel < np.uint32(1 << 24):
            out[i] = pixel
        else:
            base = np.uint32(amount << np.uint32(8))
            a = np.uint32(first[base | (pixel & np.uint32(255))])
            b = np.uint32(second[base | ((pixel >> np.uint32(8)) & np.uint32(255))])
            c = np.uint32(third[base | ((pixel >> np.uint32(16)) & np.uint32(255))])
            out[i] = a | (b << np.uint32(8)) | (c << np.uint32(16)) | (pixel & np.uint32(0xFF000000))


@kernel
def curves_u8(pixels: Array, mask: Array, tables: Array, out: Array, channels: int, has_alpha: bool) -> None:
    """Any number of bytes a pixel. tables: [color channels, 256 * 256], memory order."""
    colors = tables.shape[0]
    for i in range(pixels.size // channels):
        start = i * channels
        amount = np.uint32(mask[i]) if mask.size > 0 else np.uint32(255)
        if has_alpha:
            alpha = pixels[start + colors]
            out[start + colors] = alpha
            if alpha == 0:
                amount = np.uint32(0)
        base = np.uint32(amount << np.uint32(8))
        for channel in range(colors):
            out[start + channel] = tables[channel, base | np.uint32(pixels[start + channel])]


@kernel
def mixed(
    pixels: Array,
    mask: Array,
    out: Array,
    row: int,
    width: int,
    channels: int,
    white: Any,
    strength: Any,
    weights: Array,
    knots: Array,
    coefficients: Array,
    geometry: Array,
    look: Array,
    finish: Array,
) -> None:
    """Rows of pixels from `row` on, through curves, grid and look.

    white: the stored value of 1.0. weights: [3] luma.
    knots, finish: as for `planes.bend`, [3, 2] for none. coefficients: [D, H, W, 12], with D = 0 for none.
    geometry: the position in cells of the layer's first pixel across and down, and the steps to the next ones.
    look: light, color, saturation, color only, protect highlights; [0] for none.
    """
    work = np.empty(WORK, np.float32)
    depth, intervals = coefficients.shape[0], max(coefficients.shape[2] - 1, 1)
    lines = np.empty((intervals, depth, 2, 12), np.float32)
    across, down, step_across, step_down = geometry[0], geometry[1], geometry[2], geometry[3]
    masked = mask.size > 0
    for line in range(pixels.size // (width * channels)):
        if depth > 0:
            _grid_lines(coefficients, down + (row + line) * step_down, lines)
        x = 0
        while x < width:
            count, column, place = min(RUN, width - x), 0, across + x * step_across
            if depth > 0:
                column = int(min(max(place, 0.0), intervals - 1.0))
                if column < intervals - 1:
                    count = min(count, max(1, int(math.ceil((column + 1 - place) / step_across))))  # noqa: RUF046
            first = line * width + x
            here, into = pixels[first * channels : (first + count) * channels], out[first * channels :]
            amounts = mask[first : first + count] if mask.size > 0 else mask
            if masked and not amounts.any():
                into[: count * channels] = here
            else:
                load(here, count, channels, ONE / white, work)
                if knots.shape[1] > 2:
                    bend(work, count, knots)
                if depth > 0:
                    start = np.float32(place - column)
                    transform(work, count, lines[column], weights, start, np.float32(step_across))
                if look.size > 0:
                    split(work, count, weights, look[0], look[1])
                    if finish.shape[1] > 2:
                        bend(work, count, finish)
                    settle(work, count, weights, look[2], look[3], look[4])
                store(work, count, amounts, strength, weights, white, into, channels)
            x += count


@kernel
def _grid_lines(coefficients: Array, place: float, lines: Array) -> None:
    """The grid at one row, as `planes.transform` wants it. coefficients: [D, H, W, 12]; place: in cells, from the top.

    lines: [intervals, D, 2, 12] for each pair of neighboring columns.
    """
    depth, height, width = coefficients.shape[:3]
    place = min(max(place, 0.0), height - 1.0)
    above = min(int(place), max(height - 2, 0))
    below, t = min(above + 1, height - 1), np.float32(place - above)
    for column in range(lines.shape[0]):
        beside = min(column + 1, width - 1)
        for d in range(depth):
            for k in range(12):
                left = coefficients[d, above, column, k]
                left += t * (coefficients[d, below, column, k] - left)
                right = coefficients[d, above, beside, k]
                right += t * (coefficients[d, below, beside, k] - right)
                lines[column, d, 0, k] = left
                lines[column, d, 1, k] = right - left
