"""GKNet."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.networks.gknet import GKNet, SelectiveCorrelationFusion, modulate, positions
from torch import nn
from torch.nn import functional as F  # noqa: N812


def test_no_change_of_the_kernels_is_the_identity() -> None:
    features = torch.randn(2, 3, 5, 6)
    assert torch.equal(modulate(features, torch.zeros(2, 27, 5, 6)), features)


def test_one_kernel_everywhere_is_a_depthwise_convolution() -> None:
    features, kernel = torch.randn(1, 2, 7, 8), torch.randn(2, 5, 5)
    everywhere = kernel.flatten()[None, :, None, None].expand(1, 50, 7, 8)
    expected = features + F.conv2d(features, kernel[:, None], padding=2, groups=2)
    assert torch.allclose(modulate(features, everywhere), expected, atol=1e-5)


def test_a_kernel_acts_at_its_own_pixel_and_channel_only() -> None:
    features, kernels = torch.randn(1, 2, 5, 5), torch.zeros(1, 18, 5, 5)
    kernels[0, 9 + 3, 2, 2] = 1.0  # second channel, left neighbour
    change = modulate(features, kernels) - features
    assert float(change[0, 1, 2, 2]) == pytest.approx(float(features[0, 1, 2, 1]), abs=1e-6)
    change[0, 1, 2, 2] = 0
    assert torch.allclose(change, torch.zeros_like(change), atol=1e-6)


def test_every_position_has_its_own_code() -> None:
    codes = positions(6, 5, torch.zeros(1, 64, 1, 1))[0]
    assert codes.shape == (30, 64)
    assert float(torch.cdist(codes, codes).add(torch.eye(30) * 9).min()) > 0.1


@torch.no_grad()
def test_fusion_follows_the_equations() -> None:
    fusion = SelectiveCorrelationFusion(32, 48).eval()
    encoded, deeper = torch.randn(1, 32, 8, 8), torch.randn(1, 48, 4, 4)
    f_e, f_k = fusion.conv_encoder(encoded), fusion.conv_deeper(deeper)
    a_e, a_k = fusion.vector_encoder(f_e.mean((2, 3)))[0], fusion.vector_deeper(f_k.mean((2, 3)))[0]
    relation = a_k.view(16, 2) @ a_e.view(16, 2).T
    factors = (fusion.select.weight[:, 0] * relation).sum((1, 2)) + fusion.select.bias
    s_k = torch.sigmoid(a_k + 0.1 * fusion.connect_deeper(factors[:32]))
    s_e = torch.sigmoid(a_e + 0.1 * fusion.connect_encoder(factors[32:]))
    large = F.interpolate(s_k[:, None, None] * f_k, size=(8, 8), mode="bilinear", align_corners=True)
    assert torch.allclose(fusion(encoded, deeper), s_e[:, None, None] * f_e + large, atol=1e-5)


@torch.no_grad()
def test_outside_the_mask_the_composite_stays() -> None:
    torch.manual_seed(0)
    network = GKNet().eval()
    composite, mask = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    harmonized = network(composite, mask).harmonized
    outside = mask.expand_as(composite) == 0
    assert torch.equal(harmonized[outside], composite[outside])
    assert not torch.allclose(harmonized, composite)


def test_kernels_are_predicted_at_three_levels_deepest_first() -> None:
    with torch.device("meta"):
        network = GKNet()
    assert [block.kernels.out_channels for block in network.predict_kernels] == [128 * 25, 128 * 9, 64 * 9]
    assert all(isinstance(block.kernels, nn.Conv2d) for block in network.predict_kernels)
