from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from harmonize_models.adjustments import Adjustment, ColorGrid
from harmonize_models.adjustments.fit import GridFit, _block_tridiagonal, fit_grid
from harmonize_models.evaluation.full_resolution import compare, disc, psnr, relit, rendered, scene

Array = np.ndarray[Any, Any]


def applied(grid: ColorGrid, picture: Array) -> Array:
    return rendered(Adjustment(grid=grid), picture)


def test_a_global_affine_change_is_found() -> None:
    before, mask = scene(128), disc(128)
    matrix = np.array([[0.8, 0.1, 0.0], [0.05, 0.9, 0.05], [0.0, 0.2, 0.6]])
    after = before @ matrix.T + np.array([0.05, 0.0, 0.1])
    assert psnr(applied(fit_grid(before, after, mask), before), after, mask) > 65


def test_nothing_changed_gives_nothing_to_change() -> None:
    before, mask = scene(64), disc(64)
    grid = fit_grid(before, before, mask)
    assert grid.coefficients == pytest.approx(np.broadcast_to(np.eye(3, 4), grid.coefficients.shape), abs=1e-6)


def test_local_light_at_2048_pixels_comes_closer_than_enlarging_the_output() -> None:
    figures, _ = compare(2048, seed=0)
    assert figures.grid > 42
    assert figures.grid > figures.enlarged + 10
    assert figures.grid > figures.residual + 3


def test_noise_of_a_network_is_averaged_away() -> None:
    before, mask = scene(256), disc(256)
    truth = relit(before)
    noisy = truth + np.random.default_rng(0).normal(0, 0.02, truth.shape)
    assert psnr(applied(fit_grid(before, noisy, mask), before), truth, mask) > psnr(noisy, truth, mask) + 6


def test_only_the_foreground_counts_and_bad_values_do_not() -> None:
    before, mask = scene(96), disc(96)
    after = relit(before)
    wanted = fit_grid(before, after, mask)
    spoiled_before, spoiled_after = before.copy(), after.copy()
    spoiled_before[mask == 0], spoiled_after[mask == 0] = 0.3, np.nan
    assert fit_grid(spoiled_before, spoiled_after, mask) == wanted
    spoiled_after[40:44, 40:44] = np.nan
    assert np.abs(fit_grid(before, spoiled_after, mask).coefficients - wanted.coefficients).max() < 0.1


def test_without_foreground_the_grid_is_the_identity() -> None:
    grid = fit_grid(scene(32), relit(scene(32)), np.zeros((32, 32)))
    assert grid == ColorGrid.identity()


@pytest.mark.parametrize("pixels", [1, 2, 5])
def test_tiny_foregrounds_move_towards_what_is_wanted_and_no_further(pixels: int) -> None:
    before, mask = scene(64), np.zeros((64, 64))
    mask[30, 30 : 30 + pixels] = 1
    after = np.clip(before + 0.2, 0, 1)
    out = applied(fit_grid(before, after, mask), before)
    change, wanted = (out - before)[mask == 1], (after - before)[mask == 1]
    assert (change >= -0.02).all()
    assert (change <= wanted + 0.02).all()
    assert np.abs(out - before).max() < 0.5


def test_a_foreground_of_one_color_is_no_trouble() -> None:
    before, shift = np.full((64, 64, 3), 0.4), np.array([0.1, 0.0, -0.1])
    out = applied(fit_grid(before, before + shift, np.ones((64, 64))), before)
    assert out == pytest.approx(before + shift, abs=2e-3)
    elsewhere = applied(fit_grid(before, before + shift, np.ones((64, 64))), scene(64))
    assert np.abs(elsewhere - scene(64)).max() < 0.3


def test_luma_never_seen_follows_the_foreground_as_a_whole() -> None:
    before = scene(128) * 0.3
    grid = fit_grid(before, before * 0.8, disc(128))
    bright = np.full((128, 128, 3), 0.9)
    assert applied(grid, bright) == pytest.approx(bright * 0.8, abs=0.05)


def test_the_grid_spans_the_foreground() -> None:
    mask = np.zeros((100, 200))
    mask[20:60, 50:150] = 1
    picture = np.random.default_rng(0).random((100, 200, 3))
    grid = fit_grid(picture, picture, mask, GridFit((4, 5, 6)))
    extent = grid.extent
    # The centers of the outermost cells lie on the sides of its bounding box.
    assert extent.left + (extent.right - extent.left) / 12 == pytest.approx(0.25)
    assert extent.right - (extent.right - extent.left) / 12 == pytest.approx(0.75)
    assert extent.top + (extent.bottom - extent.top) / 10 == pytest.approx(0.2)
    assert extent.bottom - (extent.bottom - extent.top) / 10 == pytest.approx(0.6)


