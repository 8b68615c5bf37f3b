import numpy as np
import pytest
from harmonize_models.adjustments import Curves
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

INPUTS = np.repeat(np.linspace(-0.5, 1.5, 401)[:, None], 3, axis=1)


@st.composite
def rising_curves(draw: st.DrawFn, ends_fixed: bool = False) -> Curves:
    """Strictly rising curves of 1 to 64 pieces with slopes from 1/20 to 20 of each other."""
    pieces = draw(st.integers(1, 64))
    steps = draw(arrays(np.float64, (3, pieces), elements=st.floats(0.05, 1)))
    values = np.concatenate([np.zeros((3, 1)), np.cumsum(steps, axis=1)], axis=1) / steps.sum(axis=1, keepdims=True)
    if not ends_fixed:
        values = values * draw(st.floats(0.5, 1.5)) + draw(st.floats(-0.2, 0.2))
    return Curves(values)


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


@given(any_curves)
def test_composing_with_the_identity_changes_no_output(curves: Curves) -> None:
    assert np.abs(curves.compose(Curves.identity()).sample(INPUTS) - curves.sample(INPUTS)).max() < 2e-6
    composed = Curves.identity().compose(curves)
    knots = composed.pieces + 1
    assert np.abs(composed.table(knots) - curves.table(knots)).max() < 2e-6


@given(any_curves, any_curves)
def test_composition_is_exact_at_the_knots_of_the_first(first: Curves, second: Curves) -> None:
    knots = np.repeat(np.linspace(0, 1, first.pieces + 1)[:, None], 3, axis=1)
    wanted = second.sample(first.sample(knots))
    assert np.abs(first.compose(second).sample(knots) - wanted).max() < 1e-5


@given(rising_curves())
@settings(max_examples=60)
def test_the_inverse_undoes_the_curves(curves: Curves) -> None:
    inverse = curves.inverse(4096)
    outputs = np.repeat(np.linspace(0, 1, 101)[:, None], 3, axis=1)
    # Sampled at 1/4096: between two samples the inverse can bend where the slope is smallest, 1/40.
    assert np.abs(curves.sample(inverse.sample(outputs)) - outputs).max() < 0.02


@given(rising_curves(ends_fixed=True))
@settings(max_examples=60)
def test_the_inverse_of_the_inverse_is_close_to_the_curves(curves: Curves) -> None:
    again = curves.inverse(4096).inverse(4096)
    assert np.abs(again.table(101) - curves.table(101)).max() < 0.02


def test_curves_that_do_not_rise_have_no_inverse() -> None:
    with pytest.raises(ValueError, match="rise everywhere"):
        Curves(np.array([[0.0, 0.5, 0.5, 1.0]] * 3)).inverse()


@given(any_curves)
def test_monotone_curves_never_fall_and_keep_the_mean(curves: Curves) -> None:
    monotone = curves.monotone()
    assert monotone.is_monotone
    assert monotone.values.mean(axis=1) == pytest.approx(curves.values.mean(axis=1), abs=1e-5)


@given(any_curves)
def test_making_monotone_is_a_projection(curves: Curves) -> None:
    once = curves.monotone()
    assert np.abs(once.monotone().values - once.values).max() < 1e-6
    if curves.is_monotone:
        assert np.array_equal(once.values, curves.values)


@given(any_curves)
def test_no_rising_curve_is_nearer_than_the_monotone_one(curves: Curves) -> None:
    """The optimality condition of projection onto a cone: the rest stands at right angles to what was found."""
    found, given_values = curves.monotone().values.astype(np.float64), curves.values.astype(np.float64)
    rest = given_values - found
    assert np.abs((rest * found).sum(axis=1)).max() < 1e-3
    # ... and points away from every rising direction (step functions span them).
    assert np.cumsum(rest[:, ::-1], axis=1)[:, :-1].max(initial=0) < 1e-4


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
