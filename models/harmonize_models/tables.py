"""What a separable pipeline does to a layer, as lookup tables: one for each color channel, in the layer's memory order.

For grey layouts there is one, the luma of what the three curves do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .adjustments.curves import Curves
from .adjustments.grid import LUMA
from .layer import Layout
from .pipeline import Pipeline


def shares(strength: float) -> NDArray[np.float32]:
    """[256]: how much of the change is applied, by mask."""
    return (np.arange(256) / 255 * strength).astype(np.float32)


def byte_tables(pipeline: Pipeline, layout: Layout) -> NDArray[np.uint8]:
    """[channels, 256 * 256] results for 8 bit, by mask * 256 + value: x + mask * strength * (y - x), rounded."""
    values = np.arange(256)
    change = _channels(_change(pipeline, 256), layout) * 255
    share = (np.arange(256) / 255 * pipeline.strength)[:, None]
    results = values + np.floor(share * change[:, None, :] + 0.5)
    return np.clip(results, 0, 255).astype(np.uint8).reshape(len(change), 65536)


def level_tables(pipeline: Pipeline, layout: Layout) -> NDArray[np.float32]:
    """[channels, 65536] full change in levels, for 16 bit."""
    return (_channels(_change(pipeline, 65536), layout) * 65535).astype(np.float32)


def knot_tables(curves: Curves, layout: Layout) -> NDArray[np.float32]:
    """[channels, P + 2] full change at 0, 1 / P, ..., 1, and the last one again, for floats."""
    change = _channels(curves.deltas, layout)
    return np.concatenate([change, change[:, -1:]], axis=1).astype(np.float32)


def _change(pipeline: Pipeline, n: int) -> NDArray[np.float64]:
    """[3, n] full change at n inputs evenly spaced over [0, 1]."""
    values = pipeline.curves.table(n)
    if pipeline.finish is not None:
        values = pipeline.finish.sample(values.T).T
    return values - np.linspace(0, 1, n)


def _channels(change: NDArray[np.float64], layout: Layout) -> NDArray[Any]:
    if layout.is_grey:
        return (LUMA @ change)[None]
    return change[np.argsort(layout.rgb)]
