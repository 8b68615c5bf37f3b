"""How SceneFit is trained: its losses, and its own results as further composites. The rest is `loop.Trainer`.

Four things differ from the other networks. The plan (curves and grid) is rendered at every third pixel only, which is
as good for the gradient and nine times as cheap. At a third of the composites it looks a second time, as in use, and
learns from that too. A few composites are its own final results of the step before, which are to stay as they are: that
is what comes back when somebody harmonizes twice. And the head that tells whether the change will help learns from
whether it did.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from ..data.composites import Batch
from ..errors import BadSettings
from ..networks.base import HarmonizationNetwork
from ..networks.plan import Plan
from ..networks.scenefit import SceneFit
from .config import TrainConfig
from .loop import Trainer
from .losses import LossWeights

STRIDE = 3
"""Every so many pixels, along both sides, are rendered for the loss."""
LOOKED_AT_AGAIN = 3
"""At one composite in this many it looks a second time."""
SETTLED = 16
"""One composite in this many, on the average, is the network's own final result of the step before."""
LEAK = 0.1
"""Slope of the clamp to [0, 1] in training: beyond the ends the gradient gets weaker but does not end."""


@dataclass(frozen=True)
class PlanLoss:
    """The weights of what SceneFit minimises."""

    rmse: float = 1.0
    """The root of the mean squared error within the mask of each composite."""
    mse: float = 1.5
    """That error itself, which minds large mistakes more."""
    bend: float = 0.5
    """Second differences of the curves."""
    second: float = 1.0
    """The same for a composite's second look, as a share of what its first one counts."""
    certainty: float = 0.1
    """Cross-entropy of whether the change helps."""


