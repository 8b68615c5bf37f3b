"""The papers' own training settings, network by network."""

from __future__ import annotations

import re

import pytest
import torch
from harmonize_models.networks import registry
from harmonize_models.training.choices import Optimizer, Schedule
from harmonize_models.training.config import TrainConfig, preset
from harmonize_models.training.losses import LossWeights
from harmonize_models.training.optim import build_adversary_optimizer

FN_MSE_100 = LossWeights(fn_mse=1, least_area=100)
FN_MSE_1000 = LossWeights(fn_mse=1, least_area=1000)
L2 = LossWeights(l2=1)


def epochs(config: TrainConfig) -> int:
    """Passes through iHarmony4's 65,742 training composites."""
    return round(config.steps * config.batch / 65_742)


@pytest.mark.parametrize(
    ("key", "length", "loss"),
    [
        ("dih", 120, L2),
        ("idih", 120, FN_MSE_100),
        ("idih-se", 120, FN_MSE_100),
        ("ssam", 120, L2),
        ("issam", 120, FN_MSE_1000),
        ("idih-hrnet18s", 180, FN_MSE_100),
        ("idih-hrnet32", 180, FN_MSE_100),
        ("idih-hrnet18-v2p", 180, FN_MSE_100),
        ("idih-hrnet18s-no-mask", 180, FN_MSE_100),
        ("idih-deeplab34", 180, FN_MSE_100),
        ("issam-hrnet18s", 180, FN_MSE_100),
    ],
)
def test_sofiiuk_2021(key: str, length: int, loss: LossWeights) -> None:
    config = preset(key)
    assert (config.optimizer, config.learning_rate, config.betas) == (Optimizer.ADAM, 1e-3, (0.9, 0.999))
    assert (config.batch, config.weight_decay, epochs(config), config.loss) == (16, 0.0, length, loss)
    assert config.schedule is Schedule.STEPS
    drops = {120: (105, 115), 180: (160, 175)}[length]
    assert config.milestones == pytest.approx([epoch / length for epoch in drops])
    assert config.backbone_rate == (0.1 if length == 180 else 1.0)


@pytest.mark.parametrize("key", ["s2am-asc", "s2am-ad"])
def test_cun_and_pun_2020_with_a_mask(key: str) -> None:
    config = preset(key)
    assert (config.optimizer, config.learning_rate, config.loss) == (Optimizer.ADAM, 1e-3, L2)
    assert (config.batch, epochs(config), config.schedule) == (8, 60, Schedule.CONSTANT)


def test_cun_and_pun_2020_without_a_mask() -> None:
    config = preset("s2am-blind")
    assert config.betas == (0.5, 0.999)
    assert config.loss == LossWeights(l1=2 * 100, found_masks=90, adversarial=1)  # theirs counts in [-1, 1]
    adversary = build_adversary_optimizer(torch.nn.Linear(1, 1), config)
    assert isinstance(adversary, torch.optim.Adam)
    assert adversary.param_groups[0]["betas"] == (0.5, 0.999)


def test_hao_2020() -> None:
    config = preset("fbfmm")
    assert (config.optimizer, config.learning_rate, config.loss) == (Optimizer.ADADELTA, 1.0, L2)
    assert (config.batch, epochs(config)) == (24, 230)


def test_shen_2023() -> None:
    config = preset("gknet")
    assert (config.optimizer, config.learning_rate, config.loss) == (Optimizer.ADAM, 1e-4, FN_MSE_100)
    assert (config.batch, epochs(config)) == (16, 120)


PUBLISHED = [spec.key for spec in registry.all_specs() if re.search(r"\((19|20)\d\d\)", spec.paper)]


@pytest.mark.parametrize("key", [*PUBLISHED, "scenefit"])
def test_every_published_network_and_our_own_have_settings_of_their_own(key: str) -> None:
    assert preset(key).loss != preset("a network that nobody knows").loss
