"""Tone curves as settings of Krita's color balance."""

from __future__ import annotations

import itertools

import pytest
from harmonize_selection.balance import Balance, apply, fit, weights
from harmonize_selection.values import Curves

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
COLORS = [(r, g, b) for r, g, b in itertools.product(LEVELS, repeat=3)]
IDENTITY = "0,0;1,1;"


def test_identity_needs_no_balance() -> None:
    assert fit(Curves(IDENTITY, IDENTITY, IDENTITY), COLORS) == Balance((0, 0, 0), (0, 0, 0), (0, 0, 0))


@pytest.mark.parametrize(
    ("lightness", "expected"), [(0.0, (0.7, 0.0, 0.0)), (0.5, (0.0, 0.7, 0.0)), (1.0, (0.0, 0.0, 0.7))]
)
def test_weights_are_those_of_krita(lightness: float, expected: tuple[float, float, float]) -> None:
    assert weights(lightness) == pytest.approx(expected)


def test_a_color_as_krita_balances_it() -> None:
    """Read off Krita 5.2.9 and 5.3.4: 200, 100, 10 with these settings gives 174, 125, 17."""
    balance = Balance((10, 10, 0), (-20, 15, 5), (30, 0, -9))
    balanced = apply(balance, (200 / 255, 100 / 255, 10 / 255))
    assert [round(value * 255) for value in balanced] == [174, 125, 17]


def test_a_gentle_change_is_nearly_the_curves() -> None:
    """Also for the most colorful of layers, for which balancing by lightness fits worst."""
    curves = Curves("0,0.02;0.5,0.56;1,1;", "0,0;0.5,0.48;1,0.97;", "0,0.03;0.5,0.42;1,0.9;")
    balance = fit(curves, COLORS)
    left = change = 0.0
    for color in COLORS:
        texts = (curves.red, curves.green, curves.blue)
        wanted = [_curve(text, value) for text, value in zip(texts, color, strict=True)]
        left += sum((a - b) ** 2 for a, b in zip(apply(balance, color), wanted, strict=True))
        change += sum((a - b) ** 2 for a, b in zip(color, wanted, strict=True))
    assert (left / change) ** 0.5 < 0.5


def test_values_proportional_to_light_are_fitted_as_they_are() -> None:
    def to_light(value: float) -> float:
        return value**2.2

    balance = fit(Curves("0,0;0.5,0.6;1,1;", IDENTITY, IDENTITY), [(0.5, 0.5, 0.5)] * 9, to_light)
    balanced = apply(balance, (to_light(0.5),) * 3)
    assert balanced[0] == pytest.approx(to_light(0.6), abs=0.01)
    assert balanced[1] == pytest.approx(to_light(0.5), abs=0.01)


def test_a_layer_without_colors_changes_nothing() -> None:
    assert fit(Curves("0,0.5;1,1;", IDENTITY, IDENTITY), []) == Balance((0, 0, 0), (0, 0, 0), (0, 0, 0))


def _curve(text: str, x: float) -> float:
    points = [tuple(map(float, point.split(","))) for point in text.split(";") if point]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    raise AssertionError(x)
