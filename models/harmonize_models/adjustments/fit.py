"""Color grids from a picture before and after: for networks and baselines that say what they want as pixels.

`fit_grid` solves one regularized weighted least squares problem in closed form. Foreground pixels p with colors c(p)
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
from .curves import MAX_VALUE
from .grid import LUMA, ColorGrid

Array = NDArray[np.float64]
AnyPrecision = NDArray[np.floating[Any]]


ENOUGH_PIXELS = 3_000
"""So many foreground pixels determine a grid within a decibel at 54 dB; more would take most of the time."""
LEAST_SHARE = 0.1
"""Of the foreground in a pixel that counts."""


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

    places = _places(
        ((rows + 0.5) / height - extent.top) / (extent.bottom - extent.top),
        ((columns + 0.5) / width - extent.left) / (extent.right - extent.left),
        colors @ LUMA,
        fit.shape,
    )
    local = _solve(places, features, wish - features @ overall, weights, metric, fit)
    change = (local + overall).transpose(0, 1, 2, 4, 3)  # [..., output, feature]
    coefficients = change + np.eye(3, 4)
    coefficients[..., 3] -= change[..., :3] @ mean
    return ColorGrid(np.clip(coefficients, -MAX_VALUE, MAX_VALUE), extent)


def warm_up() -> None:
    """Compiles what `fit_grid` needs, or loads it from disk, so that the first fit does not wait for it."""
    pixels = np.zeros((2, 2, 3))
    fit_grid(pixels, pixels, np.ones((2, 2)))


def _foreground(
    before: ArrayLike, after: ArrayLike, mask: ArrayLike
) -> tuple[Array, Array, Array, NDArray[np.intp], NDArray[np.intp]]:
    """Colors and wanted colors [n, 3], weights [n], rows and columns [n] of the pixels that count.

    Of many pixels every so many stand for the others as well.
    """
    shares = np.asarray(mask)
    covered = np.flatnonzero(shares > LEAST_SHARE)
    step = max(1, covered.size // ENOUGH_PIXELS)
    covered = covered[::step]
    colors, wanted = (np.asarray(picture).reshape(-1, 3)[covered].astype(np.float64) for picture in (before, after))
    finite = np.isfinite(colors).all(axis=-1) & np.isfinite(wanted).all(axis=-1)
    colors, wanted, covered = colors[finite], wanted[finite], covered[finite]
    weights = step * np.clip(shares.reshape(-1)[covered].astype(np.float64), 0, 1) ** 4
    rows, columns = np.divmod(covered, shares.shape[1])
    return colors, wanted, weights, rows, columns


def _extent(rows: NDArray[np.intp], columns: NDArray[np.intp], size: tuple[int, ...], shape: tuple[int, ...]) -> Place:
    """The bounding box, widened so that the centers of the outermost cells lie on its sides."""
    top, bottom = rows.min() / size[0], (rows.max() + 1) / size[0]
    left, right = columns.min() / size[1], (columns.max() + 1) / size[1]
    tall, wide = (bottom - top) / (shape[1] - 1) / 2, (right - left) / (shape[2] - 1) / 2
    return Place(float(left - wide), float(top - tall), float(right + wide), float(bottom + tall))


def _places(down: Array, across: Array, luma: Array, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Where each pixel lies, [n, 3]: row, column and luma, counted in cells from the center of the first one."""
    places = np.empty((len(luma), 3), np.float32)
    for axis, (t, count) in enumerate(zip((down, across, luma), (shape[1], shape[2], shape[0]), strict=True)):
        places[:, axis] = np.clip(t * count - 0.5, 0, count - 1)
    return places


def _solve(
    places: NDArray[np.float32], features: Array, rest: Array, weights: Array, metric: Array, fit: GridFit
) -> Array:
    """The transforms [D, H, W, 4, 3] (feature x output) on top of the global one."""
    from .normal_equations import add_up, put_together  # here, because numba takes long to import

    depth, height, width = fit.shape
    size = width * depth * 4  # unknowns in a row of cells, ordered column, luma, feature
    # Single precision is enough for sums over the pixels of one block, and twice as fast.
    grams = np.zeros((height - 1, width - 1, depth - 1, 32, 35), np.float32)
    single = [np.ascontiguousarray(each, np.float32) for each in (features, rest, weights)]
    add_up(places, single[0], single[1], single[2], grams)
    diagonal, beside = np.zeros((height, size, size)), np.zeros((height - 1, size, size))
    right = np.zeros((height, size, 3))
    put_together(grams, diagonal, beside, right)

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