def test_a_mirrored_picture_gives_the_mirrored_grid() -> None:
    before, mask = scene(96), disc(96)
    after = relit(before)
    grid = fit_grid(before, after, mask)
    mirrored = fit_grid(before[:, ::-1], after[:, ::-1], mask[:, ::-1])
    assert mirrored.coefficients[:, :, ::-1] == pytest.approx(grid.coefficients, abs=1e-4)


def test_the_solution_is_the_minimum_of_what_the_docstring_says() -> None:
    """Against a dense solution of the same problem, put together row by row from the grid's own weights."""
    rng = np.random.default_rng(7)
    fit = GridFit((3, 4, 2), smoothness=0.7, luma_smoothness=0.3, ridge=0.02, global_ridge=0.5)
    before, mask = rng.random((12, 10, 3)), np.ones((12, 10))
    after = before + rng.normal(0, 0.2, before.shape)
    grid = fit_grid(before, after, mask, fit)

    colors, wish = before.reshape(-1, 3), (after - before).reshape(-1, 3)
    mean = colors.mean(axis=0)
    features = np.concatenate([colors - mean, np.ones((120, 1))], axis=1)
    metric = features.T @ features / 120 + np.diag([0.01, 0.01, 0.01, 0])
    root = np.linalg.cholesky(metric).T
    overall = np.linalg.solve(features.T @ features + fit.global_ridge * metric, features.T @ wish)
    v, u = (np.mgrid[0:12, 0:10] + 0.5) / np.array([12, 10])[:, None, None]
    design = np.zeros((120, 24, 4))
    for cell in range(24):
        one = np.zeros((24, 3, 4), np.float32)
        one[cell, 0, 0] = 1
        weights = ColorGrid(one.reshape(3, 4, 2, 3, 4), grid.extent).slice(u, v, before @ [0.2126, 0.7152, 0.0722])
        design[:, cell] = weights[..., 0, 0].reshape(-1, 1) * features
    penalties = [np.sqrt(fit.ridge) * np.kron(np.eye(24), root)]
    number = np.arange(24).reshape(3, 4, 2)
    for axis, strength in ((0, fit.luma_smoothness), (1, fit.smoothness), (2, fit.smoothness)):
        count = number.shape[axis]
        first = np.take(number, range(count - 1), axis).ravel()
        second = np.take(number, range(1, count), axis).ravel()
        for a, b in zip(first, second, strict=True):
            row = np.zeros((1, 24))
            row[0, a], row[0, b] = 1, -1
            penalties.append(np.sqrt(strength) * np.kron(row, root))
    matrix = np.concatenate([design.reshape(120, 96), *penalties])
    right = np.concatenate([wish - features @ overall, np.zeros((len(matrix) - 120, 3))])
    local = np.linalg.lstsq(matrix, right, rcond=None)[0].reshape(3, 4, 2, 4, 3)
    wanted = (local + overall).transpose(0, 1, 2, 4, 3) + np.eye(3, 4)
    wanted[..., 3] -= (wanted - np.eye(3, 4))[..., :3] @ mean
    assert grid.coefficients == pytest.approx(wanted, abs=2e-4)


@pytest.mark.parametrize("stiffness", [1.0, 1e6, 1e12])
def test_the_system_is_solved_in_double_precision_however_stiff_it_is(stiffness: float) -> None:
    rng = np.random.default_rng(3)
    rows, size = 3, 130  # large enough to be inverted by halves
    root = rng.normal(0, 1, (rows * size, rows * size)) / size
    for row in range(rows):
        root[row * size : (row + 1) * size, (row + 2) * size :] = 0
        root[row * size : (row + 1) * size, : row * size] = 0
    whole = root.T @ root + np.diag(np.geomspace(1, stiffness, rows * size))
    blocks = whole.reshape(rows, size, rows, size)
    places = np.arange(rows)
    right = rng.normal(0, 1, (rows, size, 3))
    found = _block_tridiagonal(blocks[places, :, places], blocks[places[:-1], :, places[1:]], right)
    wanted = np.linalg.solve(whole, right.reshape(-1, 3)).reshape(right.shape)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


def test_without_numba_the_same_grid_is_fitted() -> None:
    program = (
        "import sys\n"
        "if sys.argv[1] == 'without': sys.modules['numba'] = None\n"
        "import numpy as np\n"
        "from harmonize_models.adjustments.fit import fit_grid\n"
        "before = np.random.default_rng(0).random((12, 12, 3))\n"
        "grid = fit_grid(before, before**1.3, np.ones((12, 12)))\n"
        "print(np.round(grid.coefficients, 4).tolist())\n"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", program, which], check=True, timeout=60, capture_output=True, text=True
        ).stdout
        for which in ("with", "without")
    ]
    first, second = (np.array(json.loads(text)) for text in printed)
    assert np.allclose(first, second, atol=2e-4)
    assert not np.allclose(first, np.eye(3, 4), atol=0.01)
