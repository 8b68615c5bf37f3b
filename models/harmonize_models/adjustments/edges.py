"""The colors of a foreground's solid parts, spread beyond its border: what its soft edge would show without a fringe.

The half-transparent pixels of a cut-out hold some of the background that it was cut out of. Their true color is not
known, but that of the solid pixels near them is, even in a thumbnail, and comes close.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..layer import Place
from .grid import LUMA, MAX_SIDE, cell

CELLS = 32
"""Along each side of the foreground's box. More are no better."""
SAMPLES = 4
"""Pixels of the thumbnail along each side of a cell that suffice for its mean."""
SOLID = 250
"""From this value of the mask on a pixel of the thumbnail shows the foreground alone."""

F32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EdgeColors:
    """Colors that vary over space.

    colors: [H, W, 3] uint8, sRGB-encoded; the values hold at the cells' centers, are bilinear in between and constant
        beyond. Sides 1 to 64.
    extent: the part of the scene that the cells divide.
    """

    colors: NDArray[np.uint8]
    extent: Place = field(default_factory=Place)

    def __post_init__(self) -> None:
        colors = np.array(self.colors)
        shape = colors.shape
        if colors.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or not all(1 <= n <= MAX_SIDE for n in shape):
            raise ValueError(
                f"Edge colors are [H, W, 3] uint8 with sides from 1 to {MAX_SIDE}, not {list(shape)} {colors.dtype}."
            )
        colors.setflags(write=False)
        object.__setattr__(self, "colors", colors)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, EdgeColors) and self.extent == other.extent and np.array_equal(self.colors, other.colors)
        )

    def __hash__(self) -> int:
        return hash((self.extent, self.colors.tobytes()))

    @classmethod
    def of(cls, composite: NDArray[np.uint8], mask: NDArray[np.uint8]) -> EdgeColors | None:
        """What a thumbnail shows: [H, W, 3] uint8 with its foreground mask [H, W] uint8. None if nothing is solid."""
        rows, columns = np.flatnonzero(mask.any(axis=1)).tolist(), np.flatnonzero(mask.any(axis=0)).tolist()
        if not rows:
            return None
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        step = max(1, min(bottom - top, right - left) // (CELLS * SAMPLES))
        seen = np.s_[top:bottom:step, left:right:step]
        solid = (mask[seen] >= SOLID)[..., None]
        counts = _cells(solid)
        if not counts.any():
            return None
        means = _spread(_cells(composite[seen] * solid), counts)
        height, width = mask.shape
        extent = Place(left / width, top / height, right / width, bottom / height)
        return cls(np.rint(means).astype(np.uint8), extent)

    def in_grey(self) -> EdgeColors:
        """Their luma."""
        grey = np.rint(self.colors @ LUMA).astype(np.uint8)
        return EdgeColors(np.repeat(grey[..., None], 3, axis=2), self.extent)

    def slice(self, u: ArrayLike, v: ArrayLike) -> F32:
        """[..., 3] colors in [0, 1] at scene positions (u to the right, v down, fractions); arrays broadcast."""
        extent, (height, width) = self.extent, self.colors.shape[:2]
        y, down = cell((np.asarray(v) - extent.top) / (extent.bottom - extent.top), height)
        x, across = cell((np.asarray(u) - extent.left) / (extent.right - extent.left), width)
        below, beside = np.minimum(y + 1, height - 1), np.minimum(x + 1, width - 1)
        colors = self.colors.astype(np.float32) / np.float32(255)
        down, across = down[..., None].astype(np.float32), across[..., None].astype(np.float32)
        first = colors[y, x] + down * (colors[below, x] - colors[y, x])
        second = colors[y, beside] + down * (colors[below, beside] - colors[y, beside])
        between: F32 = first + across * (second - first)
        return between


def share_of_edge(alpha: ArrayLike) -> F32:
    """How far a pixel goes towards its edge color: all the way where it is clear, not at all where it is solid.

    alpha: in [0, 1]. Not 1 - alpha: in the middle more has to go than is foreign, because the color that comes is near
    the right one but not it; at the solid end as little as can be, because there the pixel's own detail shows.
    """
    share: F32 = (1 - np.square(np.clip(alpha, 0, 1))).astype(np.float32)
    return share


def _cells(picture: NDArray[np.generic]) -> NDArray[np.float64]:
    """Sums over at most CELLS x CELLS cells of [h, w, C]."""
    starts = [np.arange(min(side, CELLS)) * side // min(side, CELLS) for side in picture.shape[:2]]
    rows = np.add.reduceat(picture, starts[0], axis=0, dtype=np.uint32)
    return np.add.reduceat(rows, starts[1], axis=1).astype(np.float64)


def _spread(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means [h, w, C] of sums [h, w, C] over counts [h, w, 1]; cells without any take those of their neighbors.

    From ring to ring outwards, until every cell has one.
    """
    known = counts > 0
    means = sums / np.maximum(counts, 1)
    while not known.all():
        near = _around(known.astype(np.float64))
        reached = ~known & (near > 0)
        means = np.where(reached, _around(means * known) / np.maximum(near, 1), means)
        known = known | reached
    return means


def _around(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over the 3 x 3 cells around each cell of [h, w, C]."""
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    total: NDArray[np.float64] = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return total
