"""Adjustments from a picture before and after: for networks and baselines that say what they want as pixels.

`fit_grid` solves one regularised weighted least squares problem in closed form. Foreground pixels p with colors c(p)
(before), wanted changes r(p) and weights w(p) are explained by transforms T_k at the cells k of a bilateral grid:

    sum_p w(p) |sum_k a_k(p) T_k f(p) - r(p)|^2
        + smoothness * sum_(neighbors k, l) |T_k - T_l|_M^2 + ridge * sum_k |T_k|_M^2

with trilinear weights a_k(p), features f = (c - mean, 1), and r the rest that one affine transform of the whole
foreground leaves. So a cell without pixels follows its neighbors and, far from all pixels, the global transform; that
one is itself drawn to the identity. |.|_M measures transforms by how they differ on the foreground's own colors.
Bilateral guided upsampling (Chen et al. 2016, section 3) fits such grids to the outputs of operators; here the grid is
coarse enough for an exact solution: ordered by rows of cells the normal matrix is block tridiagonal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..layer import Place
from .curves import MAX_VALUE, Curves
from .grid import LUMA, ColorGrid

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GridFit:
    """How a grid is fitted; weights count in fully covered foreground pixels."""

    shape: tuple[int, int, int] = (8, 8, 8)
    """Cells along luma, rows, columns; each at least 2."""
    smoothness: float = 4.0
    """Neighbors in space."""
    luma_smoothness: float = 4.0
    """Neighbors in luma."""
    ridge: float = 0.05
    """Towards the global transform."""
    global_ridge: float = 4.0
    """Of the global transform, towards the identity."""


def fit_grid(before: ArrayLike, after: ArrayLike, mask: ArrayLike, fit: GridFit | None = None) -> ColorGrid:
    """The color grid that turns `before` into `after` inside `mask`.

    before, after: [H, W, 3] float, encoded, nominally [0, 1]. Pixels that are not finite do not count.
    mask: [H, W] float in [0, 1]; pixels count by its fourth power, because where the mask is soft some networks' output
        is blended with the composite already.
    The extent of the grid is the mask's bounding box. No foreground: the identity.
    """
    fit = fit or GridFit()
    colors, wanted, weights, rows, columns = _foreground(before, after, mask)
    if rows.size == 0:
        return ColorGrid.identity()
    height, width = np.shape(mask)
    extent = _extent(rows, columns, (height, width), fit.shape)

    mean = weights @ colors / weights.sum()
    features = np.concatenate([colors - mean, np.ones((len(colors), 1))], axis=1)
    weighted = features * weights[:, None]
    # How much a change of each coefficient shows on these colors; the floor keeps grey objects well-posed.
    metric = weighted.T @ features / weights.sum() + np.diag([0.01, 0.01, 0.01, 0.0])
    # The foreground's own affine transform, drawn to the identity.
    wish = wanted - colors
    overall = np.linalg.solve(weighted.T @ features + fit.global_ridge * metric, weighted.T @ wish)

    cells, corners = _corners(
        np.clip(colors @ LUMA, 0, 1),
        ((rows + 0.5) / height - extent.top) / (extent.bottom - extent.top),
        ((columns + 0.5) / width - extent.left) / (extent.right - extent.left),
        fit.shape,
    )
    rest = wish - features @ overall
    local = _solve(cells, corners, features, rest, weights, metric, fit)
    change = (local + overall).transpose(0, 1, 2, 4, 3)  # [..., output, feature]
    coefficients = change + np.eye(3, 4)
    coefficients[..., 3] -= change[..., :3] @ mean
    return ColorGrid(np.clip(coefficients, -MAX_VALUE, MAX_VALUE), extent)


def fit_curves(before: ArrayLike, after: ArrayLike, mask: ArrayLike, pieces: int = 32) -> Curves:
    """The tone curves that turn `before` into `after` inside `mask` as well as curves can; arguments as for `fit_grid`.

    Least squares for the change at each knot, smooth (second differences) and drawn to no change where there are no
    pixels, then made monotone.
    """
    colors, wanted, weights = _foreground(before, after, mask)[:3]
    values = np.tile(np.linspace(0.0, 1.0, pieces + 1), (3, 1))
    second = np.diff(np.eye(pieces + 1), n=2, axis=0)
    prior = 20.0 * second.T @ second + 0.01 * np.eye(pieces + 1)
    for channel in range(3):
        x, wish = colors[:, channel], wanted[:, channel] - colors[:, channel]
        place = np.clip(x, 0, 1) * pieces
        index = np.minimum(place.astype(np.intp), pieces - 1)
        high = place - index
        low = 1 - high
        normal = np.zeros((pieces + 1, pieces + 1))
        knots = np.arange(pieces)
        normal[knots, knots] += np.bincount(index, weights * low * low, pieces)
        normal[knots + 1, knots + 1] += np.bincount(index, weights * high * high, pieces)
        cross = np.bincount(index, weights * low * high, pieces)
        normal[knots, knots + 1] += cross
        normal[knots + 1, knots] += cross
        right = np.bincount(index, weights * low * wish, pieces + 1)
        right += np.bincount(index + 1, weights * high * wish, pieces + 1)
        values[channel] += np.linalg.solve(normal + prior, right)
    return Curves(np.clip(values, -MAX_VALUE, MAX_VALUE)).monotone()


def _foreground(
    before: ArrayLike, after: ArrayLike, mask: ArrayLike
) -> tuple[Array, Array, Array, NDArray[np.intp], NDArray[np.intp]]:
    """Colors and wanted colors [n, 3], weights [n], rows and columns [n] of the pixels that count."""
    colors, wanted = np.asarray(before, np.float64), np.asarray(after, np.float64)
    weights = np.clip(np.nan_to_num(np.asarray(mask, np.float64)), 0, 1) ** 4
    finite = np.isfinite(colors).all(axis=-1) & np.isfinite(wanted).all(axis=-1)
    rows, columns = np.nonzero((weights > 1e-4) & finite)
    return colors[rows, columns], wanted[rows, columns], weights[rows, columns], rows, columns


def _extent(rows: NDArray[np.intp], columns: NDArray[np.intp], size: tuple[int, ...], shape: tuple[int, ...]) -> Place:
    """The bounding box, widened so that the centers of the outermost cells lie on its sides."""
    top, bottom = rows.min() / size[0], (rows.max() + 1) / size[0]
    left, right = columns.min() / size[1], (columns.max() + 1) / size[1]
    tall, wide = (bottom - top) / (shape[1] - 1) / 2, (right - left) / (shape[2] - 1) / 2
    return Place(float(left - wide), float(top - tall), float(right + wide), float(bottom + tall))


def _corners(luma: Array, down: Array, across: Array, shape: tuple[int, int, int]) -> tuple[NDArray[np.intp], Array]:
    """For each pixel the block of 2 x 2 x 2 cells around it, and its weights [n, 8] there (rows, columns, luma)."""
    index, parts = np.zeros(len(luma), np.intp), []
    for t, count in zip((down, across, luma), (shape[1], shape[2], shape[0]), strict=True):
        place = np.clip(t * count - 0.5, 0, count - 1)
        cell = np.minimum(place.astype(np.intp), count - 2)
        index = index * (count - 1) + cell
        parts.append(np.stack([1 - (place - cell), place - cell], axis=1))
    corners = parts[0][:, :, None, None] * parts[1][:, None, :, None] * parts[2][:, None, None, :]
    return index, corners.reshape(-1, 8)


def _solve(
    cells: NDArray[np.intp], corners: Array, features: Array, rest: Array, weights: Array, metric: Array, fit: GridFit
) -> Array:
    """The transforms [D, H, W, 4, 3] (feature x output) on top of the global one."""
    depth, height, width = fit.shape
    size = width * depth * 4  # unknowns in a row of cells, ordered column, luma, feature
    diagonal, beside, right = (
        np.zeros((height, size, size)),
        np.zeros((height, size, size)),
        np.zeros((height, size, 3)),
    )

    order = np.argsort(cells, kind="stable")
    root = np.sqrt(weights)[:, None]
    # Single precision is enough for sums over the pixels of one block, and twice as fast.
    scaled, wish = (features * root).astype(np.float32)[order], (rest * root).astype(np.float32)[order]
    rows = (corners.astype(np.float32)[order][:, :, None] * scaled[:, None, :]).reshape(-1, 32)
    both = np.concatenate([rows, wish], axis=1)
    blocks, starts = np.unique(cells[order], return_index=True)
    row, column, level = np.unravel_index(blocks, (height - 1, width - 1, depth - 1))
    ends = [*starts[1:], len(rows)]
    grams = np.empty((len(blocks), 32, 35))
    for block, (start, end) in enumerate(zip(starts, ends, strict=True)):
        grams[block] = rows[start:end].T @ both[start:end]
    # Where the 16 unknowns of a block's upper (and lower) row of cells are in their row.
    inner = np.array([(x * depth + d) * 4 + f for x in (0, 1) for d in (0, 1) for f in range(4)])
    at = (column * depth + level)[:, None] * 4 + inner  # [blocks, 16]
    i, j = at[:, :, None], at[:, None, :]
    y = row[:, None, None]
    np.add.at(diagonal, (y, i, j), grams[:, :16, :16])
    np.add.at(beside, (y, i, j), grams[:, :16, 16:32])
    np.add.at(diagonal, (y + 1, i, j), grams[:, 16:, 16:32])
    np.add.at(right, (row[:, None], at), grams[:, :16, 32:])
    np.add.at(right, (row[:, None] + 1, at), grams[:, 16:, 32:])

    inside = np.kron(
        fit.smoothness * np.kron(_path(width), np.eye(depth))
        + fit.luma_smoothness * np.kron(np.eye(width), _path(depth))
        + fit.ridge * np.eye(width * depth),
        metric,
    )
    link = np.kron(fit.smoothness * np.eye(width * depth), metric)
    diagonal += inside + _path(height).diagonal()[:, None, None] * link
    beside -= link
    solution = _block_tridiagonal(diagonal, beside[:-1], right)
    local: Array = solution.reshape(height, width, depth, 4, 3).transpose(2, 0, 1, 3, 4)
    return local


def _path(count: int) -> Array:
    """The Laplacian of `count` knots in a line."""
    laplacian = 2 * np.eye(count) - np.eye(count, k=1) - np.eye(count, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = 1
    return laplacian


def _block_tridiagonal(diagonal: Array, beside: Array, right: Array) -> Array:
    """Solves the symmetric system with blocks diagonal[k] at (k, k) and beside[k] at (k, k + 1): block elimination."""
    count = len(diagonal)
    pivots, changed = [diagonal[0]], [right[0]]
    steps = []
    for k in range(count - 1):
        step = np.linalg.solve(pivots[k], np.concatenate([beside[k], changed[k]], axis=1))
        steps.append(step)
        size = beside[k].shape[1]
        pivots.append(diagonal[k + 1] - beside[k].T @ step[:, :size])
        changed.append(right[k + 1] - beside[k].T @ step[:, size:])
    solution = [np.linalg.solve(pivots[-1], changed[-1])]
    for step in reversed(steps):
        size = step.shape[1] - right.shape[2]
        solution.append(step[:, size:] - step[:, :size] @ solution[-1])
    ordered: Array = np.stack(solution[::-1])
    return ordered
