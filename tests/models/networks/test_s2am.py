"""S²AM in its three forms."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.networks.blocks import upsample
from harmonize_models.networks.s2am import (
    S2AM,
    BlindS2AM,
    GivenMaskAttention,
    Level,
    Placement,
    SpatialAttention,
    binary_mask_at,
)
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


@torch.no_grad()
def test_the_skip_carries_the_activated_features() -> None:
    innermost = Level(7, 512, 512, None, Placement.DECODER).eval()
    joined, _ = innermost(torch.full((1, 512, 2, 2), -1.0), torch.zeros(1, 1, 2, 2))
    assert torch.allclose(joined[:, :512], torch.full((1, 512, 2, 2), -0.2))


@torch.no_grad()
@pytest.mark.parametrize("placement", Placement)
def test_a_level_equals_the_published_order_with_activations_in_place(placement: Placement) -> None:
    torch.manual_seed(0)
    level = Level(3, 256, 256, GivenMaskAttention, placement).eval()
    assert level.attention is not None
    assert level.sub is not None
    x, mask = torch.randn(1, 256, 32, 32), torch.zeros(1, 1, 256, 256)
    mask[..., 40:200, 80:230] = 1
    down = nn.Sequential(nn.LeakyReLU(0.2, inplace=True), level.down[1], level.down[2])
    published = x.clone()
    deep, _ = level.sub(down(published), mask)  # changes `published` in place
    deep = level.up(deep)
    if placement is Placement.SKIP:
        expected = torch.cat([level.attention(published, mask)[0], deep], dim=1)
    else:
        expected = level.attention(torch.cat([published, deep], dim=1), mask)[0]
    assert torch.allclose(level(x, mask)[0], expected, atol=1e-5)


def test_attention_stands_at_128_64_and_32_pixels() -> None:
    with torch.device("meta"):
        for placement, factor in ((Placement.SKIP, 1), (Placement.DECODER, 2)):
            widths = {
                name.count("sub"): weight.shape[1]
                for name, weight in S2AM(placement).state_dict().items()
                if name.endswith("attention.connection.rconv1.weight")
            }
            assert widths == {1: 64 * factor, 2: 128 * factor, 3: 256 * factor}


def test_the_mask_is_averaged_over_the_first_pixels_of_each_cell_and_rounded() -> None:
    mask = torch.zeros(1, 1, 8, 8)
    mask[0, 0, 0, 0:2] = 1  # half of the 2 x 2 px that count: rounds to even, 0
    mask[0, 0, 0:2, 4:6] = 0.6
    mask[0, 0, 6:, 6:] = 1  # not among the pixels that count
    assert binary_mask_at(mask, 2).flatten().tolist() == [0.0, 1.0, 0.0, 0.0]


def test_a_mask_of_the_features_size_is_not_rounded() -> None:
    mask = torch.full((1, 1, 4, 4), 0.3)
    assert torch.equal(binary_mask_at(mask, 4), mask)


@torch.no_grad()
def test_outside_the_mask_only_the_background_gate_counts() -> None:
    attention = GivenMaskAttention(32).eval()
    x = torch.randn(1, 32, 16, 16)
    attended, spliced = attention(x, torch.zeros(1, 1, 64, 64))
    assert torch.allclose(attended, attention.background_attention(x), atol=1e-6)
    assert not bool(spliced.any())


@torch.no_grad()
def test_inside_the_mask_learned_and_mixed_features_are_added() -> None:
    attention = GivenMaskAttention(32).eval()
    x = torch.randn(1, 32, 16, 16)
    attended, _ = attention(x, torch.ones(1, 1, 64, 64))
    learned = attention.connection
    deep = F.elu(learned.rbn1(learned.rconv1(attention.spliced_attention(x))))
    expected = F.elu(learned.rbn2(learned.rconv2(deep))) + attention.mixed_attention(x)
    assert torch.allclose(attended, expected, atol=1e-5)


@torch.no_grad()
def test_spatial_attention_reads_mean_and_maximum_of_the_channels() -> None:
    attention = SpatialAttention()
    x = torch.randn(1, 8, 10, 10)
    found = attention(x)
    assert found.shape == (1, 1, 10, 10)
    assert torch.allclose(found, attention(x[:, torch.randperm(8)]), atol=1e-6)


@torch.no_grad()
def test_the_blind_network_does_not_look_at_the_mask_and_blends_by_the_finest_one_it_found() -> None:
    torch.manual_seed(0)
    network = BlindS2AM().eval()
    answers: list[tuple[Tensor, tuple[Tensor, ...]]] = []
    network.model.register_forward_hook(lambda *call: answers.append(call[2]))
    composite, unused = torch.rand(1, 3, 256, 256), torch.full((1, 1, 256, 256), float("nan"))
    prediction = network(composite, unused)
    ((picture, found),) = answers
    assert [mask.shape[-1] for mask in prediction.found_masks] == [32, 64, 128]
    share = upsample(found[-1], (256, 256))
    expected = share * (picture + 1) / 2 + (1 - share) * composite
    assert torch.allclose(prediction.harmonized, expected, atol=1e-5)


@torch.no_grad()
def test_in_use_the_background_is_put_back_and_in_training_it_is_not() -> None:
    network = S2AM(Placement.SKIP, width=16).eval()
    painted: list[Tensor] = []
    network.model.register_forward_hook(lambda *call: painted.append(call[2][0]))
    composite, mask = torch.rand(2, 3, 256, 256), torch.zeros(2, 1, 256, 256)
    mask[..., 100:200] = 1
    used = network(composite, mask).harmonized
    assert torch.equal(used[..., :100], composite[..., :100])
    assert torch.allclose(used[..., 100:200], painted[0][..., 100:200], atol=1e-5)
    assert float(painted[0].min()) < 0  # not clamped
    assert network.train()(composite, mask).harmonized is painted[1]
