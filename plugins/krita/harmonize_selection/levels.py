"""Tone curves as settings of Krita's levels filter: near enough while a layer is being dragged.

Krita lets scripts change this filter in place, which neither disturbs a drag under way nor costs anything; curves can
only be changed by putting another mask in place. Levels are a curve of five numbers for each channel: between a black
and a white point a power, beyond them constant.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log

from .values import Curves

_BINS = 64
"""Values of a channel are taken together: the fit is the same to within a level of 8 bit, and takes 2 ms."""
_NARROWEST = 0.1
"""Black and white point are so far apart at least, also on a layer of one color."""
_MOST_GAMMA = 4.0
"""Krita's own limit is 10; what would need more is a jump, which levels cannot follow anyway."""
_SEARCH_STEPS = 12
_GOLDEN = 0.618034


@dataclass(frozen=True)
class Level:
    """A channel's curve: all points in [0, 1], of the layer's own values."""

    black: float = 0.0
    white: float = 1.0
    gamma: float = 1.0
    out_black: float = 0.0
    out_white: float = 1.0

    def __str__(self) -> str:
        """As Krita writes it."""
        return ";".join(
            f"{value:.5g}" for value in (self.black, self.white, self.gamma, self.out_black, self.out_white)
        )

    def apply(self, value: float) -> float:
        share = min(1.0, max(0.0, (value - self.black) / (self.white - self.black)))
        return float(self.out_black + (self.out_white - self.out_black) * share ** (1 / self.gamma))


@dataclass(frozen=True)
class Levels:
    red: Level = Level()
    green: Level = Level()
    blue: Level = Level()


def fit(
    curves: Curves, colors: Sequence[tuple[int, int, int]], space: Callable[[float], float] = lambda value: value
) -> Levels:
    """The levels that change `colors` most nearly as the curves do.

    colors: sRGB, 8 bit. space: from encoded values to those that the layer has, where they are others.
    """
    red, green, blue = (
        _fit_channel(curve, [color[channel] for color in colors], space)
        for channel, curve in enumerate((curves.red, curves.green, curves.blue))
    )
    return Levels(red, green, blue)


def _fit_channel(curve: str, values: Sequence[int], space: Callable[[float], float]) -> Level:
    if not values:
        return Level()
    points = _points(curve)
    counts = Counter(value * _BINS // 256 for value in values)
    encoded = [(bin + 0.5) / _BINS for bin in counts]
    before, after = [space(value) for value in encoded], [space(_value(points, value)) for value in encoded]
    black, white = _ends(space(min(values) / 255), space(max(values) / 255))
    shares = [min(1.0, max(0.0, (value - black) / (white - black))) for value in before]

    def with_gamma(gamma: float) -> tuple[float, Level]:
        """The best levels of that gamma, and their squared error: the two other numbers are a line's."""
        powers = [share ** (1 / gamma) for share in shares]
        offset, slope = _line(powers, after, list(counts.values()))
        low, high = min(1.0, max(0.0, offset)), min(1.0, max(0.0, offset + slope))
        error = sum(
            count * (low + (high - low) * power - value) ** 2
            for count, power, value in zip(counts.values(), powers, after, strict=True)
        )
        return error, Level(black, white, gamma, low, high)

    return _best(with_gamma, -log(_MOST_GAMMA), log(_MOST_GAMMA))


def _ends(low: float, high: float) -> tuple[float, float]:
    missing = max(0.0, _NARROWEST - (high - low)) / 2
    low = max(0.0, low - missing)
    high = min(1.0, max(high + missing, low + _NARROWEST))
    return min(low, high - _NARROWEST), high


def _line(xs: Sequence[float], ys: Sequence[float], weights: Sequence[int]) -> tuple[float, float]:
    """Offset and slope of the weighted least-squares line; level where all x are the same."""
    total = sum(weights)
    x_mean = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    y_mean = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    spread = sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
    common = sum(w * (x - x_mean) * (y - y_mean) for w, x, y in zip(weights, xs, ys, strict=True))
    slope = common / spread if spread > 1e-9 * total else 0.0
    return y_mean - slope * x_mean, slope


def _best(at: Callable[[float], tuple[float, Level]], left: float, right: float) -> Level:
    """The smallest error between two logarithms of gamma, by golden section."""
    inner = [right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)]
    found = [at(exp(place)) for place in inner]
    for _ in range(_SEARCH_STEPS):
        if found[0][0] <= found[1][0]:
            right = inner[1]
            inner = [right - _GOLDEN * (right - left), inner[0]]
            found = [at(exp(inner[0])), found[0]]
        else:
            left = inner[0]
            inner = [inner[1], left + _GOLDEN * (right - left)]
            found = [found[1], at(exp(inner[1]))]
    return min(found, key=lambda each: each[0])[1]


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
