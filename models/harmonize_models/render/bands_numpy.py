"""Rendering bands in plain numpy: where numba is missing, and the oracle for the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..adjustments.grid import LUMA
from ..layer import Depth, LayerFormat, Place
from .pipeline import Pipeline, change
from .tables import byte_tables, shares

Array = NDArray[Any]


class NumpyBands:
    """Call it with pixels [rows, width, channels], mask [rows, width] or None, out like pixels, and the first row."""

    def __init__(self, pipeline: Pipeline, layer: LayerFormat, place: Place) -> None:
        self._pipeline, self._layer, self._place = pipeline, layer, place
        self._shares = shares(pipeline.strength)
        self._bytes = None
        if pipeline.is_separable and layer.depth is Depth.U8:
            self._bytes = byte_tables(pipeline, layer.layout)

    def __call__(self, pixels: Array, mask: Array | None, out: Array, row: int) -> None:
        rows, width, channels = pixels.shape
        weights: Array = np.full((rows, width), 255, np.uint8) if mask is None else mask
        colors = channels
        if self._layer.layout.has_alpha:
            colors -= 1
            weights = np.where(pixels[..., -1] == 0, np.uint8(0), weights)
            out[..., -1] = pixels[..., -1]
        if self._bytes is not None:
            base = weights.astype(np.uint16) << 8
            for channel in range(colors):
                out[..., channel] = self._bytes[channel].take(base | pixels[..., channel])
            return
        delta = self._change(pixels, row) * self._shares[weights][..., None]
        for channel in range(colors):
            self._store(pixels[..., channel], delta[..., channel], out[..., channel])

    def _change(self, pixels: Array, row: int) -> NDArray[np.float32]:
        """[rows, width, color channels] full change, in memory order."""
        layer, place = self._layer, self._place
        rows, width = pixels.shape[:2]
        u = place.left + (np.arange(width) + 0.5) / layer.width * (place.right - place.left)
        v = place.top + (np.arange(row, row + rows)[:, None] + 0.5) / layer.height * (place.bottom - place.top)
        with np.errstate(invalid="ignore"):  # signalling NaN
            colors = pixels[..., layer.layout.rgb].astype(np.float32) / np.float32(layer.depth.white)
            alpha = pixels[..., -1].astype(np.float32) / np.float32(layer.depth.white)
        delta = change(self._pipeline, colors, u.astype(np.float32), v.astype(np.float32), alpha)
        if layer.layout.is_grey:
            return (delta @ LUMA.astype(np.float32))[..., None]
        return delta[..., np.argsort(layer.layout.rgb)]

    def _store(self, old: Array, by: NDArray[np.float32], out: Array) -> None:
        if self._layer.depth.is_float:
            limit = np.finfo(old.dtype).max
            with np.errstate(invalid="ignore", over="ignore"):  # bad values stay as they are
                new = np.clip(old.astype(np.float32) + by, -limit, limit).astype(old.dtype)
            out[...] = old
            np.copyto(out, new, where=(by != 0) & np.isfinite(old))
        else:
            white = self._layer.depth.white
            levels = np.floor(by * np.float32(white) + np.float32(0.5)).astype(np.int32)
            out[...] = np.clip(old + levels, 0, white)
