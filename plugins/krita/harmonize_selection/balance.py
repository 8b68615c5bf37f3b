"""Tone curves as settings of Krita's color balance filter: near enough while a layer is being dragged.

Krita lets scripts change this filter in place, which neither disturbs a drag under way nor costs anything; curves can
only be changed by putting another mask in place.

The filter adds to each channel a sum of shares for shadows, midtones and highlights, weighted by lightness
(`libs/image` and the color filters of Krita take the weights from GIMP's color balance); so the best settings for a
layer are a linear least-squares fit over its own colors.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .values import Curves

Color = tuple[float, float, float]
"""R, G, B in [0, 1]."""

_A, _B, _SCALE = 0.25, 0.333, 0.7
_RIDGE = 1e-4
"""Keeps ranges in which the layer has no colors at zero."""
_LARGEST = 100


@dataclass(frozen=True)
class Balance:
    """Shares for R, G, B in whole percents, -100 … 100."""

    shadows: tuple[int, int, int]
    midtones: tuple[int, int, int]
    highlights: tuple[int, int, int]


def weights(lightness: float) -> tuple[float, float, float]:
    """How much the shares for shadows, midtones and highlights count for a color of that lightness."""
    shadows = _clamped((lightness - _B) / -_A + 0.5)
    highlights = _clamped((lightness + _B - 1) / _A + 0.5)
    midtones = _clamped((lightness - _B) / _A + 0.5) * _clamped((lightness + _B - 1) / -_A + 0.5)
    return shadows * _SCALE, midtones * _SCALE, highlights * _SCALE


def apply(balance: Balance, color: Color) -> Color:
    """What the filter makes of a color."""
    shares = weights(_lightness(color))
    ranges = (balance.shadows, balance.midtones, balance.highlights)
    changed = [
        _clamped(value + sum(share * part[channel] / 100 for share, part in zip(shares, ranges, strict=True)))
        for channel, value in enumerate(color)
    ]
    return changed[0], changed[1], changed[2]


def fit(curves: Curves, colors: Iterable[Color], space: Callable[[float], float] = lambda value: value) -> Balance:
    """The settings that change `colors` most nearly as the curves do.

    colors: sRGB-encoded. space: from encoded values to those that the layer has, where they are others.
    """
    tables = [_points(curve) for curve in (curves.red, curves.green, curves.blue)]
    gram = [[_RIDGE if row == column else 0.0 for column in range(3)] for row in range(3)]
    sums = [[0.0] * 3 for _ in range(3)]  # one right-hand side a channel
    for color in colors:
        before = tuple(space(value) for value in color)
        shares = weights(_lightness((before[0], before[1], before[2])))
        changes = [space(_value(table, value)) - old for table, value, old in zip(tables, color, before, strict=True)]
        for row in range(3):
            for column in range(3):
                gram[row][column] += shares[row] * shares[column]
                sums[column][row] += shares[row] * changes[column]
    solved = [_solve(gram, side) for side in sums]
    parts = [tuple(_percent(solved[channel][part]) for channel in range(3)) for part in range(3)]
    return Balance(*((part[0], part[1], part[2]) for part in parts))


def _solve(matrix: Sequence[Sequence[float]], side: Sequence[float]) -> list[float]:
    """A positive definite system of three equations, by elimination."""
    rows = [[*row, value] for row, value in zip(matrix, side, strict=True)]
    for pivot in range(3):
        for below in range(pivot + 1, 3):
            factor = rows[below][pivot] / rows[pivot][pivot]
            rows[below] = [a - factor * b for a, b in zip(rows[below], rows[pivot], strict=True)]
    solution = [0.0] * 3
    for row in (2, 1, 0):
        known = sum(rows[row][column] * solution[column] for column in range(row + 1, 3))
        solution[row] = (rows[row][3] - known) / rows[row][row]
    return solution


def _points(curve: str) -> tuple[list[float], list[float]]:
    pairs = [point.split(",") for point in curve.split(";") if point]
    return [float(x) for x, _ in pairs], [float(y) for _, y in pairs]


def _value(points: tuple[list[float], list[float]], x: float) -> float:
    """Linear between the points, constant beyond them."""
    xs, ys = points
    right = bisect_right(xs, x)
    if right == 0 or right == len(xs):
        return ys[0] if right == 0 else ys[-1]
    share = (x - xs[right - 1]) / (xs[right] - xs[right - 1])
    return ys[right - 1] + share * (ys[right] - ys[right - 1])


def _lightness(color: Color) -> float:
    return (max(color) + min(color)) / 2


def _percent(share: float) -> int:
    return max(-_LARGEST, min(_LARGEST, round(share * 100)))


def _clamped(value: float) -> float:
    return min(1.0, max(0.0, value))
