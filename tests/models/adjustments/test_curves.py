import numpy as np
import pytest
from harmonize_models.adjustments import Curves
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

INPUTS = np.repeat(np.linspace(-0.5, 1.5, 401)[:, None], 3, axis=1)

any_curves = arrays(np.float32, st.tuples(st.just(3), st.integers(2, 65)), elements=st.floats(-2, 2, width=32)).map(
    Curves
)


def test_identity_changes_nothing() -> None:
    for pieces in (1, 7, 64):
        assert np.abs(Curves.identity(pieces).sample(INPUTS) - INPUTS).max() < 1e-7
        assert Curves.identity(pieces).is_identity


def test_between_knots_curves_are_linear_and_beyond_them_the_slope_is_one() -> None:
    curves = Curves(np.array([[0.0, 0.8, 1.0], [0.1, 0.2, 0.5], [0.0, 0.5, 1.0]]))
    assert curves.sample([0.25, 0.25, 0.25]) == pytest.approx([0.4, 0.15, 0.25], abs=1e-6)
    assert curves.sample([-0.5, -0.5, -0.5]) == pytest.approx([-0.5, -0.4, -0.5], abs=1e-6)
    assert curves.sample([3.0, 3.0, 3.0]) == pytest.approx([3.0, 2.5, 3.0], abs=1e-6)


def test_infinities_and_nan_stay_what_they_are() -> None:
    sampled = Curves(np.array([[0.1, 0.9]] * 3)).sample([np.nan, np.inf, -np.inf])
    assert np.isnan(sampled[0])
    assert sampled[1] == np.inf
    assert sampled[2] == -np.inf


@given(any_curves, st.integers(2, 300))
def test_a_table_is_the_curve_at_even_steps(curves: Curves, n: int) -> None:
    ramp = np.repeat(np.linspace(0, 1, n)[:, None], 3, axis=1)
    assert np.array_equal(curves.table(n), curves.sample(ramp).T)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((3, 1)),
        np.zeros((2, 5)),
        np.zeros(6),
        np.zeros((3, 4098)),
        np.full((3, 2), np.nan),
        np.full((3, 2), np.inf),
        np.full((3, 2), 1e6),
    ],
)
def test_impossible_values_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"[Cc]urve"):
        Curves(values)


def test_curves_cannot_be_changed_after_the_fact() -> None:
    source = np.array([[0.0, 1.0]] * 3, np.float32)
    curves = Curves(source)
    source[:] = 5
    assert curves.is_identity
    with pytest.raises(ValueError, match="read-only"):
        curves.values[0, 0] = 1


def test_equal_curves_are_equal_and_hash_alike() -> None:
    assert Curves.identity(4) == Curves.identity(4)
    assert hash(Curves.identity(4)) == hash(Curves.identity(4))
    assert Curves.identity(4) != Curves.identity(8)
