"""The field's metrics, against values computed by hand and by scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from harmonize_models.evaluation.metrics import Metrics, measure, ssim
from skimage.metrics import structural_similarity


def a_case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A grey target with peak 200, off by 10 levels in the upper half, which is the foreground."""
    target = torch.full((1, 3, 16, 16), 100 / 255)
    target[..., 15, 15] = 200 / 255
    prediction = target.clone()
    prediction[:, :, :8] += 10 / 255
    mask = torch.zeros(1, 1, 16, 16)
    mask[:, :, :8] = 1
    return prediction, target, mask


def test_values_are_those_computed_by_hand() -> None:
    found = measure(*a_case())
    assert float(found.mse) == pytest.approx(50, rel=1e-4)
    assert float(found.fmse) == pytest.approx(100, rel=1e-4)
    assert float(found.psnr) == pytest.approx(10 * math.log10(200**2 / 50), abs=1e-3)
    assert float(found.psnr_255) == pytest.approx(10 * math.log10(255**2 / 50), abs=1e-3)


def test_soft_masks_weigh_the_foreground_error() -> None:
    prediction, target, mask = a_case()
    mask[:, :, 8:] = 0.5
    assert float(measure(prediction, target, mask).fmse) == pytest.approx(100 * 128 / 192, rel=1e-4)


def test_predictions_are_clamped_but_not_rounded() -> None:
    target = torch.zeros(1, 3, 16, 16)
    target[..., 0, 0] = 1
    mask = torch.ones(1, 1, 16, 16)
    assert float(measure(target - 0.5 * (1 - target), target, mask).mse) == 0
    assert float(measure(target + 0.3 / 255, target, mask).mse) == pytest.approx(0.09 * 255 / 256, rel=1e-3)


def test_ssim_is_scikit_images() -> None:
    random = np.random.default_rng(0)
    first = random.uniform(0, 255, (3, 40, 52))
    second = (first + random.normal(0, 30, first.shape)).clip(0, 255)
    wanted = structural_similarity(
        first,
        second,
        channel_axis=0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
    )
    assert float(ssim(torch.from_numpy(first)[None].float(), torch.from_numpy(second)[None].float())) == pytest.approx(
        wanted, abs=1e-3
    )


def test_batches_can_be_put_together_and_taken_apart() -> None:
    one = measure(*a_case())
    both = Metrics.concatenate([one, one])
    assert len(both.mse) == 2
    assert both.pick(torch.tensor([True, False])).means() == one.means()


def test_noise_of_the_last_bits_is_not_worse() -> None:
    target, mask = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.ones(4, 1, 32, 32)
    reference = measure((target + 0.1).clamp(0, 1), target, mask)
    assert measure((target + 0.1 + 1e-9).clamp(0, 1), target, mask).worse_than(reference) == 0
    assert measure((target + 0.101).clamp(0, 1), target, mask).worse_than(reference) == 1
