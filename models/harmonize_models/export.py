"""Adjustments in the formats of other programs, with the artist's look baked in as far as the format can hold it.

What cannot be held (and makes `exact` false): for curves everything that mixes channels; for all formats what changes
over space, and cleaned edges. Of that, curves keep what happens to neutral grays, and a local grid counts with its mean
over space.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .adjustments.adjustment import Adjustment
from .adjustments.curves import Curves
from .adjustments.grid import ColorGrid
from .adjustments.look import Look
from .render.pipeline import Pipeline, change

FORMATS = ("gimp-curves", "krita-curves", "cube")
CURVE_POINTS = 17
"""Points a curve: few enough to edit by hand; hosts draw smooth curves through them."""
CUBE_SIDE = 33
_TOLERANCE = 1e-4


def export(adjustment: Adjustment, look: Look, format: str) -> tuple[str, bool]:
    """The adjustment in one of FORMATS, and whether nothing was lost. Raises ValueError for another format."""
    if format == "gimp-curves":
        return gimp_curves(adjustment, look)
    if format == "krita-curves":
        return krita_curves(adjustment, look)
    if format == "cube":
        return cube(adjustment, look)
    raise ValueError(f"There is no format {format!r}: there are {', '.join(FORMATS)}.")


def gimp_curves(adjustment: Adjustment, look: Look) -> tuple[str, bool]:
    """JSON `{"red": [[x, y], ...], "green": ..., "blue": ...}`, x and y in [0, 1]."""
    curves, exact = bake(adjustment, look)
    points = {name: _points(channel) for name, channel in zip(("red", "green", "blue"), _editable(curves), strict=True)}
    return json.dumps(points), exact


def krita_curves(adjustment: Adjustment, look: Look) -> tuple[str, bool]:
    """JSON `{"curve1": "x,y;...", "curve2": ..., "curve3": ...}`: what Krita's `perchannel` filter calls R, G, B."""
    curves, exact = bake(adjustment, look)
    texts = {
        f"curve{number}": "".join(f"{x:g},{y:g};" for x, y in _points(channel))
        for number, channel in enumerate(_editable(curves), start=1)
    }
    return json.dumps(texts), exact


def cube(adjustment: Adjustment, look: Look) -> tuple[str, bool]:
    """A .cube file (Adobe Cube LUT Specification 1.0) of 33^3 colors, red fastest."""
    ramp = np.linspace(0, 1, CUBE_SIDE)
    blue, green, red = np.meshgrid(ramp, ramp, ramp, indexing="ij")
    colors = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    pipeline, exact = _global(adjustment, look)
    results = np.clip(_apply(pipeline, colors), 0, 1)
    title = f"Harmonize Selection {adjustment.network}".strip().replace('"', "'")
    lines = [f'TITLE "{title}"', f"LUT_3D_SIZE {CUBE_SIDE}", "DOMAIN_MIN 0 0 0", "DOMAIN_MAX 1 1 1"]
    lines += [f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in results]
    return "\n".join(lines) + "\n", exact


def bake(adjustment: Adjustment, look: Look, pieces: int = 256) -> tuple[Curves, bool]:
    """Curves that do what adjustment and look do together, as well as curves can, and whether that is everything."""
    pipeline, exact = _global(adjustment, look)
    ramp = np.repeat(np.linspace(0, 1, pieces + 1)[:, None], 3, axis=1)
    return Curves(_apply(pipeline, ramp).T), exact and pipeline.is_separable


def _global(adjustment: Adjustment, look: Look) -> tuple[Pipeline, bool]:
    """The same for every place and all alpha, and whether it was so before."""
    alike = adjustment.edges is None or not look.clean_edges
    if adjustment.grid is None:
        return Pipeline.of(adjustment, look), alike
    coefficients = adjustment.grid.coefficients
    mean = coefficients.mean(axis=(1, 2), keepdims=True)
    everywhere = bool(np.abs(coefficients - mean).max() <= _TOLERANCE)
    if everywhere and bool(np.abs(mean - np.eye(3, 4)).max() <= _TOLERANCE):
        return Pipeline.of(replace(adjustment, grid=None), look), alike
    return Pipeline.of(replace(adjustment, grid=ColorGrid(mean)), look), alike and everywhere


def _apply(pipeline: Pipeline, colors: NDArray[np.float64]) -> NDArray[np.float32]:
    """[n, 3] colors, fully changed."""
    middle = np.full(len(colors), 0.5, np.float32)
    inputs = colors.astype(np.float32)
    result: NDArray[np.float32] = inputs + np.float32(pipeline.strength) * change(pipeline, inputs, middle, middle)
    return result


def _editable(curves: Curves) -> NDArray[np.float64]:
    """[3, CURVE_POINTS] values in [0, 1]."""
    return np.clip(curves.table(CURVE_POINTS), 0, 1)


def _points(channel: NDArray[np.float64]) -> list[tuple[float, float]]:
    x = np.linspace(0, 1, len(channel))
    return [(round(float(a), 6), round(float(b), 6)) for a, b in zip(x, channel, strict=True)]
