"""Statistical baselines as the product and the results page use them."""

from __future__ import annotations

import numpy as np
import pytest
from harmonize_models.baselines import Baseline, curves_of, harmonize


def a_dark_disk() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    picture = random.uniform(0.4, 0.9, (40, 50, 3)).astype(np.float32)
    mask = np.zeros((40, 50), np.float32)
    mask[10:30, 10:30] = 1
    mask[9, 10:30] = 0.5
    picture[mask > 0] *= 0.3
    return picture, mask


@pytest.mark.parametrize("baseline", Baseline)
def test_foreground_gets_the_statistics_of_the_background(baseline: Baseline) -> None:
    picture, mask = a_dark_disk()
    done = harmonize(baseline, picture, mask)
    assert done.dtype == np.float32
    assert np.abs(done[mask == 1].mean(axis=0) - picture[mask == 0].mean(axis=0)).max() < 0.03


@pytest.mark.parametrize("baseline", Baseline)
def test_mask_zero_leaves_pixels_identical(baseline: Baseline) -> None:
    picture, mask = a_dark_disk()
    assert np.array_equal(harmonize(baseline, picture, mask)[mask == 0], picture[mask == 0])


@pytest.mark.parametrize("baseline", Baseline)
def test_without_a_background_nothing_changes(baseline: Baseline) -> None:
    picture, mask = a_dark_disk()
    assert np.array_equal(harmonize(baseline, picture, np.ones_like(mask)), picture)
    assert np.allclose(curves_of(baseline, picture, np.zeros_like(mask)), np.linspace(0, 1, 65), atol=1e-6)


@pytest.mark.parametrize("baseline", Baseline)
def test_curves_come_near_the_baseline(baseline: Baseline) -> None:
    picture, mask = a_dark_disk()
    curves = curves_of(baseline, picture, mask)
    assert curves.shape == (3, 65)
    inside = picture[mask == 1]
    through = np.stack([np.interp(inside[:, c], np.linspace(0, 1, 65), curves[c]) for c in range(3)], axis=1)
    assert np.abs(through.mean(axis=0) - harmonize(baseline, picture, mask)[mask == 1].mean(axis=0)).max() < 0.04
