"""The color grid: affine color transforms that vary over space and luma."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import luma
from ..layer import Place
from .curves import MAX_VALUE

MAX_SIDE = 64
MAX_CELLS = 32768

LUMA = np.array(luma.WEIGHTS)


@dataclass(frozen=True, eq=False)
class ColorGrid:
    """A bilateral grid (Chen, Paris, Durand 2007; Gharbi 2017, section 3.2) of affine color transforms.

    coefficients: [D, H, W, 3, 4] float32, luma x rows x columns x output channel x (R, G, B, 1). Each axis divides its
        range ([0, 1] for luma, `extent` for space) into equal cells; the values hold at their centers, are trilinear
        in between and constant beyond. Sides 1 to 64, at most 32768 cells, values within +-1000.
    extent: the part of the scene that the grid spans.

    The transform acts on the curved color; the guide is that color's luma.
    """

    coefficients: NDArray[np.float32]
    extent: Place = field(default_factory=Place)

    def __post_init__(self) -> None:
        coefficients = np.array(self.coefficients, dtype=np.float32)
        shape = coefficients.shape
        if len(shape) != 5 or shape[3:] != (3, 4) or not all(1 <= side <= MAX_SIDE for side in shape[:3]):
            raise ValueError(f"A grid is [D, H, W, 3, 4] with sides from 1 to {MAX_SIDE}, not {list(shape)}.")
        if shape[0] * shape[1] * shape[2] > MAX_CELLS:
            raise ValueError(f"A grid has at most {MAX_CELLS} cells, not {shape[0]} x {shape[1]} x {shape[2]}.")
        if not (np.isfinite(coefficients).all() and np.abs(coefficients).max() <= MAX_VALUE):
            raise ValueError(f"Grid coefficients must be finite and within +-{MAX_VALUE:g}.")
        coefficients.setflags(write=False)
        object.__setattr__(self, "coefficients", coefficients)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ColorGrid)
            and self.extent == other.extent
            and np.array_equal(self.coefficients, other.coefficients)
        )

    def __hash__(self) -> int:
        return hash((self.extent, self.coefficients.tobytes()))

    @classmethod
    def identity(cls, shape: tuple[int, int, int] = (1, 1, 1), extent: Place | None = None) -> ColorGrid:
        """A grid of [D, H, W] cells that changes nothing."""
        return cls(np.broadcast_to(np.eye(3, 4), (*shape, 3, 4)), extent or Place())

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cells along luma, rows, columns."""
        depth, height, width = self.coefficients.shape[:3]
        return depth, height, width

    def slice(self, u: ArrayLike, v: ArrayLike, luma: ArrayLike) -> NDArray[np.float32]:
        """[..., 3, 4] transforms at scene positions (u to the right, v down, fractions) and luma; arrays broadcast."""
        depth, height, width = self.shape
        extent = self.extent
        d, dt = cell(np.asarray(luma), depth)
        y, yt = cell((np.asarray(v) - extent.top) / (extent.bottom - extent.top), height)
        x, xt = cell((np.asarray(u) - extent.left) / (extent.right - extent.left), width)
        total: NDArray[np.float32] = np.zeros((1, 1), np.float32)
        for dd, dw in ((d, 1 - dt), (np.minimum(d + 1, depth - 1), dt)):
            for yy, yw in ((y, 1 - yt), (np.minimum(y + 1, height - 1), yt)):
                for xx, xw in ((x, 1 - xt), (np.minimum(x + 1, width - 1), xt)):
                    weight = (dw * yw * xw).astype(np.float32)
                    total = total + weight[..., None, None] * self.coefficients[dd, yy, xx]
        return total


def cell(t: NDArray[np.floating], count: int) -> tuple[NDArray[np.intp], NDArray[np.floating]]:
    """The cell whose center lies at or before t, and how far t is on the way to the next center. NaN counts as 0."""
    position = np.clip(np.where(t > 0, t, 0.0) * count - 0.5, 0.0, count - 1.0)
    index = np.minimum(position.astype(np.intp), max(count - 2, 0))
    return index, position - index
