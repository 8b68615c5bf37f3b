"""Parts shared by several networks."""

from __future__ import annotations

import math

import pytest
import torch
from harmonize_models.networks.blocks import ChannelGate, MaskBlur, denormalize, mix, normalize, upsample


def test_normalizing_and_back_changes_nothing() -> None:
    picture = torch.rand(2, 3, 5, 7)
    assert torch.allclose(denormalize(normalize(picture)), picture, atol=1e-6)


def test_the_mean_color_of_imagenet_becomes_zero() -> None:
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    assert torch.allclose(normalize(mean), torch.zeros(1, 3, 1, 1), atol=1e-6)


def test_upsampling_keeps_the_corners() -> None:
    small = torch.rand(1, 2, 4, 4)
    large = upsample(small, (13, 9))
    assert torch.allclose(large[..., 0, 0], small[..., 0, 0])
    assert torch.allclose(large[..., -1, -1], small[..., -1, -1])


def test_the_reflecting_blur_keeps_a_full_mask_and_the_zero_padded_one_darkens_its_edge() -> None:
    full = torch.ones(1, 1, 16, 16)
    assert torch.allclose(MaskBlur(5, math.sqrt(2), "reflect")(full), full)
    padded = MaskBlur(7, 1.0, "constant")(full)
    assert padded[0, 0, 8, 8] == pytest.approx(1.0)
    assert padded[0, 0, 0, 0] < 0.6


def test_the_blur_has_the_stated_width() -> None:
    weight = MaskBlur(5, math.sqrt(2), "reflect").weight[0, 0]
    assert float(weight.sum()) == pytest.approx(1.0)
    assert float(weight[2, 4] / weight[2, 2]) == pytest.approx(math.exp(-1.0))  # exp(-(d / 2)²) at d = 2


def test_a_gate_scales_whole_channels_by_less_than_one() -> None:
    gate = ChannelGate(6, 2, "fc")
    x = torch.rand(2, 6, 4, 4) + 0.1
    factors = gate(x) / x
    assert torch.allclose(factors, factors[..., :1, :1].expand_as(factors), atol=1e-5)
    assert bool((factors < 1).all())
    assert bool((factors > 0).all())
    assert "fc.0.weight" in gate.state_dict()


def test_mixing_takes_a_share_of_the_second() -> None:
    assert float(mix(torch.tensor(1.0), torch.tensor(3.0), torch.tensor(0.25))) == 1.5
