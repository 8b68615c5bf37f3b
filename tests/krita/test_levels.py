"""Tone curves as settings of Krita's levels filter."""

from __future__ import annotations

import itertools

import pytest
from harmonize_selection.levels import Level, Levels, fit
from harmonize_selection.values import Curves

VALUES = range(20, 236, 12)
COLORS = [(value, value, value) for value in VALUES]
IDENTITY = "0,0;1,1;"
GENTLE = Curves("0,0.02;0.5,0.56;1,1;", "0,0;0.5,0.48;1,0.97;", "0,0.03;0.5,0.42;1,0.9;")


def test_identity_changes_nothing() -> None:
    levels = fit(Curves(IDENTITY, IDENTITY, IDENTITY), COLORS)
    for value in VALUES:
        assert levels.red.apply(value / 255) == pytest.approx(value / 255, abs=0.002)


def test_a_color_as_krita_levels_it() -> None:
    """Read off Krita 5.2.9 and 5.3.4: 87, 94, 106 with these settings gives 120, 61, 108."""
    red, green, blue = Level(0.1, 0.9, 1.5, 0.2, 0.8), Level(gamma=0.7), Level(out_black=0.3, out_white=0.6)
    changed = (red.apply(87 / 255), green.apply(94 / 255), blue.apply(106 / 255))
    assert [round(value * 255) for value in changed] == [120, 61, 108]
    assert str(red) == "0.1;0.9;1.5;0.2;0.8"


def test_gentle_curves_are_met_to_within_two_levels_of_8_bit() -> None:
    levels = fit(GENTLE, COLORS)
    for level, curve in _pairs(levels, GENTLE):
        off = [abs(level.apply(value / 255) - _curve(curve, value / 255)) for value in VALUES]
        assert sum(off) / len(off) < 2 / 255
        assert max(off) < 6 / 255


def test_the_colors_that_the_layer_has_count() -> None:
    bent = "0,0;0.5,0.2;0.6,0.9;1,1;"
    dark = [(value, value, value) for value in range(10, 120, 5)]
    level = fit(Curves(bent, bent, bent), dark).green
    assert level.apply(60 / 255) == pytest.approx(_curve(bent, 60 / 255), abs=0.01)


def test_values_proportional_to_light_are_fitted_as_they_are() -> None:
    def to_light(value: float) -> float:
        return value**2.2

    level = fit(GENTLE, COLORS, to_light).red
    for value in (60, 120, 200):
        assert level.apply(to_light(value / 255)) == pytest.approx(to_light(_curve(GENTLE.red, value / 255)), abs=0.02)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_layer_of_one_color_gets_the_changed_color(value: int) -> None:
    levels = fit(GENTLE, [(value, value, value)] * 9)
    for level, curve in _pairs(levels, GENTLE):
        assert level.black < level.white
        assert level.apply(value / 255) == pytest.approx(_curve(curve, value / 255), abs=0.02)


def test_a_layer_without_colors_changes_nothing() -> None:
    assert fit(Curves("0,0.5;1,1;", IDENTITY, IDENTITY), []) == Levels()


def _pairs(levels: Levels, curves: Curves) -> list[tuple[Level, str]]:
    return [(levels.red, curves.red), (levels.green, curves.green), (levels.blue, curves.blue)]


def _curve(text: str, x: float) -> float:
    points = [tuple(map(float, point.split(","))) for point in text.split(";") if point]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    raise AssertionError(x)
