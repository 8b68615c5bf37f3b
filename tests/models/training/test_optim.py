"""Optimizers."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.networks import registry
from harmonize_models.networks.base import Prediction
from harmonize_models.training.config import preset
from harmonize_models.training.losses import LossWeights, pixel_loss
from harmonize_models.training.optim import build_optimizer, set_rate


@pytest.mark.parametrize("key", ["idih-hrnet18s", "idih"])
def test_pretrained_parameters_learn_at_their_own_rate_and_none_is_forgotten(key: str) -> None:
    with torch.device("meta"):
        network = registry.get(key).build()
    optimizer = build_optimizer(network, preset(key))
    set_rate(optimizer, 0.5)
    rates = {id(parameter): group["lr"] for group in optimizer.param_groups for parameter in group["params"]}
    assert rates.keys() == {id(parameter) for parameter in network.parameters()}
    slow = {id(parameter) for parameter in network.pretrained_parameters()}
    assert all(rate == pytest.approx(0.05 if identity in slow else 0.5) for identity, rate in rates.items())


def test_masks_that_a_network_found_are_compared_with_the_true_one_at_their_size() -> None:
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1
    picture = torch.rand(1, 3, 8, 8)
    right = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])
    weights = LossWeights(found_masks=90)
    assert float(pixel_loss(weights, Prediction(picture, found_masks=(right,)), picture, mask)) == 0.0
    wrong = Prediction(picture, found_masks=(1 - right, right))
    assert float(pixel_loss(weights, wrong, picture, mask)) == pytest.approx(90.0)
