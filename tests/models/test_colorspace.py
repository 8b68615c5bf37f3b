"""Color spaces, against scikit-image's."""

from __future__ import annotations

import numpy as np
import torch
from harmonize_models.colorspace import lab_from_srgb, linear_from_srgb, luma, srgb_from_lab, srgb_from_linear
from skimage.color import rgb2lab

PIXELS = torch.rand(2, 3, 500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_lab_is_scikit_images() -> None:
    wanted = rgb2lab(np.moveaxis(PIXELS.numpy(), 1, 2))
    assert np.abs(np.moveaxis(lab_from_srgb(PIXELS).numpy(), 1, 2) - wanted).max() < 0.02


def test_lab_and_back_is_the_identity() -> None:
    assert torch.allclose(srgb_from_lab(lab_from_srgb(PIXELS)), PIXELS, atol=1e-6)


def test_linear_light_and_back_is_the_identity_below_black_too() -> None:
    values = torch.linspace(-0.2, 1.2, 1000, dtype=torch.float64)
    assert torch.allclose(srgb_from_linear(linear_from_srgb(values)), values, atol=1e-6)
    assert abs(float(linear_from_srgb(torch.tensor(0.5))) - 0.2140) < 1e-4


def test_luma_of_grey_is_its_value() -> None:
    assert torch.allclose(luma(torch.full((1, 3, 4, 4), 0.3)), torch.full((1, 1, 4, 4), 0.3))
