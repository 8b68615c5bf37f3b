"""Lookup tables for pipelines that keep channels apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..adjustments.curves import Curves
from ..adjustments.grid import LUMA
from ..layer import Layout
from .pipeline import Pipeline


def shares(strength: float) -> NDArray[np.float32]:
    """[256]: how much of the change is applied, by mask."""
    return (np.arange(256) / 255 * strength).astype(np.float32)


def byte_tables(pipeline: Pipeline, layout: Layout) -> NDArray[np.uint8]:
    """Results for 8 bit, for each color channel in memory order; for grey layouts the luma of the three.

    [channels, 256 * 256], by mask * 256 + value: x + mask * strength * (y - x), rounded half up.
    """
    curved = pipeline.curves.table(256)
    if pipeline.finish is not None:
        curved = pipeline.finish.sample(curved.T).T
    change = (curved - np.linspace(0, 1, 256)) * 255
    change = (LUMA @ change)[None] if layout.is_grey else change[np.argsort(layout.rgb)]
    share = (np.arange(256) / 255 * pipeline.strength)[:, None]
    results = np.arange(256) + np.floor(share * change[:, None, :] + 0.5)
    return np.clip(results, 0, 255).astype(np.uint8).reshape(len(change), 65536)


def knot_tables(curves: Curves) -> NDArray[np.float32]:
    """[3, P + 2] change at 0, 1 / P, ..., 1, and the last one again, so that its upper neighbor can be read."""
    deltas = curves.deltas
    return np.concatenate([deltas, deltas[:, -1:]], axis=1).astype(np.float32)
