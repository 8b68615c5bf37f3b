"""The fast twin of `pipeline`: numba kernels that render rows of pixels.

Curves alone are table lookups, one pass over the bytes. Everything else goes through short runs of pixels as float32
planes, so that each step is a plain loop that the compiler turns into vector instructions, and stays in the L1 cache.
All kernels release the GIL. Work on a row never depends on other rows: bands have no seams, to the last bit.

Arrays are flat: pixels [n * channels] of u8, u16 or f32; mask [n] u8, or [0] for none. Each kernel is compiled once a
depth, as long as `pixels` and `mask` are read-only and aligned.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from .adjustments.grid import LUMA
from .pipeline import PROTECT_FROM

Array = np.ndarray[Any, Any]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

RUN = 512
"""Pixels in flight: 11 planes of float32 take 22 kB."""
PLANES = 11

RED, GREEN, BLUE = (np.float32(weight) for weight in LUMA)
PROTECT, PROTECT_SCALE = np.float32(PROTECT_FROM), np.float32(1 / (1 - PROTECT_FROM))
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)


def _kernel(function: Kernel) -> Kernel:
    """Compiled when first called with a depth; the machine code is kept on disk for the next start."""
    # Contraction to fused multiply-add is the only liberty: NaN and infinities keep their meaning.
    try:
        return cast(Kernel, njit(nogil=True, cache=True, fastmath={"contract"})(function))
    except RuntimeError:  # no folder to keep machine code in
        return cast(Kernel, njit(nogil=True, fastmath={"contract"})(function))


@_kernel
def curves_u8_four(pixels: Array, mask: Array, tables: Array, out: Array, masked: bool) -> None:
    """Four bytes a pixel, the last of them alpha. tables: [3, 256 * 256] result by mask * 256 + value, memory order."""
    first, second, third = tables[0], tables[1], tables[2]
    for i in range(pixels.size):
        pixel = np.uint32(pixels[i])
        amount = np.uint32(mask[i]) if masked else np.uint32(255)
        if amount == 0 or pixel < np.uint32(1 << 24):
            out[i] = pixel
        else:
            base = np.uint32(amount << np.uint32(8))
            a = np.uint32(first[base | (pixel & np.uint32(255))])
            b = np.uint32(second[base | ((pixel >> np.uint32(8)) & np.uint32(255))])
            c = np.uint32(third[base | ((pixel >> np.uint32(16)) & np.uint32(255))])
            out[i] = a | (b << np.uint32(8)) | (c << np.uint32(16)) | (pixel & np.uint32(0xFF000000))


@_kernel
def curves_u8(
    pixels: Array, mask: Array, tables: Array, out: Array, masked: bool, channels: int, has_alpha: bool
) -> None:
    """Any number of bytes a pixel. tables: [color channels, 256 * 256], memory order."""
    colors = tables.shape[0]
    for i in range(pixels.size // channels):
        start = i * channels
        amount = np.uint32(mask[i]) if masked else np.uint32(255)
        if has_alpha:
            alpha = pixels[start + colors]
            out[start + colors] = alpha
            if alpha == 0:
                amount = np.uint32(0)
        base = np.uint32(amount << np.uint32(8))
        for channel in range(colors):
            out[start + channel] = tables[channel, base | np.uint32(pixels[start + channel])]


@_kernel
def curves_u16(
    pixels: Array, mask: Array, tables: Array, amounts: Array, out: Array, masked: bool, channels: int, has_alpha: bool
) -> None:
    """tables: [color channels, 65536] change in levels. amounts: [256] share of it by mask."""
    colors = tables.shape[0]
    for i in range(pixels.size // channels):
        start = i * channels
        amount = amounts[mask[i]] if masked else amounts[255]
        if has_alpha:
            alpha = pixels[start + colors]
            out[start + colors] = alpha
            if alpha == 0:
                amount = ZERO
        for channel in range(colors):
            value = pixels[start + channel]
            level = np.int32(value) + np.int32(math.floor(amount * tables[channel, value] + HALF))
            out[start + channel] = np.uint16(min(max(level, np.int32(0)), np.int32(65535)))


@_kernel
def curves_f32(
    pixels: Array, mask: Array, knots: Array, amounts: Array, out: Array, masked: bool, channels: int, has_alpha: bool
) -> None:
    """knots: [color channels, P + 2] change at 0, 1/P, ..., 1 (the last one twice). amounts: as for u16."""
    colors = knots.shape[0]
    pieces = np.float32(knots.shape[1] - 2)
    for i in range(pixels.size // channels):
        start = i * channels
        amount = amounts[mask[i]] if masked else amounts[255]
        if has_alpha:
            alpha = pixels[start + colors]
            out[start + colors] = alpha
            if alpha == 0:
                amount = ZERO
        for channel in range(colors):
            value = pixels[start + channel]
            # Comparisons are false for NaN, which goes through as it is, like everything with amount 0.
            if amount != 0 and abs(value) < np.float32(np.inf):
                position = min(max(value, ZERO), ONE) * pieces
                index = np.uint32(position)
                low = knots[channel, index]
                change = low + (position - np.float32(index)) * (knots[channel, index + 1] - low)
                if change != 0:
                    value = value + amount * change
            out[start + channel] = value


@_kernel
def _curve_planes(planes: Array, count: int, knots: Array) -> None:
    """Curves planes 3..5 (y) in place. knots as in `curves_f32`."""
    pieces = np.float32(knots.shape[1] - 2)
    for channel in range(3):
        y, change = planes[3 + channel], knots[channel]
        for i in range(count):
            position = min(max(y[i], ZERO), ONE) * pieces
            index = np.uint32(position)
            low = change[index]
            y[i] += low + (position - np.float32(index)) * (change[index + 1] - low)


@_kernel
def _grid_planes(planes: Array, count: int, lines: Array, column: int, start: float, step: float) -> None:
    """Sends planes 3..5 (y) through the grid. All pixels lie between the centers of cells `column` and `column` + 1.

    lines: [columns + 1, D, 2, 12]: for each cell its transform and the difference to the next column's, on this row.
    start, step: how far the first pixel is towards the next column, and how far each next one is beyond.
    """
    r, g, b = planes[3], planes[4], planes[5]
    new_r, new_g, new_b, level = planes[6], planes[7], planes[8], planes[9]
    along = planes[10]
    depth = lines.shape[1]
    top = np.float32(depth - 1)
    low, high = top, ZERO
    for i in range(count):
        inside_r, inside_g, inside_b = min(max(r[i], ZERO), ONE), min(max(g[i], ZERO), ONE), min(max(b[i], ZERO), ONE)
        new_r[i], new_g[i], new_b[i] = r[i] - inside_r, g[i] - inside_g, b[i] - inside_b
        r[i], g[i], b[i] = inside_r, inside_g, inside_b
        luma = RED * inside_r + GREEN * inside_g + BLUE * inside_b
        level[i] = min(max(luma * np.float32(depth) - HALF, ZERO), top)
        along[i] = min(max(start + np.float32(i) * step, ZERO), ONE)
    for i in range(count):
        low, high = min(low, level[i]), max(high, level[i])
    for d in range(int(low), int(math.ceil(high)) + 1):
        at, to = lines[column, d, 0], lines[column, d, 1]
        a0, a1, a2, a3, a4, a5 = at[0], at[1], at[2], at[3], at[4], at[5]
        a6, a7, a8, a9, a10, a11 = at[6], at[7], at[8], at[9], at[10], at[11]
        t0, t1, t2, t3, t4, t5 = to[0], to[1], to[2], to[3], to[4], to[5]
        t6, t7, t8, t9, t10, t11 = to[6], to[7], to[8], to[9], to[10], to[11]
        here = np.float32(d)
        for i in range(count):
            weight = max(ONE - abs(level[i] - here), ZERO)
            x, red, green, blue = along[i], r[i], g[i], b[i]
            new_r[i] += weight * ((a0 + x * t0) * red + (a1 + x * t1) * green + (a2 + x * t2) * blue + (a3 + x * t3))
            new_g[i] += weight * ((a4 + x * t4) * red + (a5 + x * t5) * green + (a6 + x * t6) * blue + (a7 + x * t7))
            new_b[i] += weight * (
                (a8 + x * t8) * red + (a9 + x * t9) * green + (a10 + x * t10) * blue + (a11 + x * t11)
            )
    for i in range(count):
        r[i], g[i], b[i] = new_r[i], new_g[i], new_b[i]


@_kernel
def _look_planes(planes: Array, count: int, finish: Array, look: Array) -> None:
    """The look on planes 0..2 (x) and 3..5 (y). look: light, color, saturation, color_only, protect_highlights."""
    xr, xg, xb, yr, yg, yb = planes[0], planes[1], planes[2], planes[3], planes[4], planes[5]
    light, color, saturation, color_only, protect = look[0], look[1], look[2], look[3], look[4]
    for i in range(count):
        r, g, b = yr[i] - xr[i], yg[i] - xg[i], yb[i] - xb[i]
        shift = (light - color) * (RED * r + GREEN * g + BLUE * b)
        yr[i], yg[i], yb[i] = xr[i] + color * r + shift, xg[i] + color * g + shift, xb[i] + color * b + shift
    if finish.shape[1] > 2:
        _curve_planes(planes, count, finish)
    for i in range(count):
        luma = RED * xr[i] + GREEN * xg[i] + BLUE * xb[i]
        grey = RED * yr[i] + GREEN * yg[i] + BLUE * yb[i]
        base = grey + color_only * (luma - grey)
        t = min(max((luma - PROTECT) * PROTECT_SCALE, ZERO), ONE)
        kept = ONE - protect * (t * t * (np.float32(3) - np.float32(2) * t))
        scale = ONE + saturation
        yr[i] = xr[i] + kept * (base + scale * (yr[i] - grey) - xr[i])
        yg[i] = xg[i] + kept * (base + scale * (yg[i] - grey) - xg[i])
        yb[i] = xb[i] + kept * (base + scale * (yb[i] - grey) - xb[i])


@_kernel
def _load(
    pixels: Array, first: int, count: int, channels: int, red: int, green: int, blue: int, scale: Any, planes: Array
) -> None:
    """Fills planes 0..2 and 3..5 with the colors of `count` pixels; black where a channel is not finite."""
    limit = np.float32(np.inf)
    for i in range(count):
        start = (first + i) * channels
        r = np.float32(pixels[start + red]) * scale
        g = np.float32(pixels[start + green]) * scale
        b = np.float32(pixels[start + blue]) * scale
        finite = abs(r) < limit and abs(g) < limit and abs(b) < limit
        r, g, b = (r, g, b) if finite else (ZERO, ZERO, ZERO)
        planes[0, i], planes[1, i], planes[2, i] = r, g, b
        planes[3, i], planes[4, i], planes[5, i] = r, g, b


@_kernel
def _store(
    pixels: Array,
    mask: Array,
    amounts: Array,
    out: Array,
    masked: bool,
    first: int,
    count: int,
    channels: int,
    red: int,
    green: int,
    blue: int,
    white: Any,
    planes: Array,
) -> None:
    """Moves `count` pixels from x (planes 0..2) towards y (planes 3..5) by the mask. white > 1: whole numbers."""
    colors = channels - 1 if channels in (2, 4) else channels
    whole = white > ONE
    for i in range(count):
        planes[3, i] -= planes[0, i]
        planes[4, i] -= planes[1, i]
        planes[5, i] -= planes[2, i]
    if colors == 1:
        for i in range(count):
            planes[3, i] = RED * planes[3, i] + GREEN * planes[4, i] + BLUE * planes[5, i]
    for i in range(count):
        start = (first + i) * channels
        amount = amounts[mask[first + i]] if masked else amounts[255]
        if colors < channels:
            alpha = pixels[start + colors]
            out[start + colors] = alpha
            if alpha == 0:
                amount = ZERO
        usable = amount != 0
        if not whole:
            for at in range(colors):  # a pixel with one bad channel is left alone
                usable = usable and abs(np.float32(pixels[start + at])) < np.float32(np.inf)
        for plane in range(colors):
            at = start + (red if plane == 0 else green if plane == 1 else blue)
            value, change = pixels[at], planes[3 + plane, i] * amount
            if whole:
                level = np.int32(value) + np.int32(math.floor(change * white + HALF))
                out[at] = min(max(level, np.int32(0)), np.int32(white))
            else:
                new = np.float32(value) + change
                out[at] = new if usable and change != 0 and abs(new) < np.float32(np.inf) else value


@_kernel
def _grid_lines(coefficients: Array, down: float, lines: Array) -> None:
    """The grid at one row. coefficients: [D, H, W, 12]; down: position in cells; lines: as `_grid_planes` wants them."""
    depth, height, width = coefficients.shape[:3]
    place = min(max(down, 0.0), height - 1.0)
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


@_kernel
def mixed(
    pixels: Array,
    mask: Array,
    out: Array,
    masked: bool,
    row: int,
    width: int,
    channels: int,
    red: int,
    green: int,
    blue: int,
    white: Any,
    amounts: Array,
    knots: Array,
    coefficients: Array,
    geometry: Array,
    finish: Array,
    look: Array,
) -> None:
    """Rows of pixels from `row` on, through curves, grid and look.

    red, green, blue: where in a pixel they are. white: the stored value of 1.0. amounts: [256] share by mask.
    knots, finish: as for `curves_f32`, [3, 2] zeros for none. coefficients: [D, H, W, 12], with D = 0 for none.
    geometry: the position in cells of the layer's first pixel across and down, and the steps to the next ones.
    look: as for `_look_planes`, [0] for none.
    """
    planes = np.empty((PLANES, RUN), np.float32)
    depth, columns = coefficients.shape[0], max(coefficients.shape[2] - 1, 1)
    lines = np.empty((columns, depth, 2, 12), np.float32)
    across, down, step_across, step_down = geometry[0], geometry[1], geometry[2], geometry[3]
    scale = ONE / white
    for line in range(pixels.size // (width * channels)):
        if depth > 0:
            _grid_lines(coefficients, down + (row + line) * step_down, lines)
        first = line * width
        x = 0
        while x < width:
            count, column = min(RUN, width - x), 0
            place = across + x * step_across
            if depth > 0:
                column = int(min(max(place, 0.0), columns - 1.0))
                if column < columns - 1:
                    count = min(count, max(1, int(math.ceil((column + 1 - place) / step_across))))
            active = not masked
            for i in range(first + x, first + x + count):
                active = active or mask[i] > 0
            if active:
                _load(pixels, first + x, count, channels, red, green, blue, scale, planes)
                if knots.shape[1] > 2:
                    _curve_planes(planes, count, knots)
                if depth > 0:
                    _grid_planes(planes, count, lines, column, np.float32(place - column), np.float32(step_across))
                if look.size > 0:
                    _look_planes(planes, count, finish, look)
                _store(pixels, mask, amounts, out, masked, first + x, count, channels, red, green, blue, white, planes)
            else:
                out[(first + x) * channels : (first + x + count) * channels] = pixels[
                    (first + x) * channels : (first + x + count) * channels
                ]
            x += count
