"""Norms multiplied into the convolutions before them."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.networks import registry
from harmonize_models.networks.fusing import fused
from torch import nn

ONE_OF_EACH_FAMILY = ["s2am-ad-16", "idih", "issam", "issam-hrnet18s", "idih-deeplab34", "fbfmm", "gknet"]


@torch.no_grad()
@pytest.mark.parametrize("key", ONE_OF_EACH_FAMILY)
def test_a_fused_network_gives_the_same_picture(key: str) -> None:
    torch.manual_seed(2)
    network = registry.get(key).build().eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 2)
        norm.weight.uniform_(0.5, 1)
    composite, mask = torch.rand(1, 3, 256, 256), torch.ones(1, 1, 256, 256)
    before = network(composite, mask).harmonized
    after = fused(network)(composite, mask).harmonized
    assert torch.allclose(after, before, rtol=1e-2, atol=1e-3 * float(before.abs().max()))
    left = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(left) < len(norms) / 10 + 1


def test_a_network_without_norms_stays_as_it_is() -> None:
    network = registry.get("s2crnet").build().eval()
    names = list(network.state_dict())
    assert list(fused(network).state_dict()) == names
