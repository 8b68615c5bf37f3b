"""The fast twin of `pipeline`: numba kernels that render rows of pixels.

Tables do everything for 8 bit that keeps channels apart. All else goes through `mixed`, on short runs of pixels as
planes of float32 in one flat array, `work`: plain loops over it become vector instructions, and it stays in the L1
cache. Planes R and ALPHA hold the pixels as they were stored, X their color (1 = white), Y what becomes of it, in the
layer's memory order (for grey layers three equal channels); the caller puts weights, knots and coefficients into it.

All kernels release the GIL. Work on a row never depends on other rows: bands have no seams, to the last bit.
Arrays are flat: pixels [n * channels] of u8, u16 (half floats too) or f32; mask [n] u8, or [0] for none. A kernel is
compiled once a depth, as long as `pixels` and `mask` are read-only and aligned. All kernels are in one file, and import
no constants, because numba renews what it keeps on disk only when the kernel's own file changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from .kernel_cache import KernelCache

Array = np.ndarray[Any, Any]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

RUN = 512
R0, R1, R2, ALPHA, X0, X1, X2, Y0, Y1, Y2, Z0, Z1, Z2, LEVEL, ALONG = (plane * RUN for plane in range(15))
WORK = 15 * RUN

ZERO, HALF, ONE, INFINITE = np.float32(0), np.float32(0.5), np.float32(1), np.float32(np.inf)
GROWTH, NOT_FINITE = np.float32(2.0**112), np.float32(2.0**-96)
"""What a float32 with a half float's exponent lacks; the least one of these that stands for infinity or NaN."""


