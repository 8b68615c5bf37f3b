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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..layer import Place
from .curves import MAX_VALUE, Curves
from .grid import LUMA, ColorGrid

Array = NDArray[np.float64]
AnyPrecision = NDArray[np.floating[Any]]


ENOUGH_PIXELS = 5_000
"""So many foreground pixels determine a grid within half a decibel at 54 dB; more would take most of the time."""


@dataclass(frozen=True)
class GridFit:
    """How a grid is fitted; weights count in fully covered foreground pixels."""

    shape: tuple[int, int, int] = (4, 8, 8)
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
    """Colors and wanted colors [n, 3], weights [n], rows and columns [n] of the pixels that count.

    Of many pixels every so many stand for the others as well.
    """
    weights = np.clip(np.nan_to_num(np.asarray(mask, np.float64)), 0, 1) ** 4
    rows, columns = np.nonzero(weights > 1e-4)
    step = max(1, rows.size // ENOUGH_PIXELS)
    rows, columns = rows[::step], columns[::step]
    colors, wanted = (np.asarray(picture)[rows, columns].astype(np.float64) for picture in (before, after))
    finite = np.isfinite(colors).all(axis=-1) & np.isfinite(wanted).all(axis=-1)
    rows, columns = rows[finite], columns[finite]
    return colors[finite], wanted[finite], step * weights[rows, columns], rows, columns


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
    order = np.argsort(cells.astype(np.int32), kind="stable")
    root = np.sqrt(weights)[:, None]
    # Single precision is enough for sums over the pixels of one block, and twice as fast.
    parts, scaled, wish = (
        np.ascontiguousarray(each[order].T, np.float32) for each in (corners, features * root, rest * root)
    )
    both = np.concatenate([(parts[:, None] * scaled).reshape(32, -1), wish])
    blocks, starts = np.unique(cells[order], return_index=True)
    row, column, level = np.unravel_index(blocks, (height - 1, width - 1, depth - 1))
    ends = [*starts[1:], len(cells)]
    grams = np.empty((len(blocks), 32, 35))
    for block, (start, end) in enumerate(zip(starts, ends, strict=True)):
        grams[block] = both[:32, start:end] @ both[:, start:end].T
    # Where the 16 unknowns of a block's upper (and lower) row of cells are in their row.
    inner = np.array([(x * depth + d) * 4 + f for x in (0, 1) for d in (0, 1) for f in range(4)])
    at = (column * depth + level)[:, None] * 4 + inner  # [blocks, 16]
    upper = row[:, None] * size + at
    pairs, sides = upper[:, :, None] * size + at[:, None, :], upper[:, :, None] * 3 + np.arange(3)
    high, low = grams[:, :16], grams[:, 16:]
    diagonal = _summed([pairs, pairs + size**2], [high[:, :, :16], low[:, :, 16:32]], (height, size, size))
    beside = _summed([pairs], [high[:, :, 16:32]], (height, size, size))[:-1]
    right = _summed([sides, sides + size * 3], [high[:, :, 32:], low[:, :, 32:]], (height, size, 3))

    inside = np.kron(
        fit.smoothness * np.kron(_path(width), np.eye(depth))
        + fit.luma_smoothness * np.kron(np.eye(width), _path(depth))
        + fit.ridge * np.eye(width * depth),
        metric,
    )
    link = np.kron(fit.smoothness * np.eye(width * depth), metric)
    diagonal += inside + link
    diagonal[1:-1] += link
    beside -= link
    solution = _block_tridiagonal(diagonal, beside, right)
    local: Array = solution.reshape(height, width, depth, 4, 3).transpose(2, 0, 1, 3, 4)
    return local


def _summed(places: list[NDArray[np.intp]], values: list[Array], shape: tuple[int, ...]) -> Array:
    """An array of that shape with the sum of the values at each (flat) place; much quicker than `np.add.at`."""
    flat, summands = (np.concatenate([each.ravel() for each in parts]) for parts in (places, values))
    return np.bincount(flat, summands, int(np.prod(shape))).astype(np.float64, copy=False).reshape(shape)


def _path(count: int) -> Array:
    """The Laplacian of `count` knots in a line."""
    laplacian = 2 * np.eye(count) - np.eye(count, k=1) - np.eye(count, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = 1
    return laplacian


def _block_tridiagonal(diagonal: Array, beside: Array, right: Array) -> Array:
    """Solves the symmetric positive definite system with blocks diagonal[k] at (k, k) and beside[k] at (k, k + 1).

    Single precision is more than twice as fast. What it leaves is solved for again, until that makes no difference.
    """
    solution = np.zeros_like(right)
    for precision in (np.float32, np.float64):
        solve = _elimination(diagonal.astype(precision), beside.astype(precision))
        solution = solve(right.astype(precision)).astype(np.float64)
        for _ in range(4):
            rest = right - diagonal @ solution
            rest[:-1] -= beside @ solution[1:]
            rest[1:] -= beside.transpose(0, 2, 1) @ solution[:-1]
            change = solve(rest.astype(precision))
            solution += change
            if np.abs(change).max() <= 1e-3 * np.abs(solution).max():  # another change would be as much smaller again
                return solution
    return solution


def _elimination(diagonal: AnyPrecision, beside: AnyPrecision) -> Callable[[AnyPrecision], AnyPrecision]:
    """Block elimination of that system: what solves it for any right side, in the precision of the blocks."""
    inverses, steps = [_inverse(diagonal[0])], []
    for block, link in zip(diagonal[1:], beside, strict=True):
        steps.append(inverses[-1] @ link)
        inverses.append(_inverse(block - link.T @ steps[-1]))

    def solve(right: AnyPrecision) -> AnyPrecision:
        changed = [right[0]]
        for k, step in enumerate(steps, 1):
            changed.append(right[k] - step.T @ changed[-1])
        solution = [inverses[-1] @ changed[-1]]
        for k in reversed(range(len(steps))):
            solution.append(inverses[k] @ changed[k] - steps[k] @ solution[-1])
        return np.stack(solution[::-1])

    return solve


def _inverse(matrix: AnyPrecision) -> AnyPrecision:
    """Of a symmetric positive definite matrix, by halves: products are several times faster than LAPACK here."""
    half = len(matrix) // 2
    if half < 64:
        inverse: AnyPrecision = np.linalg.inv(matrix)
        return inverse
    corner = _inverse(matrix[:half, :half])
    across = corner @ matrix[:half, half:]
    rest = _inverse(matrix[half:, half:] - matrix[half:, :half] @ across)
    side = across @ rest
    inverse = np.empty_like(matrix)
    inverse[:half, :half], inverse[:half, half:] = corner + side @ across.T, -side
    inverse[half:, :half], inverse[half:, half:] = -side.T, rest
    return inverse