def foreground_error(picture: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error within the mask, [B]; pictures [B, 3, H, W] in [0, 1], mask [B, 1, H, W]."""
    square = (picture - target).square() * mask
    return square.sum(dim=(1, 2, 3)) / (3 * mask.sum(dim=(1, 2, 3)) + 1e-3)


def _every_third(picture: Tensor, place: tuple[int, int] = (0, 0)) -> Tensor:
    """The pixels of [B, C, H, W] that are rendered while training."""
    return picture[:, :, place[0] :: STRIDE, place[1] :: STRIDE].contiguous()


def plan_loss(plan: Plan, batch: Batch, place: tuple[int, int] = (0, 0), weights: PlanLoss | None = None) -> Tensor:
    """What SceneFit minimises: a scalar. `place`: the first row and column that are rendered, below STRIDE."""
    weights = weights or PlanLoss()
    composite, mask, target = (_every_third(each, place) for each in (batch.composite, batch.mask, batch.target))
    rendered = plan.render(composite).float()
    rendered = torch.lerp(rendered.clamp(0, 1), rendered, LEAK)
    error = foreground_error(rendered, target, mask)
    fit = weights.rmse * (error + 1e-5).sqrt().mean() + weights.mse * error.mean()
    bend = plan.curves.diff(n=2, dim=2).square().sum(dim=(1, 2)).mean()
    return fit + weights.bend * bend


def certainty_loss(plan: Plan, batch: Batch) -> Tensor:
    """How wrong the plan is about whether it helps: a scalar. Nothing but `plan.certainty` gets a gradient."""
    composite, mask, target = (_every_third(each) for each in (batch.composite, batch.mask, batch.target))
    with torch.no_grad():
        error = foreground_error(plan.render(composite).float().clamp(0, 1), target, mask)
        helps = error < foreground_error(composite, target, mask)
    return F.binary_cross_entropy_with_logits(plan.certainty, helps.float())


@dataclass(frozen=True)
class Looks:
    """What is seen of B composites, the first K of which are looked at twice."""

    first: Plan
    """Of all B."""
    result: Tensor
    """[K, 3, S, S]: what the first plan makes of a composite, without gradients."""
    second: Plan
    """Of K, at the result."""
    together: Plan
    """Of K: both in one, judged, without gradients but for its certainty."""


class Planner(nn.Module):
    """The network's looks, up to their plans: what is trained is not rendered in full."""

    def __init__(self, network: SceneFit) -> None:
        super().__init__()
        self.network = network

    def forward(self, composite: Tensor, mask: Tensor) -> Looks:
        network = self.network
        first, background = network.look(composite, network.framing(mask))
        part = slice(max(1, len(composite) // LOOKED_AT_AGAIN))
        composite, mask = composite[part], mask[part]
        with torch.no_grad():
            result = first.part(part).carried_out(composite, mask)
        with following_no_batch(network):
            second = network.look_again(first.part(part), composite, network.framing(mask), background.part(part))
        together = first.part(part).then(second.part(part))
        judged = network.judged(together, _every_third(composite), _every_third(mask))
        return Looks(first, result, second, judged)


@contextmanager
def following_no_batch(network: nn.Module) -> Iterator[None]:
    """Batch norms use what they have gathered: foregrounds alone, and few, are not what they are to gather."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    following = [module for module in network.modules() if isinstance(module, kinds) and module.training]
    for norm in following:
        norm.eval()
    try:
        yield
    finally:
        for norm in following:
            norm.train()


def settled_count(composites: int, chance: float) -> int:
    """How many of so many are to be settled results: `chance`, drawn from [0, 1), decides about the fraction."""
    return math.floor(composites / SETTLED + chance)


@torch.no_grad()
def settled(looks: Looks, batch: Batch, count: int, before: int = 0) -> Batch | None:
    """`count` final results, in 8 bits, each of which is its own target; None if there is none.

    before: how many of the batch's first composites were settled before; these are not taken again.
    """
    part = slice(before, min(before + count, len(looks.result)))
    if part.start >= part.stop:
        return None
    few = batch.part(part)
    done = looks.together.part(part).carried_out(few.composite, few.mask)
    done = (done.float() * 255).round() / 255
    return replace(few, composite=done, target=done)


def in_place_of_the_first(few: Batch, batch: Batch) -> Batch:
    """The batch with its first composites exchanged for those few."""
    count = len(few.composite)

    def put(new: Tensor, old: Tensor) -> Tensor:
        return torch.cat([new, old[count:]])

    return Batch(
        put(few.composite, batch.composite),
        put(few.mask, batch.mask),
        put(few.target, batch.target),
        put(few.label, batch.label),
    )


class SceneFitTrainer(Trainer):
    """A run of SceneFit. After a resume the first step has no settled results; all else is repeated exactly."""

    weights: PlanLoss = PlanLoss()
    settles: bool = True
    settled: Batch | None = None
    planner: nn.Module | None = None

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """See `Trainer.check`."""
        super().check(config)
        if config.loss != LossWeights():
            raise BadSettings("SceneFit has losses of its own.", "Train it without --loss.")
        if config.compile:
            raise BadSettings("SceneFit is not compiled: its looks are not one pass.", "Train it without --compile.")

    def loss(self, batch: Batch, labelled: bool) -> tuple[Tensor, Tensor | None]:
        """See `Trainer.loss`."""
        if self.planner is None:
            self.planner = self.worker.wrap(Planner(_scenefit(self.network)))
        before = 0
        if self.settled is not None:
            before = len(self.settled.composite)
            batch = in_place_of_the_first(self.settled, batch)
        rows, columns = torch.randint(STRIDE, (2,)).tolist()
        next_settled = settled_count(len(batch.composite), float(torch.rand(())))
        with self._autocast():
            looks: Looks = self.planner(batch.composite, batch.mask)
            count = len(looks.result)
            twice = batch.part(slice(count))
            again = replace(twice, composite=looks.result)
            share = self.weights.second * count / len(batch.composite)
            loss = plan_loss(looks.first, batch, (rows, columns), self.weights)
            loss = (loss + share * plan_loss(looks.second, again, (rows, columns), self.weights)) / (1 + share)
            loss = loss + self.weights.certainty * certainty_loss(looks.together, twice)
        self.settled = settled(looks, batch, next_settled, before) if self.settles else None
        return loss, None


def _scenefit(network: HarmonizationNetwork) -> SceneFit:
    assert isinstance(network, SceneFit)
    return network
