import numpy as np
import pytest
from harmonize_models.adjustments import ColorGrid
from harmonize_models.layer import Place


def test_the_identity_grid_is_the_identity_everywhere() -> None:
    transforms = ColorGrid.identity((3, 4, 5)).slice(np.linspace(-1, 2, 50), 0.3, np.linspace(0, 1, 50))
    assert transforms == pytest.approx(np.broadcast_to(np.eye(3, 4), (50, 3, 4)), abs=1e-6)


def test_values_hold_at_the_centers_of_cells() -> None:
    coefficients = np.random.default_rng(0).normal(size=(2, 3, 4, 3, 4)).astype(np.float32)
    grid = ColorGrid(coefficients, Place(0.2, 0.4, 1.0, 1.0))
    for d, y, x in np.ndindex(2, 3, 4):
        u, v = 0.2 + 0.8 * (x + 0.5) / 4, 0.4 + 0.6 * (y + 0.5) / 3
        assert grid.slice(u, v, (d + 0.5) / 2) == pytest.approx(coefficients[d, y, x], abs=1e-5)


def test_between_centers_values_are_the_mean_and_beyond_them_constant() -> None:
    coefficients = np.zeros((1, 1, 2, 3, 4), np.float32)
    coefficients[0, 0, 1] = 1
    grid = ColorGrid(coefficients)
    assert grid.slice(0.5, 0, 0) == pytest.approx(np.full((3, 4), 0.5))
    assert grid.slice(0.25, 0, 0) == pytest.approx(np.zeros((3, 4)))
    assert grid.slice(-3, 0, 0) == pytest.approx(np.zeros((3, 4)))
    assert grid.slice(7, 0, 0) == pytest.approx(np.ones((3, 4)))


def test_positions_broadcast_against_luma() -> None:
    grid = ColorGrid.identity((2, 2, 2))
    assert grid.slice(np.zeros(5), np.zeros((4, 1)), np.zeros((4, 5))).shape == (4, 5, 3, 4)


@pytest.mark.parametrize(
    "coefficients",
    [
        np.zeros((2, 2, 2, 3, 3)),
        np.zeros((2, 2, 12)),
        np.zeros((0, 2, 2, 3, 4)),
        np.zeros((65, 1, 1, 3, 4)),
        np.zeros((64, 64, 64, 3, 4), np.float16),
        np.full((1, 1, 1, 3, 4), np.nan),
        np.full((1, 1, 1, 3, 4), 1e9),
    ],
)
def test_impossible_grids_are_refused(coefficients: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"[Gg]rid"):
        ColorGrid(coefficients)


def test_equal_grids_are_equal_and_hash_alike() -> None:
    assert ColorGrid.identity((2, 2, 2)) == ColorGrid.identity((2, 2, 2))
    assert hash(ColorGrid.identity()) == hash(ColorGrid.identity())
    assert ColorGrid.identity(extent=Place(0, 0, 0.5, 1)) != ColorGrid.identity()
