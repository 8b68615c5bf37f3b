"""FB-FMM."""

from __future__ import annotations

import torch
from harmonize_models.networks.fbfmm import FBFMM, FeatureModulation, SelfAttention, UpBlock, spread
from torch import nn
from torch.nn import functional as F  # noqa: N812


@torch.no_grad()
def test_the_fresh_module_changes_nothing() -> None:
    x = torch.randn(1, 16, 8, 8)
    assert torch.equal(FeatureModulation(16)(x, torch.ones(1, 1, 64, 64)), x)


def test_spread_is_the_unbiased_standard_deviation_over_all_positions() -> None:
    x = torch.randn(2, 3, 5, 7)
    expected = (x.flatten(2).var(dim=2, unbiased=True) + 1e-5).sqrt()
    assert torch.allclose(spread(x)[..., 0, 0], expected)


@torch.no_grad()
def test_attention_is_a_softmax_over_keys_without_scaling() -> None:
    attention = SelfAttention(16)
    x = torch.randn(1, 16, 3, 4)
    queries, keys, values = (
        conv(x)[0].flatten(1) for conv in (attention.query_conv, attention.key_conv, attention.value_conv)
    )
    expected = values @ torch.softmax(queries.T @ keys, dim=1).T
    assert torch.allclose(attention.attend(x, x)[0].flatten(1), expected, atol=1e-5)


@torch.no_grad()
def test_the_foreground_takes_the_spread_of_similar_background_and_keeps_its_zeros() -> None:
    module = FeatureModulation(16)
    nn.init.constant_(module.gamma, 1.0)
    x = torch.randn(1, 16, 8, 8)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :32] = 1
    change = module(x, mask) - x
    small = torch.zeros(1, 1, 8, 8)
    small[..., :4] = 1
    similar = module.attend(x * small, x * (1 - small))
    assert torch.allclose(change, x * small * spread(similar) / spread(x * small), atol=1e-5)
    assert not bool(change[..., 4:].any())


@torch.no_grad()
def test_an_up_block_joins_enlarges_and_convolves() -> None:
    block = UpBlock(6, 4).eval()
    x, skip = torch.randn(1, 2, 5, 5), torch.randn(1, 4, 5, 5)
    large = F.interpolate(torch.cat([x, skip], 1), scale_factor=2, mode="bilinear", align_corners=True)
    assert torch.allclose(block(x, skip), F.relu(block.bn(block.conv2d(large))), atol=1e-6)


@torch.no_grad()
def test_the_output_adds_a_bounded_change_and_is_clamped() -> None:
    network = FBFMM().eval()
    nn.init.zeros_(network.output.weight)
    nn.init.constant_(network.output.bias, 0.5)
    composite = torch.rand(1, 3, 64, 64)
    harmonized = network(composite, torch.ones(1, 1, 64, 64)).harmonized
    assert torch.allclose(harmonized, (composite + torch.tanh(torch.tensor(0.5))).clamp(0, 1))
