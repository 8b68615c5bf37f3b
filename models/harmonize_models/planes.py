"""Steps of rendering on short runs of pixels, compiled by numba; `kernels.mixed` strings them together.

A run is at most RUN pixels as planes of float32 in one flat array, `work`: plain loops over it become vector
instructions and it stays in the L1 cache. Planes X hold the original color, Y what becomes of it, in the layer's memory
order (for grey layers three equal channels); the caller puts weights, knots and coefficients into that order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from .pipeline import PROTECT_FROM

Array = np.ndarray[Any, Any]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

RUN = 512
X0, X1, X2, Y0, Y1, Y2, Z0, Z1, Z2, LEVEL, ALONG = (plane * RUN for plane in range(11))
WORK = 11 * RUN

ZERO, HALF, ONE, INFINITE = np.float32(0), np.float32(0.5), np.float32(1), np.float32(np.inf)
PROTECT, PROTECT_SCALE = np.float32(PROTECT_FROM), np.float32(1 / (1 - PROTECT_FROM))


def kernel(function: Kernel) -> Kernel:
    """Compiled when first called; releases the GIL; the machine code is kept on disk for the next start."""
    # Contraction to fused multiply-add is the only liberty: NaN and infinities keep their meaning.
    try:
        return cast(Kernel, njit(nogil=True, cache=True, fastmath={"contract"})(function))
    except RuntimeError:  # no folder to keep machine code in
        return cast(Kernel, njit(nogil=True, fastmath={"contract"})(function))


@kernel
def load(pixels: Array, count: int, channels: int, scale: Any, work: Array) -> None:
    """Fills planes X and Y with `count` pixels times `scale`; black where a channel is not finite."""
    count = min(count, RUN)  # here and below: tells the compiler that indices stay small
    if channels == 4:
        for i in range(count):
            work[Y0 + i], work[Y1 + i] = pixels[4 * i], pixels[4 * i + 1]
            work[Y2 + i] = pixels[4 * i + 2]
    elif channels == 3:
        for i in range(count):
            work[Y0 + i], work[Y1 + i] = pixels[3 * i], pixels[3 * i + 1]
            work[Y2 + i] = pixels[3 * i + 2]
    else:
        for i in range(count):
            value = pixels[channels * i]
            work[Y0 + i], work[Y1 + i], work[Y2 + i] = value, value, value
    for i in range(count):
        a, b, c = work[Y0 + i] * scale, work[Y1 + i] * scale, work[Y2 + i] * scale
        finite = abs(a) < INFINITE and abs(b) < INFINITE and abs(c) < INFINITE
        a, b, c = (a, b, c) if finite else (ZERO, ZERO, ZERO)
        work[X0 + i], work[X1 + i], work[X2 + i] = a, b, c
        work[Y0 + i], work[Y1 + i], work[Y2 + i] = a, b, c


@kernel
def bend(work: Array, count: int, knots: Array) -> None:
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
def transform(work: Array, count: int, lines: Array, weights: Array, start: Any, step: Any) -> None:
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
def split(work: Array, count: int, weights: Array, light: Any, color: Any) -> None:
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
def settle(work: Array, count: int, weights: Array, saturation: Any, color_only: Any, protect: Any) -> None:
    """Saturation, color only, protected highlights on planes Y; the last two are switches, 0 or 1."""
    count = min(count, RUN)
    w0, w1, w2 = weights[0], weights[1], weights[2]
    for i in range(count):
        x0, x1, x2 = work[X0 + i], work[X1 + i], work[X2 + i]
        y0, y1, y2 = work[Y0 + i], work[Y1 + i], work[Y2 + i]
        luma, grey = w0 * x0 + w1 * x1 + w2 * x2, w0 * y0 + w1 * y1 + w2 * y2
        shift = color_only * (luma - grey)
        t = min(max((luma - PROTECT) * PROTECT_SCALE, ZERO), ONE)
        kept = ONE - protect * (t * t * (np.float32(3) - np.float32(2) * t))
        work[Y0 + i] = x0 + kept * (y0 + saturation * (y0 - grey) + shift - x0)
        work[Y1 + i] = x1 + kept * (y1 + saturation * (y1 - grey) + shift - x1)
        work[Y2 + i] = x2 + kept * (y2 + saturation * (y2 - grey) + shift - x2)


@kernel
def store(
    pixels: Array,
    mask: Array,
    shares: Array,
    out: Array,
    count: int,
    channels: int,
    weights: Array,
    white: Any,
    work: Array,
) -> None:
    """Moves `count` pixels from X towards Y. mask: [count], or [0] for none; white > 1: whole numbers."""
    count = min(count, RUN)
    has_alpha = channels == 2 or channels == 4
    for i in range(count):
        work[LEVEL + i] = shares[255] * white
    if mask.size > 0:
        for i in range(count):
            work[LEVEL + i] = shares[mask[i]] * white
    if has_alpha:
        for i in range(count):
            if pixels[channels * i + channels - 1] == 0:
                work[LEVEL + i] = ZERO
    for i in range(count):
        share = work[LEVEL + i]
        work[Y0 + i] = (work[Y0 + i] - work[X0 + i]) * share
        work[Y1 + i] = (work[Y1 + i] - work[X1 + i]) * share
        work[Y2 + i] = (work[Y2 + i] - work[X2 + i]) * share
    if channels <= 2:
        w0, w1, w2 = weights[0], weights[1], weights[2]
        for i in range(count):
            work[Y0 + i] = w0 * work[Y0 + i] + w1 * work[Y1 + i] + w2 * work[Y2 + i]
    if white > ONE:
        for i in range(count):
            work[Y0 + i] = np.floor(work[Y0 + i] + HALF)
            work[Y1 + i] = np.floor(work[Y1 + i] + HALF)
            work[Y2 + i] = np.floor(work[Y2 + i] + HALF)
        if channels == 4:
            for i in range(count):
                at = 4 * i
                out[at] = np.int32(min(max(np.float32(pixels[at]) + work[Y0 + i], ZERO), white))
                out[at + 1] = np.int32(min(max(np.float32(pixels[at + 1]) + work[Y1 + i], ZERO), white))
                out[at + 2] = np.int32(min(max(np.float32(pixels[at + 2]) + work[Y2 + i], ZERO), white))
                out[at + 3] = pixels[at + 3]
        elif channels == 3:
            for i in range(count):
                at = 3 * i
                out[at] = np.int32(min(max(np.float32(pixels[at]) + work[Y0 + i], ZERO), white))
                out[at + 1] = np.int32(min(max(np.float32(pixels[at + 1]) + work[Y1 + i], ZERO), white))
                out[at + 2] = np.int32(min(max(np.float32(pixels[at + 2]) + work[Y2 + i], ZERO), white))
        else:
            for i in range(count):
                at = channels * i
                out[at] = np.int32(min(max(np.float32(pixels[at]) + work[Y0 + i], ZERO), white))
                if has_alpha:
                    out[at + 1] = pixels[at + 1]
    else:
        _store_floats(pixels, out, count, channels, work)


@kernel
def _store_floats(pixels: Array, out: Array, count: int, channels: int, work: Array) -> None:
    """Adds planes Y to `pixels`; a pixel that is not finite, before or after, keeps its bits."""
    colors = min(channels, 3) if channels != 2 else 1
    for i in range(count):
        at = channels * i
        usable = True
        for channel in range(colors):
            value = np.float32(pixels[at + channel])
            usable = usable and abs(value) < INFINITE and abs(value + work[Y0 + channel * RUN + i]) < INFINITE
        for channel in range(colors):
            value, change = pixels[at + channel], work[Y0 + channel * RUN + i]
            out[at + channel] = np.float32(value) + change if usable and change != 0 else value
        if channels > colors:
            out[at + colors] = pixels[at + colors]
