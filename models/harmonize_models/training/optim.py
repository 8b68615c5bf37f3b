"""Optimizers, learning-rate schedules and the moving average of the weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..networks.base import HarmonizationNetwork
from .choices import Discriminator, Optimizer, Schedule
from .config import TrainConfig


def build_optimizer(network: HarmonizationNetwork, config: TrainConfig) -> torch.optim.Optimizer:
    """The configured optimizer; pretrained parameters of a backbone learn at `backbone_rate` times the rate."""
    backbone = network.pretrained_parameters()
    identities = {id(parameter) for parameter in backbone}
    others = [parameter for parameter in network.parameters() if id(parameter) not in identities]
    groups: list[dict[str, object]] = [{"params": others, "factor": 1.0}]
    if backbone:
        groups.append({"params": backbone, "factor": config.backbone_rate})
    if config.optimizer is Optimizer.ADADELTA:
        return torch.optim.Adadelta(groups, lr=config.learning_rate, weight_decay=config.weight_decay)
    kind = torch.optim.AdamW if config.optimizer is Optimizer.ADAMW else torch.optim.Adam
    return kind(groups, lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay)


def build_adversary_optimizer(adversary: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The discriminator's, as its paper has it: Adam as for the network (Cun & Pun 2020), or RMSprop (Liang 2021)."""
    rate = config.discriminator_rate
    if config.discriminator is Discriminator.PATCH:
        return torch.optim.Adam(adversary.parameters(), lr=rate, betas=config.betas)
    return torch.optim.RMSprop(adversary.parameters(), lr=rate)


def rate_factor(config: TrainConfig, step: int, progress: float) -> float:
    """What the learning rate is multiplied by at `step`, `progress` of the way through the run (0 to 1).

    Apart from the warm-up it never falls below a thousandth.
    """
    rise = min(1.0, (step + 1) / config.warm_up) if config.warm_up else 1.0
    progress = min(max(progress, 0.0), 1.0)
    if config.schedule is Schedule.COSINE:
        fall = 0.5 * (1 + math.cos(math.pi * progress))
    elif config.schedule is Schedule.LINEAR:
        fall = 1 - progress
    elif config.schedule is Schedule.STEPS:
        fall = 0.1 ** sum(progress >= milestone for milestone in config.milestones)
    else:
        fall = 1.0
    return rise * max(fall, 1e-3)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each parameter group `rate` times its own factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("factor", 1.0)


class MovingAverage:
    """Exponential moving average of all weights and batch-norm statistics; counters are copied as they are."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state: dict[str, Tensor] = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow `network`; early on faster, so that the start is forgotten."""
        weight = 1 - min(self.decay, (step + 1) / (step + 10))
        now = network.state_dict()
        averaged = [name for name, value in self.state.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.state[n] for n in averaged], [now[n] for n in averaged], weight)
        for name, value in now.items():
            if not value.is_floating_point():
                self.state[name].copy_(value)