def kernel(function: Kernel) -> Kernel:
    """Compiled when first called; releases the GIL; the machine code is kept on disk for the next start."""
    # Contraction to fused multiply-add is the only liberty: NaN and infinities keep their meaning.
    try:
        compiled: Any = njit(nogil=True, cache=True, fastmath={"contract"})(function)
    except RuntimeError:  # no folder to keep machine code in
        return cast(Kernel, njit(nogil=True, fastmath={"contract"})(function))
    if hasattr(compiled, "_cache"):  # not where NUMBA_DISABLE_JIT leaves the function as it is
        compiled._cache = KernelCache(compiled._cache)
    return cast(Kernel, compiled)


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
def _grid_lines(coefficients: Array, place: float, lines: Array) -> None:
    """The grid at one row, as `_transform` wants it. coefficients: [D, H, W, 12]; place: in cells, from the top.

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


@kernel
def _is_empty(mask: Array) -> bool:
    """Whether there is a mask, and it is 0 everywhere."""
    highest = np.uint8(0)
    for i in range(mask.size):
        highest = max(highest, mask[i])
    return mask.size > 0 and highest == 0


@kernel
def _load(pixels: Array, count: int, channels: int, scale: Any, half: bool, work: Array) -> None:
    """Fills all planes R, ALPHA, X and Y with `count` pixels; X and Y are black where a channel is not finite."""
    count = min(count, RUN)  # here and below: tells the compiler that indices stay small
    if channels == 4:
        for i in range(count):
            work[R0 + i], work[R1 + i] = pixels[4 * i], pixels[4 * i + 1]
            work[R2 + i], work[ALPHA + i] = pixels[4 * i + 2], pixels[4 * i + 3]
    elif channels == 3:
        for i in range(count):
            work[R0 + i], work[R1 + i] = pixels[3 * i], pixels[3 * i + 1]
            work[R2 + i], work[ALPHA + i] = pixels[3 * i + 2], ONE
    else:
        for i in range(count):
            value = pixels[channels * i]
            work[R0 + i], work[R1 + i], work[R2 + i] = value, value, value
            work[ALPHA + i] = pixels[channels * i + 1] if channels == 2 else ONE
    if half:
        for plane in (R0, R1, R2, ALPHA):
            _widen(work, count, plane)
    _color(work, count, scale)
    for i in range(count):
        work[Y0 + i], work[Y1 + i], work[Y2 + i] = work[X0 + i], work[X1 + i], work[X2 + i]


@kernel
def _color(work: Array, count: int, scale: Any) -> None:
    """Fills planes X from planes R; a pixel with a channel that is not finite is black there."""
    count = min(count, RUN)
    for i in range(count):
        a, b, c = work[R0 + i] * scale, work[R1 + i] * scale, work[R2 + i] * scale
        finite = (abs(a) < INFINITE) & (abs(b) < INFINITE) & (abs(c) < INFINITE)
        work[X0 + i], work[X1 + i], work[X2 + i] = (a, b, c) if finite else (ZERO, ZERO, ZERO)


@kernel
def _widen(work: Array, count: int, plane: int) -> None:
    """Turns a plane from the bit patterns of half floats, as whole numbers, into what they mean.

    A pattern that means no finite number becomes a NaN that carries it, for `_narrow` to bring back.
    """
    count = min(count, RUN)
    bits = work.view(np.uint32)
    for i in range(count):
        pattern = np.uint32(work[plane + i])
        # Exponent and fraction in their places of a float32, the exponent too small by 112.
        bits[Z0 + i] = (pattern & np.uint32(0x7FFF)) << np.uint32(13)
        bits[Z1 + i] = np.uint32(0x7FC00000) | pattern
    for i in range(count):
        magnitude = work[Z0 + i]
        value = -magnitude * GROWTH if work[plane + i] >= np.float32(0x8000) else magnitude * GROWTH
        work[plane + i] = work[Z1 + i] if magnitude >= NOT_FINITE else value


@kernel
def _narrow(work: Array, count: int, plane: int) -> None:
    """Turns a plane into the bit patterns of the nearest half floats (ties to even), as whole numbers."""
    count = min(count, RUN)
    bits = work.view(np.uint32)
    for i in range(count):
        work[Z0 + i] = min(abs(work[plane + i]), np.float32(65504)) / GROWTH
    for i in range(count):
        magnitude, whole = bits[Z0 + i], bits[plane + i]
        odd = (magnitude >> np.uint32(13)) & np.uint32(1)
        rounded = (magnitude + np.uint32(0xFFF) + odd) >> np.uint32(13)
        pattern = rounded | ((whole >> np.uint32(16)) & np.uint32(0x8000))
        carried = (whole & np.uint32(0x7F800000)) == np.uint32(0x7F800000)
        bits[Z1 + i] = whole & np.uint32(0xFFFF) if carried else pattern
    for i in range(count):
        work[plane + i] = np.float32(bits[Z1 + i])


@kernel
def _edge_line(edges: Array, place: float, line: Array) -> None:
    """The edge colors [H, W, 3] along one row, [W, 3]; place: in cells, from the top."""
    height = edges.shape[0]
    place = min(max(place, 0.0), height - 1.0)
    above = int(place)
    below, t = min(above + 1, height - 1), np.float32(place - above)
    for column in range(line.shape[0]):
        for k in range(3):
            line[column, k] = edges[above, column, k] + t * (edges[below, column, k] - edges[above, column, k])


@kernel
def _clean(work: Array, count: int, line: Array, scale: Any, start: float, step: float) -> None:
    """Takes planes X and Y of half-transparent pixels towards the edge colors `line` [W, 3].

    start, step: the first pixel's place in cells, and how far it is to the next one.
    """
    count = min(count, RUN)
    last = line.shape[0] - 1
    for i in range(count):
        alpha = work[ALPHA + i] * scale
        if alpha < ONE and alpha != ZERO:  # clear pixels stay as they are, whatever becomes of them here
            alpha = max(alpha, ZERO)
            share = ONE - alpha * alpha
            place = min(max(start + i * step, 0.0), float(last))
            column = int(place)
            beside, t = min(column + 1, last), np.float32(place - column)
            for k in range(3):
                edge = line[column, k] + t * (line[beside, k] - line[column, k])
                x = work[X0 + k * RUN + i]
                x += share * (edge - x)
                work[X0 + k * RUN + i], work[Y0 + k * RUN + i] = x, x


@kernel
def _bend(work: Array, count: int, knots: Array) -> None:
    """Curves planes Y. knots: [3, P + 2] change at 0, 1/P, ..., 1, and the last one again."""
    count = min(count, RUN)
    pieces = np.float32(knots.shape[1] - 2)
    for channel in range(3):
        plane, change = Y0 + channel * RUN, knots[channel]
        for i in range(count):
            work[LEVEL + i] = min(max(work[plane + i], ZERO), ONE) * pieces
        for i in range(count):
            place = work[LEVEL + i]
            index = np.uint32(place)
            low = change[index]
            work[Z0 + i] = low + (place - np.float32(index)) * (change[index + np.uint32(1)] - low)
        for i in range(count):
            work[plane + i] += work[Z0 + i]


@kernel
def _transform(work: Array, count: int, lines: Array, weights: Array, start: Any, step: Any) -> None:
    """Sends planes Y through a bilateral grid, between the centers of two neighboring columns of it.

    lines: [D, 2, 12]: each luma level's transform at the first of the columns, and the difference to the second.
    start, step: how far the first pixel is towards the second column, and how far each next one is beyond.
    Every level is applied to every pixel with its tent weight: that beats looking levels up, which is no vector code.
    """
    count = min(count, RUN)
    depth = lines.shape[0]
    levels, top = np.float32(depth), np.float32(depth - 1)
    w0, w1, w2 = weights[0], weights[1], weights[2]
    for i in range(count):
        a, b, c = work[Y0 + i], work[Y1 + i], work[Y2 + i]
        inside_a, inside_b, inside_c = min(max(a, ZERO), ONE), min(max(b, ZERO), ONE), min(max(c, ZERO), ONE)
        work[Z0 + i], work[Z1 + i], work[Z2 + i] = a - inside_a, b - inside_b, c - inside_c
        work[Y0 + i], work[Y1 + i], work[Y2 + i] = inside_a, inside_b, inside_c
        luma = w0 * inside_a + w1 * inside_b + w2 * inside_c
        work[LEVEL + i] = min(max(luma * levels - HALF, ZERO), top)
        work[ALONG + i] = min(max(start + np.float32(i) * step, ZERO), ONE)
    low, high = depth - 1, 0
    for i in range(count):
        level = np.int32(work[LEVEL + i])
        low, high = min(low, level), max(high, level)
    for d in range(low, min(high + 1, depth - 1) + 1):
        at, to, here = lines[d, 0], lines[d, 1], np.float32(d)
        a0, a1, a2, a3, b0, b1, b2, b3 = at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]
        c0, c1, c2, c3 = at[8], at[9], at[10], at[11]
        p0, p1, p2, p3, q0, q1, q2, q3 = to[0], to[1], to[2], to[3], to[4], to[5], to[6], to[7]
        r0, r1, r2, r3 = to[8], to[9], to[10], to[11]
        for i in range(count):
            weight = max(ONE - abs(work[LEVEL + i] - here), ZERO)
            x, a, b, c = work[ALONG + i], work[Y0 + i], work[Y1 + i], work[Y2 + i]
            work[Z0 + i] += weight * ((a0 + x * p0) * a + (a1 + x * p1) * b + (a2 + x * p2) * c + (a3 + x * p3))
            work[Z1 + i] += weight * ((b0 + x * q0) * a + (b1 + x * q1) * b + (b2 + x * q2) * c + (b3 + x * q3))
            work[Z2 + i] += weight * ((c0 + x * r0) * a + (c1 + x * r1) * b + (c2 + x * r2) * c + (c3 + x * r3))
    for i in range(count):
        work[Y0 + i], work[Y1 + i], work[Y2 + i] = work[Z0 + i], work[Z1 + i], work[Z2 + i]


@kernel
def _split(work: Array, count: int, weights: Array, light: Any, color: Any) -> None:
    """Scales the change from X to Y: its luma by `light`, the rest by `color`."""
    count = min(count, RUN)
    w0, w1, w2 = weights[0], weights[1], weights[2]
    for i in range(count):
        x0, x1, x2 = work[X0 + i], work[X1 + i], work[X2 + i]
        a, b, c = work[Y0 + i] - x0, work[Y1 + i] - x1, work[Y2 + i] - x2
        shift = (light - color) * (w0 * a + w1 * b + w2 * c)
        work[Y0 + i], work[Y1 + i], work[Y2 + i] = (
            x0 + color * a + shift,
            x1 + color * b + shift,
            x2 + color * c + shift,
        )


@kernel
def _settle(
    work: Array, count: int, weights: Array, saturation: Any, color_only: Any, protect: Any, bright: Any
) -> None:
    """Saturation, color only, protected highlights on planes Y; `color_only` and `protect` are 0 or 1."""
    count = min(count, RUN)
    w0, w1, w2 = weights[0], weights[1], weights[2]
    for i in range(count):
        x0, x1, x2 = work[X0 + i], work[X1 + i], work[X2 + i]
        y0, y1, y2 = work[Y0 + i], work[Y1 + i], work[Y2 + i]
        luma, grey = w0 * x0 + w1 * x1 + w2 * x2, w0 * y0 + w1 * y1 + w2 * y2
        shift = color_only * (luma - grey)
        t = min(max((luma - bright) / (ONE - bright), ZERO), ONE)
        kept = ONE - protect * (t * t * (np.float32(3) - np.float32(2) * t))
        work[Y0 + i] = x0 + kept * (y0 + saturation * (y0 - grey) + shift - x0)
        work[Y1 + i] = x1 + kept * (y1 + saturation * (y1 - grey) + shift - x1)
        work[Y2 + i] = x2 + kept * (y2 + saturation * (y2 - grey) + shift - x2)


@kernel
def _store(
    work: Array,
    count: int,
    mask: Array,
    strength: Any,
    weights: Array,
    white: Any,
    half: bool,
    out: Array,
    channels: int,
) -> None:
    """Writes `count` pixels that moved from X towards Y by mask x strength.

    mask: [count], or [0] for none. white: the stored value of 1.0; more than 1 for whole numbers.
    """
    count = min(count, RUN)
    step = strength / np.float32(255)
    if mask.size > 0:
        for i in range(count):
            work[LEVEL + i] = np.float32(mask[i]) * step
    else:
        for i in range(count):
            work[LEVEL + i] = np.float32(255) * step
    for i in range(count):
        share = work[LEVEL + i] * white if work[ALPHA + i] != 0 else ZERO
        work[Y0 + i] = (work[Y0 + i] - work[X0 + i]) * share
        work[Y1 + i] = (work[Y1 + i] - work[X1 + i]) * share
        work[Y2 + i] = (work[Y2 + i] - work[X2 + i]) * share
    if channels <= 2:
        w0, w1, w2 = weights[0], weights[1], weights[2]
        for i in range(count):
            work[Y0 + i] = w0 * work[Y0 + i] + w1 * work[Y1 + i] + w2 * work[Y2 + i]
    if white > ONE:
        _add_levels(work, count, white)
    else:
        _add_floats(work, count, channels)
    if half:
        for plane in (Y0, Y1, Y2, ALPHA):
            _narrow(work, count, plane)
    if channels == 4:
        for i in range(count):
            out[4 * i], out[4 * i + 1] = work[Y0 + i], work[Y1 + i]
            out[4 * i + 2], out[4 * i + 3] = work[Y2 + i], work[ALPHA + i]
    elif channels == 3:
        for i in range(count):
            out[3 * i], out[3 * i + 1], out[3 * i + 2] = work[Y0 + i], work[Y1 + i], work[Y2 + i]
    elif channels == 2:
        for i in range(count):
            out[2 * i], out[2 * i + 1] = work[Y0 + i], work[ALPHA + i]
    else:
        for i in range(count):
            out[i] = work[Y0 + i]


@kernel
def _add_levels(work: Array, count: int, white: Any) -> None:
    """Turns planes Y from changes into rounded results."""
    count = min(count, RUN)
    for plane in range(0, 3 * RUN, RUN):
        for i in range(plane, plane + count):
            work[Y0 + i] = min(max(work[R0 + i] + np.floor(work[Y0 + i] + HALF), ZERO), white)


@kernel
def _add_floats(work: Array, count: int, channels: int) -> None:
    """Turns planes Y from changes into results; a pixel that is not finite, before or after, keeps its bits."""
    count = min(count, RUN)
    if channels <= 2:
        for i in range(count):
            work[Y1 + i] = work[Y0 + i]
            work[Y2 + i] = work[Y0 + i]
    for i in range(count):
        a, b, c = work[R0 + i] + work[Y0 + i], work[R1 + i] + work[Y1 + i], work[R2 + i] + work[Y2 + i]
        finite = (abs(a) < INFINITE) & (abs(b) < INFINITE) & (abs(c) < INFINITE)
        work[Y0 + i] = a if finite & (work[Y0 + i] != 0) else work[R0 + i]
        work[Y1 + i] = b if finite & (work[Y1 + i] != 0) else work[R1 + i]
        work[Y2 + i] = c if finite & (work[Y2 + i] != 0) else work[R2 + i]


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
    edges: Array,
    edge_geometry: Array,
) -> None:
    """Rows of pixels from `row` on, through curves, grid and look.

    white: the stored value of 1.0; 1 and pixels of u16 stand for half floats. weights: [3] luma.
    knots, finish: as for `_bend`, [3, 2] for none. coefficients: [D, H, W, 12], with D = 0 for none.
    geometry: the position in cells of the layer's first pixel across and down, and the steps to the next ones.
    look: light, color, saturation, color only, protect highlights, from which luma on; [0] for none.
    edges: [H, W, 3] colors in memory order, to clean half-transparent pixels with, with H = 0 for none, and
    edge_geometry, as `geometry`.
    """
    work = np.empty(WORK, np.float32)
    half = white == ONE and pixels.itemsize == 2
    depth, intervals = coefficients.shape[0], max(coefficients.shape[2] - 1, 1)
    lines = np.empty((intervals, depth, 2, 12), np.float32)
    across, down, step_across, step_down = geometry[0], geometry[1], geometry[2], geometry[3]
    cleans, edge_line = edges.shape[0] > 0, np.empty((edges.shape[1], 3), np.float32)
    for line in range(pixels.size // (width * channels)):
        if depth > 0:
            _grid_lines(coefficients, down + (row + line) * step_down, lines)
        if cleans:
            _edge_line(edges, edge_geometry[1] + (row + line) * edge_geometry[3], edge_line)
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
            if _is_empty(amounts):
                for i in range(count * channels):
                    into[i] = here[i]
            else:
                _load(here, count, channels, ONE / white, half, work)
                if cleans:
                    _clean(
                        work, count, edge_line, ONE / white, edge_geometry[0] + x * edge_geometry[2], edge_geometry[2]
                    )
                if knots.shape[1] > 2:
                    _bend(work, count, knots)
                if depth > 0:
                    start = np.float32(place - column)
                    _transform(work, count, lines[column], weights, start, np.float32(step_across))
                if look.size > 0:
                    _split(work, count, weights, look[0], look[1])
                    if finish.shape[1] > 2:
                        _bend(work, count, finish)
                    _settle(work, count, weights, look[2], look[3], look[4], look[5])
                if cleans:
                    _color(work, count, ONE / white)  # as it was: what is stored moves away from there
                _store(work, count, amounts, strength, weights, white, half, into, channels)
            x += count
