import math

import pytest
from harmonize_models.adjustments import Look
from harmonize_models.adjustments.look import RANGES, SWITCHES


def test_absent_sliders_keep_their_defaults() -> None:
    assert Look.from_dict({}) == Look()
    assert Look.from_dict({"strength": 0.5}) == Look(strength=0.5)


def test_to_dict_and_from_dict_are_inverse() -> None:
    look = Look(0.1, 0.2, 1.3, -0.4, 0.5, -0.6, 0.7, True, True)
    assert Look.from_dict(look.to_dict()) == look


@pytest.mark.parametrize("name", RANGES)
def test_ends_of_each_range_are_allowed_and_beyond_is_not(name: str) -> None:
    low, high = RANGES[name]
    assert getattr(Look.from_dict({name: low}), name) == low
    assert getattr(Look.from_dict({name: high}), name) == high
    for beyond in (low - 0.001, high + 0.001):
        with pytest.raises(ValueError, match=f"{name} is .* must be from"):
            Look.from_dict({name: beyond})


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", [math.nan, math.inf, True, "1", None, [1.0]])
def test_sliders_are_finite_numbers(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Look.from_dict({name: value})


@pytest.mark.parametrize("name", SWITCHES)
def test_switches_are_true_or_false(name: str) -> None:
    assert getattr(Look.from_dict({name: True}), name) is True
    with pytest.raises(ValueError, match=name):
        Look.from_dict({name: 1})


def test_unknown_sliders_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'gloss'"):
        Look.from_dict({"gloss": 1.0})


def test_whole_numbers_become_floats() -> None:
    assert isinstance(Look.from_dict({"strength": 1}).strength, float)
