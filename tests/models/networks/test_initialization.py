"""Random weights before training."""

from __future__ import annotations

import math

import pytest
import torch
from harmonize_models.networks.initialization import kaiming_fan_in, xavier_gaussian
from torch import nn


@pytest.mark.parametrize("magnitude", [1.0, 2.0])
def test_xavier_s_variance_is_the_magnitude_over_the_mean_fan(magnitude: float) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(64, 128, 3)
    xavier_gaussian(nn.Sequential(conv), magnitude)
    expected = math.sqrt(magnitude / ((64 * 9 + 128 * 9) / 2))
    assert float(conv.weight.detach().std()) == pytest.approx(expected, rel=0.02)
    assert conv.bias is not None
    assert not bool(conv.bias.any())


def test_kaiming_s_variance_is_two_over_the_fan_in_and_norms_start_around_one() -> None:
    torch.manual_seed(0)
    linear, norm = nn.Linear(400, 300), nn.BatchNorm2d(4000)
    kaiming_fan_in(nn.Sequential(linear, norm))
    assert float(linear.weight.detach().std()) == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    assert float(norm.weight.detach().mean()) == pytest.approx(1.0, abs=0.002)
    assert float(norm.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
