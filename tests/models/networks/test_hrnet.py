"""HRNet and its object-contextual head."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.networks.hrnet import W18_SMALL, W32, ExchangeModule, HRNet, HRNetSize
from harmonize_models.networks.ocr import HRNetOCR, RegionAttention, region_features
from torch.nn import functional as F  # noqa: N812


@pytest.mark.parametrize(("size", "channels"), [(W18_SMALL, 270), (W32, 480)])
def test_the_pyramid_joins_four_resolutions_at_stride_four(size: HRNetSize, channels: int) -> None:
    with torch.device("meta"):
        features = HRNet(size).eval().pyramid(torch.zeros(1, 3, 128, 128), None)
    assert features.shape == (1, channels, 32, 32)


@torch.no_grad()
def test_every_resolution_gets_the_sum_of_all_and_is_rectified() -> None:
    torch.manual_seed(0)
    module = ExchangeModule([2, 4], blocks=1).eval()
    fine, coarse = torch.randn(1, 2, 8, 8), torch.randn(1, 4, 4, 4)
    new_fine, new_coarse = module([fine, coarse])
    a, b = module.branches[0](fine), module.branches[1](coarse)
    up = F.interpolate(module.fuse_layers[0][1](b), size=(8, 8), mode="bilinear", align_corners=True)
    assert torch.allclose(new_fine, F.relu(a + up), atol=1e-6)
    assert torch.allclose(new_coarse, F.relu(module.fuse_layers[1][0](a) + b), atol=1e-6)


@torch.no_grad()
def test_features_of_the_mask_are_added_after_the_first_convolution() -> None:
    torch.manual_seed(0)
    network = HRNet(W18_SMALL).eval()
    picture = torch.rand(1, 3, 64, 64)
    without = network.pyramid(picture, None)
    assert torch.allclose(network.pyramid(picture, torch.zeros(1, 64, 32, 32)), without, atol=1e-5)
    assert not torch.allclose(network.pyramid(picture, torch.ones(1, 64, 32, 32)), without, atol=1e-3)


def test_regions_are_means_weighted_by_a_softmax_over_pixels() -> None:
    x, mask = torch.randn(1, 5, 4, 4), torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    foreground, background = region_features(x, mask)[0, ..., 0].T
    heavy, light = x[..., :2].sum((2, 3))[0], x[..., 2:].sum((2, 3))[0]
    e = torch.tensor(1.0).exp()
    assert torch.allclose(foreground, (heavy * e + light) / (8 * e + 8), atol=1e-6)
    assert torch.allclose(background, (heavy + light * e) / (8 * e + 8), atol=1e-6)


@torch.no_grad()
def test_two_equal_regions_give_every_pixel_the_same_context() -> None:
    attention = RegionAttention(8, 4).eval()
    regions = torch.randn(1, 8, 1, 1).expand(-1, -1, 2, -1)
    context = attention(torch.randn(1, 8, 6, 6), regions)
    assert torch.allclose(context, context[..., :1, :1].expand_as(context), atol=1e-5)


def test_the_head_has_twice_the_channels_of_its_keys() -> None:
    with torch.device("meta"):
        network = HRNetOCR(W18_SMALL).eval()
        features = network(torch.zeros(1, 3, 256, 256), torch.zeros(1, 1, 256, 256), None)
    assert features.shape == (1, 128, 64, 64)
