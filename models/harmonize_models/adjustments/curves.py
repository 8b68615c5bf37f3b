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
    def is_monotone(self) -> bool:
        """Whether no channel ever falls."""
        return bool((np.diff(self.values, axis=1) >= 0).all())

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

    def compose(self, after: Curves) -> Curves:
        """These curves, then `after`. Exact at this object's knots; between them the kinks of `after` are sampled.

        The result has the smallest multiple of this object's pieces that is at least 256 and at least those of `after`
        (at most 4096), so that composing with the identity changes no value.
        """
        wanted = min(max(256, after.pieces), MAX_PIECES)
        pieces = min(-(-wanted // self.pieces), MAX_PIECES // self.pieces) * self.pieces
        return Curves(after.sample(self.table(pieces + 1).T).T)

    def inverse(self, pieces: int = 256) -> Curves:
        """Curves that undo these, sampled at outputs 0, 1 / pieces, ..., 1. Raises ValueError unless all rise."""
        steps = np.diff(self.values.astype(np.float64), axis=1)
        if not (steps > 0).all():
            raise ValueError("Only curves that rise everywhere have an inverse.")
        outputs = np.linspace(0.0, 1.0, pieces + 1)
        # By the change, as in _channel: beyond the curve's own range it is that of the nearest end.
        channels = [
            outputs - np.interp(outputs, values, delta)
            for values, delta in zip(self.values.astype(np.float64), self.deltas, strict=True)
        ]
        return Curves(np.stack(channels))

    def monotone(self) -> Curves:
        """The nearest curves (least squares) that never fall: isotonic regression by pooling adjacent violators."""
        return Curves(np.stack([_isotonic(channel) for channel in self.values.astype(np.float64)]))

    def _channel(self, channel: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
        # np.interp holds the outermost delta beyond the ends: that is slope 1 there.
        knots = np.linspace(0.0, 1.0, self.pieces + 1)
        change: NDArray[np.float64] = np.interp(x, knots, self.deltas[channel])
        return x + change


def _isotonic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    means: list[float] = []
    counts: list[int] = []
    for value in values:
        means.append(float(value))
        counts.append(1)
        while len(means) > 1 and means[-2] > means[-1]:
            count = counts[-2] + counts[-1]
            means[-2] = (means[-2] * counts[-2] + means[-1] * counts[-1]) / count
            counts[-2] = count
            del means[-1], counts[-1]
    return np.repeat(means, counts)
