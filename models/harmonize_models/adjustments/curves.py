"""Tone curves: one piecewise linear function for each of R, G and B."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_PIECES = 4096
MAX_VALUE = 1000.0
"""Curves and grids with larger numbers are nonsense and would overflow half floats."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Three tone curves on sRGB-encoded values: linear between knots, slope 1 beyond [0, 1].

    values: [3, P + 1] float32; `values[c, i]` is the output of channel c (R, G, B) at input i / P, 1 <= P <= 4096.
    Raises ValueError for another shape and for values that are not finite or beyond +-1000.
    """

    values: NDArray[np.float32]

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float32)
        if values.ndim != 2 or values.shape[0] != 3 or not 2 <= values.shape[1] <= MAX_PIECES + 1:
            raise ValueError(f"Curves are [3, P + 1] with P from 1 to {MAX_PIECES}, not {list(values.shape)}.")
        if not (np.isfinite(values).all() and np.abs(values).max() <= MAX_VALUE):
            raise ValueError(f"Curve values must be finite and within +-{MAX_VALUE:g}.")
        values.setflags(write=False)
        object.__setattr__(self, "values", values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Curves) and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash(self.values.tobytes())

    @classmethod
    def identity(cls, pieces: int = 1) -> Curves:
        """Curves that change nothing."""
        return cls(np.tile(np.linspace(0.0, 1.0, pieces + 1), (3, 1)))

    @property
    def pieces(self) -> int:
        return int(self.values.shape[1]) - 1

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes by more than float32 rounding."""
        return bool(np.abs(self.deltas).max() <= 1e-6)

    @property
    def deltas(self) -> NDArray[np.float64]:
        """[3, P + 1]: output minus input at the knots."""
        return self.values.astype(np.float64) - np.linspace(0.0, 1.0, self.pieces + 1)

    def sample(self, colors: ArrayLike) -> NDArray[np.float64]:
        """Curved colors. `colors`: [..., 3] float; NaN gives NaN, infinities stay."""
        colors = np.asarray(colors, dtype=np.float64)
        return np.stack([self._channel(channel, colors[..., channel]) for channel in range(3)], axis=-1)

    def table(self, n: int) -> NDArray[np.float64]:
        """[3, n]: outputs at n inputs evenly spaced over [0, 1] (256 for 8 bit, 65536 for 16 bit). n >= 2."""
        inputs = np.linspace(0.0, 1.0, n)
        return np.stack([self._channel(channel, inputs) for channel in range(3)])

    def _channel(self, channel: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
        # np.interp holds the outermost delta beyond the ends: that is slope 1 there.
        knots = np.linspace(0.0, 1.0, self.pieces + 1)
        change: NDArray[np.float64] = np.interp(x, knots, self.deltas[channel])
        return x + change
