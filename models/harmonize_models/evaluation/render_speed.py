"""How fast rendering is: processor time of one thread for 24 megapixels, beside memcpy of 96 MB in the same run.

    python -m harmonize_models.evaluation.render_speed [--rows 500]

Processor time, because it says the same on a busy machine; with n threads on idle cores divide it by n.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..adjustments.adjustment import Adjustment
from ..adjustments.curves import Curves
from ..adjustments.grid import ColorGrid
from ..adjustments.look import Look
from ..layer import Depth, LayerFormat, Layout
from ..render import Renderer, warm_up

WIDTH, MEGAPIXELS = 6000, 24
CURVES = Curves(np.linspace(0, 1, 65) ** np.array([[0.8], [1.1], [0.9]]))
GRID = ColorGrid((np.eye(3, 4) + np.random.default_rng(0).normal(0, 0.02, (8, 8, 8, 3, 4))).astype(np.float32))
CASES = {
    "curves": (Adjustment(CURVES), Look()),
    "grid 8x8x8": (Adjustment(Curves.identity(), GRID), Look()),
    "curves and grid": (Adjustment(CURVES, GRID), Look()),
    "and all sliders": (Adjustment(CURVES, GRID), Look(0.9, 0.8, 1.2, 0.2, 0.1, 0.2, 0.1, True)),
}


def milliseconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Least processor time of this thread, after a first run that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return min(times) * 1e3


def picture(rows: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """[rows, WIDTH, 4]: a gradient with noise, opaque; and a soft round mask."""
    y, x = np.mgrid[0:rows, 0:WIDTH]
    noise = np.random.default_rng(0).integers(-6, 7, (rows, WIDTH))
    colors = np.stack([x * 255 // WIDTH, y * 255 // rows, (x + y) * 255 // (WIDTH + rows)], axis=-1) + noise[..., None]
    pixels = np.full((rows, WIDTH, 4), 255, np.uint8)
    pixels[..., :3] = np.clip(colors, 0, 255)
    distance = np.hypot(x - WIDTH / 2, (y - rows / 2) * WIDTH / rows) / (WIDTH / 2)
    return pixels, (np.clip(2 - 2 * distance, 0, 1) * 255).astype(np.uint8)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500, help="rows that are really rendered (500)")
    rows = parser.parse_args(argv).rows
    scale = MEGAPIXELS * 1e6 / (WIDTH * rows)
    pixels, mask = picture(rows)
    warm_up()
    copy = np.empty_like(pixels)
    memcpy = milliseconds(lambda: np.copyto(copy, pixels)) * scale
    print(f"memcpy of {MEGAPIXELS * 4} MB: {memcpy:.1f} ms; RGBA with a soft mask, in ms and as a multiple of that:")
    for name, (adjustment, look) in CASES.items():
        for depth in Depth:
            stored: Any = pixels if depth is Depth.U8 else (pixels / 255.0 * depth.white).astype(depth.dtype)
            out = np.empty_like(stored)
            renderer = Renderer(adjustment, look, LayerFormat(WIDTH, rows, Layout.RGBA, depth))
            spent = milliseconds(partial(renderer.band, stored, mask, out, 0)) * scale
            print(f"{name:<16} {depth.value}  {spent:7.1f}  {spent / memcpy:6.1f} x", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
