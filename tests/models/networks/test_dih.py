"""DIH and iDIH."""

from __future__ import annotations

import time

import pytest
import torch
from harmonize_models.networks import registry
from harmonize_models.networks.blocks import denormalize, normalize
from harmonize_models.networks.dih import DIH, MaskedChannelAttention
from torch import Tensor, nn


@pytest.fixture(scope="module")
def idih() -> DIH:
    torch.manual_seed(0)
    return DIH().eval()


@pytest.fixture
def composite() -> Tensor:
    return torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(1))


def test_the_encoder_ends_in_one_pixel(idih: DIH, composite: Tensor) -> None:
    sizes = [tuple(x.shape[1:]) for x in idih.encoder(torch.cat([composite, composite[:, :1]], 1), ())]
    widths_and_sides = [(64, 128), (64, 64), (128, 32), (128, 16), (256, 8), (256, 4), (512, 1)]
    assert sizes == [(width, side, side) for width, side in widths_and_sides]


def test_only_the_first_two_blocks_of_idih_and_none_of_dih_lack_normalization() -> None:
    def normalized(network: DIH) -> list[bool]:
        return [any(isinstance(m, nn.BatchNorm2d) for m in block.modules()) for block in network.encoder.blocks()]

    with torch.device("meta"):
        assert normalized(DIH()) == [False, False] + [True] * 5
        assert normalized(DIH(norm_from=0)) == [True] * 7


@torch.no_grad()
def test_where_the_attention_map_is_one_the_input_passes(composite: Tensor) -> None:
    network = DIH().eval()
    assert network.decoder.conv_attention is not None
    nn.init.zeros_(network.decoder.conv_attention.weight)
    nn.init.constant_(network.decoder.conv_attention.bias, 20.0)
    harmonized = network(composite, torch.ones(1, 1, 256, 256)).harmonized
    assert torch.allclose(harmonized, composite, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("key", ["idih", "issam", "idih-hrnet18s"])
def test_networks_with_an_attention_map_can_start_at_the_identity(key: str, composite: Tensor) -> None:
    network = registry.get(key).build().eval()
    network.start_at_identity()
    mask = torch.zeros(1, 1, 256, 256)
    mask[..., 60:200, 90:140] = 1
    harmonized = network(composite, mask).harmonized
    assert float((harmonized - composite).square().mean()) < 1e-3  # 30 dB


@torch.no_grad()
def test_that_start_lets_the_foreground_pass_through_the_layers(composite: Tensor) -> None:
    network = DIH().eval()
    network.start_at_identity()
    network.decoder.to_rgb.weight.zero_()
    mask = torch.zeros(1, 1, 256, 256)
    mask[..., 60:200, 90:140] = 1
    harmonized = network(composite, mask).harmonized
    # Nothing but grey comes out of the layers; a twentieth of the input is blended in.
    assert float((harmonized - composite)[..., 60:200, 90:140].abs().mean()) > 0.1
    assert float((harmonized - composite)[..., :50, :].abs().mean()) < 0.05


@torch.no_grad()
def test_half_the_size_does_as_well_for_training(composite: Tensor) -> None:
    network = DIH().eval()
    small = torch.nn.functional.avg_pool2d(composite, 2)
    assert network(small, torch.ones(1, 1, 128, 128)).harmonized.shape == (1, 3, 128, 128)
    network.start_at_identity()
    assert torch.allclose(network(small, torch.ones(1, 1, 128, 128)).harmonized, small, atol=1e-5)


def test_networks_without_one_cannot() -> None:
    with torch.device("meta"), pytest.raises(ValueError, match="no start that changes nothing"):
        registry.get("dih").build().start_at_identity()


@torch.no_grad()
def test_the_attention_map_is_a_threefold_steep_sigmoid(idih: DIH) -> None:
    features, picture = torch.rand(1, 32, 4, 4), torch.rand(1, 3, 4, 4)
    assert idih.decoder.conv_attention is not None
    share = torch.sigmoid(3 * idih.decoder.conv_attention(features))
    expected = share * picture + (1 - share) * idih.decoder.to_rgb(features)
    assert torch.allclose(idih.decoder.picture(features, picture), expected, atol=1e-6)


@torch.no_grad()
def test_encoder_outputs_are_added_in_the_decoder(idih: DIH, composite: Tensor) -> None:
    """Equals the same network written out flat."""
    mask = torch.zeros(1, 1, 256, 256)
    mask[..., 64:192, 64:192] = 1
    assert torch.allclose(idih(composite, mask).harmonized, _flat(idih, composite, mask), atol=1e-5)


def test_channel_attention_sees_the_maxima_of_both_regions_and_the_mean() -> None:
    attention = MaskedChannelAttention(4)
    pooled: list[Tensor] = []
    attention.attention_transform[0].register_forward_pre_hook(lambda _, inputs: pooled.append(inputs[0]))
    x = torch.rand(1, 4, 8, 8)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1
    attention(x, mask)
    expected = torch.cat([x[..., :4].amax((2, 3)), x[..., 4:].amax((2, 3)), x.mean((2, 3))], dim=1)
    assert torch.allclose(pooled[0], expected)


@torch.inference_mode()
def test_the_module_costs_at_most_a_fifth_more_than_its_bare_layers(idih: DIH, composite: Tensor) -> None:
    """CPU time of one thread, channels_last, warmed; the best of several runs, so that a busy machine hardly shows."""
    network = idih.to(memory_format=torch.channels_last)
    mask = torch.ones(1, 1, 256, 256)
    whole, bare = [], []
    for _ in range(12):
        began = time.thread_time()
        network(composite, mask)
        between = time.thread_time()
        _flat(network, composite, mask)
        whole.append(between - began)
        bare.append(time.thread_time() - between)
    assert min(whole[2:]) < 1.2 * min(bare[2:])


def _flat(network: DIH, composite: Tensor, mask: Tensor) -> Tensor:
    picture = normalize(composite)
    x, skips = torch.cat([picture, mask], dim=1), []
    for block in network.encoder.blocks():
        x = block(x)
        skips.append(x)
    skips.pop()
    for deconv in network.decoder.deconv_blocks:
        assert isinstance(deconv.block, nn.Module)
        x = deconv.block(x)
        x = x + skips.pop() if skips else x
    assert network.decoder.conv_attention is not None
    share = torch.sigmoid(3 * network.decoder.conv_attention(x))
    blended = share * picture + (1 - share) * network.decoder.to_rgb(x)
    std, mean = torch.tensor([[0.229, 0.224, 0.225], [0.485, 0.456, 0.406]]).view(2, 3, 1, 1)
    return blended * std + mean


@torch.no_grad()
@pytest.mark.parametrize("side", [256, 384, 512])
def test_no_size_is_cropped_on_the_way(side: int) -> None:
    torch.manual_seed(0)
    network = DIH().eval()
    composite, mask = torch.rand(1, 3, side, side), torch.ones(1, 1, side, side)
    normalized = normalize(composite)
    x, outputs = torch.cat([normalized, mask], dim=1), []
    for block in network.encoder.blocks():
        x = block(x)
        outputs.append(x)
    for block, skip in zip(network.decoder.deconv_blocks, outputs[-2::-1], strict=False):
        x = block(x, mask) + skip
    picture = network.decoder.picture(network.decoder.deconv_blocks[-1](x, mask), normalized)
    assert torch.equal(network(composite, mask).harmonized, denormalize(picture))
