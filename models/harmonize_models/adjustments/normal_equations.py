"""The sums over pixels that a color grid is fitted from, in machine code: see `fit.py`, which they are a part of.

numba renews what it keeps on disk only when this file changes: so it imports no constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

try:
    from ..render.kernels import kernel
except ImportError:  # no numba here: the same, in seconds instead of a millisecond

    def kernel(function: Kernel) -> Kernel:
        """The function as it is."""
        return function


Array = np.ndarray[Any, Any]


@kernel
def add_up(places: Array, features: Array, wish: Array, weights: Array, grams: Array) -> None:
    """Weighted products of all pixels, apart for each block of 2 x 2 x 2 cells.

    places: [n, 3], row, column and luma in cells, within the grid; features: [n, 4]; wish: [n, 3]; weights: [n]; all
    float32.
    grams: [H - 1, W - 1, D - 1, 32, 35] float32, to which is added: unknowns (row, column, luma, feature) of a block
    against themselves (as they are symmetric, little below the diagonal) and the three channels of the wish.
    """
    height, width, depth = grams.shape[0] + 1, grams.shape[1] + 1, grams.shape[2] + 1
    both = np.zeros(35, np.float32)
    for pixel in range(places.shape[0]):
        row = min(int(places[pixel, 0]), height - 2)
        column = min(int(places[pixel, 1]), width - 2)
        level = min(int(places[pixel, 2]), depth - 2)
        down = places[pixel, 0] - np.float32(row)
        across = places[pixel, 1] - np.float32(column)
        up = places[pixel, 2] - np.float32(level)
        root = np.sqrt(weights[pixel])
        for corner in range(8):
            share = down if corner & 4 else np.float32(1) - down
            share *= across if corner & 2 else np.float32(1) - across
            share *= up if corner & 1 else np.float32(1) - up
            for feature in range(4):
                both[corner * 4 + feature] = share * root * features[pixel, feature]
        for channel in range(3):
            both[32 + channel] = root * wish[pixel, channel]
        gram = grams[row, column, level]
        for i in range(32):
            factor = both[i]
            # Whole vectors of eight, and the last three apart: as one loop over all 35 this takes three times as long.
            for j in range(i - i % 8, 32):
                gram[i, j] += factor * both[j]
            for j in range(32, 35):
                gram[i, j] += factor * both[j]


@kernel
def put_together(grams: Array, diagonal: Array, beside: Array, right: Array) -> None:
    """The sums of all blocks as the blocks of one system, ordered by rows of cells.

    diagonal: [H, S, S], S = W * D * 4 unknowns of a row (column, luma, feature); beside: [H - 1, S, S], each row
    against the next one; right: [H, S, 3]; all float64, to which is added.
    """
    depth = grams.shape[2] + 1
    at = np.empty(16, np.int64)
    for row in range(grams.shape[0]):
        for column in range(grams.shape[1]):
            for level in range(grams.shape[2]):
                gram = grams[row, column, level]
                for i in range(16):
                    at[i] = ((column + i // 8) * depth + level + i // 4 % 2) * 4 + i % 4
                for i in range(16):
                    for j in range(16):
                        low, high = min(i, j), max(i, j)
                        diagonal[row, at[i], at[j]] += gram[low, high]
                        diagonal[row + 1, at[i], at[j]] += gram[16 + low, 16 + high]
                        beside[row, at[i], at[j]] += gram[i, 16 + j]
                    for channel in range(3):
                        right[row, at[i], channel] += gram[i, 32 + channel]
                        right[row + 1, at[i], channel] += gram[16 + i, 32 + channel]
