import math
from dataclasses import replace
from typing import Any

import pytest
from harmonize_models.adjustments import Look
from harmonize_models.adjustments.look import RANGES, SWITCHES


def look(name: str, value: Any) -> Look:
    return replace(Look(), **{name: value})


@pytest.mark.parametrize("name", RANGES)
def test_ends_of_each_range_are_allowed_and_beyond_is_not(name: str) -> None:
    low, high = RANGES[name]
    assert getattr(look(name, low), name) == low
    assert getattr(look(name, high), name) == high
    for beyond in (low - 0.001, high + 0.001):
        with pytest.raises(ValueError, match=f"{name} is .* must be from"):
            look(name, beyond)


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", [math.nan, math.inf, True, "1", None, [1.0]])
def test_sliders_are_finite_numbers(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        look(name, value)


@pytest.mark.parametrize("name", SWITCHES)
def test_switches_are_true_or_false(name: str) -> None:
    assert getattr(look(name, True), name) is True
    with pytest.raises(ValueError, match=name):
        look(name, 1)


def test_whole_numbers_become_floats() -> None:
    assert isinstance(Look(strength=1).strength, float)
