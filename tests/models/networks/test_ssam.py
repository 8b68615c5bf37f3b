"""SSAM and iSSAM."""

from __future__ import annotations

import torch
from harmonize_models.networks.ssam import SSAM, SeparatedAttention, UpBlock
from torch import nn


def test_only_the_last_up_block_attends() -> None:
    with torch.device("meta"):
        blocks = [block for block in SSAM().decoder.up_blocks if isinstance(block, UpBlock)]
    assert [block.attention is not None for block in blocks] == [False, False, True]


def test_the_learning_block_is_half_or_twice_as_wide() -> None:
    with torch.device("meta"):
        for network, middle in ((SSAM(), 32), (SSAM(width=64, middle_ratio=2.0, blends=False), 256)):
            weight = network.state_dict()["decoder.up_blocks.2.attention.learning_block.0.block.0.weight"]
            assert weight.shape[0] == middle


@torch.no_grad()
def test_without_a_mask_only_the_background_gate_counts() -> None:
    attention = SeparatedAttention(16, 8).eval()
    x = torch.rand(1, 16, 32, 32)
    assert torch.allclose(attention(x, torch.zeros(1, 1, 32, 32)), attention.background_gate(x), atol=1e-6)


@torch.no_grad()
def test_deep_inside_the_mask_only_the_foreground_counts() -> None:
    attention = SeparatedAttention(16, 8).eval()
    x = torch.rand(1, 16, 32, 32)
    foreground = attention.learning_block(attention.foreground_gate(x)) + attention.mix_gate(x)
    attended = attention(x, torch.ones(1, 1, 32, 32))
    assert torch.allclose(attended[..., 4:-4, 4:-4], foreground[..., 4:-4, 4:-4], atol=1e-5)


@torch.no_grad()
def test_half_a_mask_mixes_half_and_half() -> None:
    """The soft mask is not rounded."""
    attention = SeparatedAttention(16, 8).eval()
    x = torch.rand(1, 16, 32, 32)
    both = (attention(x, torch.zeros(1, 1, 32, 32)) + attention(x, torch.ones(1, 1, 32, 32))) / 2
    assert torch.allclose(attention(x, torch.full((1, 1, 32, 32), 0.5)), both, atol=1e-5)


@torch.no_grad()
def test_the_encoder_pools_between_blocks_but_not_after_the_last() -> None:
    encoded = SSAM().eval().encoder(torch.rand(1, 4, 64, 64))
    assert [tuple(x.shape[1:]) for x in encoded] == [(32, 64, 64), (64, 32, 32), (128, 16, 16), (256, 8, 8)]


def test_ssam_has_no_attention_map_of_its_own() -> None:
    with torch.device("meta"):
        assert SSAM(blends=False).decoder.conv_attention is None
        assert isinstance(SSAM().decoder.conv_attention, nn.Conv2d)
