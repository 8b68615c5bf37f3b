"""Networks that carry their input through their own layers at the start."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.networks import registry
from harmonize_models.networks.base import HarmonizationNetwork
from harmonize_models.networks.blocks import ConvBlock
from harmonize_models.networks.carrying import LIFT, carry, join_cells, lift_colors, split_cells
from torch import Tensor, nn

CARRYING = ["idih", "idih-se", "issam", "gknet", "fbfmm", "s2am-ad-16"]


def fresh(key: str) -> HarmonizationNetwork:
    torch.manual_seed(5)
    network = registry.get(key).build()
    network.start_at_identity()
    return network.eval()


@pytest.fixture(scope="module")
def composite() -> Tensor:
    torch.manual_seed(3)
    return torch.rand(1, 3, 256, 256)


@pytest.fixture(scope="module")
def mask() -> Tensor:
    mask = torch.zeros(1, 1, 256, 256)
    mask[..., 60:200, 90:140] = 1
    return mask


@torch.no_grad()
@pytest.mark.parametrize("key", CARRYING)
def test_a_fresh_network_gives_its_input_back(key: str, composite: Tensor, mask: Tensor) -> None:
    assert float((fresh(key)(composite, mask).harmonized - composite).abs().max()) < 2e-3


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("idih", "encoder.block0.block.0.weight"),
        ("issam", "encoder.block0.convs.block.0.block.0.weight"),
        ("gknet", "encoder.block0.convs.block.0.block.0.weight"),
        ("s2am-ad-16", "model.model.down.0.weight"),
    ],
)
def test_the_gradient_reaches_the_first_layer_from_the_start(
    key: str, first: str, composite: Tensor, mask: Tensor
) -> None:
    network = fresh(key)
    (network(composite, mask).harmonized * mask).mean().backward()  # type: ignore[no-untyped-call]
    gradient = network.get_parameter(first).grad
    assert gradient is not None
    assert float(gradient.abs().max()) > 0


@torch.no_grad()
def test_cells_are_split_and_joined_again() -> None:
    down, up = nn.Conv2d(4, 20, 4, stride=2, padding=1), nn.ConvTranspose2d(20, 5, 4, stride=2, padding=1)
    split_cells(down)
    join_cells(up)
    picture = torch.rand(1, 4, 8, 6)
    assert torch.allclose(up(down(picture))[:, :4], picture + up_of_the_rest(up, down(picture)), atol=1e-6)


def up_of_the_rest(up: nn.ConvTranspose2d, features: Tensor) -> Tensor:
    """What the channels that carry nothing add to the four planes."""
    features = features.clone()
    features[:, :16] = 0
    rest: Tensor = up(features)[:, :4]
    return rest


@torch.no_grad()
def test_lifted_colors_pass_a_relu() -> None:
    block = ConvBlock(4, 8, norm=False)
    conv = block.get_submodule("block.0")
    assert isinstance(conv, nn.Conv2d)
    carry(conv)
    lift_colors(conv)
    picture = torch.rand(1, 4, 8, 8) * 4 - 2
    picture[:, 3] = 1
    out = block(picture)
    assert torch.allclose(out[:, :3], picture[:, :3] + LIFT, atol=1e-6)
    assert torch.equal(out[:, 3], picture[:, 3])
