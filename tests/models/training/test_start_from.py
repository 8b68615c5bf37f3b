"""Starting from weights of a part, such as an ImageNet backbone."""

from __future__ import annotations

import torch
from harmonize_models.networks import registry
from harmonize_models.networks.hrnet import W18_SMALL, HRNet
from harmonize_models.training.checkpoint import start_from
from torch import Tensor, nn


def numbered(network: nn.Module) -> dict[str, Tensor]:
    """Its state dict with another number in each tensor."""
    return {name: torch.full_like(value, number) for number, (name, value) in enumerate(network.state_dict().items())}


def test_a_backbone_takes_each_of_its_weights_by_its_full_name() -> None:
    weights = {**numbered(HRNet(W18_SMALL)), "classifier.weight": torch.zeros(1000, 2048)}
    network = registry.get("idih-hrnet18s").build()
    copied, total = start_from(network, weights)
    state = network.state_dict()
    assert (copied, total) == (len(weights) - 1, 1008)
    for name, value in weights.items():
        if name != "classifier.weight":
            assert torch.equal(state[f"backbone.hrnet.{name}"], value), name


def test_torchvision_s_prefix_does_not_matter() -> None:
    network = registry.get("s2crnet").build()
    given = torch.full((64, 3, 3, 3), 7.0)
    assert start_from(network, {"features.0.weight": given})[0] == 1
    assert torch.equal(network.state_dict()["squeezenet1_1.0.weight"], given)


def test_weights_of_another_shape_are_left_alone() -> None:
    network = registry.get("s2crnet").build()
    assert start_from(network, {"features.0.weight": torch.zeros(64, 3, 7, 7)})[0] == 0


def test_a_base_network_lends_its_weights_to_the_same_with_a_backbone() -> None:
    base, network = registry.get("idih").build().eval(), registry.get("idih-hrnet18s").build().eval()
    assert start_from(network, base.state_dict())[0] == len(base.state_dict())
    composite, mask = torch.rand(1, 3, 256, 256), torch.ones(1, 1, 256, 256)
    with torch.no_grad():
        # What the backbone adds is left out at first.
        assert torch.allclose(network(composite, mask).harmonized, base(composite, mask).harmonized, atol=1e-5)
