"""How SceneFit is trained: its losses, and its own results as further composites. The rest is `loop.Trainer`.

Three things differ from the other networks. The plan (curves and grid) is rendered at every third pixel only, which is
as good for the gradient and nine times as cheap. A third of the composites are the network's own results of the step
before with the true picture as target: what the second look sees, and what comes back when somebody harmonizes twice.
And the head that tells whether the change will help learns from whether it did.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from ..networks.base import HarmonizationNetwork
from ..networks.scenefit import Plan, SceneFit
from .composites import Batch
from .loop import Trainer

STRIDE = 3
"""Every so many pixels, along both sides, are rendered for the loss."""
REPLAYED = 3
"""One composite in this many is the network's own result of the step before."""
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
    certainty: float = 0.1
    """Cross-entropy of whether the change helps."""


def foreground_error(picture: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error within the mask, [B]; pictures [B, 3, H, W] in [0, 1], mask [B, 1, H, W]."""
    square = (picture - target).square() * mask
    return square.sum(dim=(1, 2, 3)) / (3 * mask.sum(dim=(1, 2, 3)) + 1e-3)


def plan_loss(plan: Plan, batch: Batch, place: tuple[int, int] = (0, 0), weights: PlanLoss | None = None) -> Tensor:
    """What SceneFit minimises: a scalar. `place`: the first row and column that are rendered, below STRIDE."""
    weights = weights or PlanLoss()
    rows, columns = place
    composite, mask, target = (
        picture[:, :, rows::STRIDE, columns::STRIDE].contiguous()
        for picture in (batch.composite, batch.mask, batch.target)
    )
    rendered = plan.render(composite).float()
    rendered = torch.lerp(rendered.clamp(0, 1), rendered, LEAK)
    error = foreground_error(rendered, target, mask)
    fit = weights.rmse * (error + 1e-5).sqrt().mean() + weights.mse * error.mean()
    bend = plan.curves.diff(n=2, dim=2).square().sum(dim=(1, 2)).mean()
    helps = error.detach() < foreground_error(composite, target, mask)
    certainty = F.binary_cross_entropy_with_logits(plan.certainty, helps.float())
    return fit + weights.bend * bend + weights.certainty * certainty


class Planner(nn.Module):
    """One look of the network, up to its plan: what is trained is not rendered in full."""

    def __init__(self, network: SceneFit) -> None:
        super().__init__()
        self.network = network

    def forward(self, composite: Tensor, mask: Tensor) -> Plan:
        return self.network.judged(self.network.look(composite, mask)[0], composite, mask)


@dataclass
class Replay:
    """The network's own results, to be harmonized again."""

    composite: Tensor
    mask: Tensor
    target: Tensor
    label: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, plan: Plan, batch: Batch) -> Replay:
        """Carry the plan out on the first composites of a batch, in full and in 8 bits."""
        count = len(batch.composite) // REPLAYED
        composite, mask = batch.composite[:count], batch.mask[:count]
        rendered = plan.first(count).render(composite).float().clamp(0, 1)
        done = (torch.lerp(composite, rendered, mask) * 255).round() / 255
        return cls(done, mask, batch.target[:count], batch.label[:count])

    def into(self, batch: Batch) -> Batch:
        """The batch with its last composites exchanged for these."""
        kept = len(batch.composite) - len(self.composite)

        def put(old: Tensor, new: Tensor) -> Tensor:
            return torch.cat([old[:kept], new])

        return Batch(
            put(batch.composite, self.composite),
            put(batch.mask, self.mask),
            put(batch.target, self.target),
            put(batch.label, self.label),
        )


class SceneFitTrainer(Trainer):
    """A run of SceneFit. After a resume the first step has no replayed composites; all else is repeated exactly."""

    weights: PlanLoss = PlanLoss()
    replays: bool = True
    replay: Replay | None = None
    planner: nn.Module | None = None

    def loss(self, batch: Batch, labelled: bool) -> tuple[Tensor, Tensor | None]:
        """See `Trainer.loss`."""
        if self.planner is None:
            self.planner = self.worker.wrap(Planner(_scenefit(self.network)))
        if self.replay is not None:
            batch = self.replay.into(batch)
        place = torch.randint(STRIDE, (2,)).tolist()
        with self._autocast():
            plan: Plan = self.planner(batch.composite, batch.mask)
            loss = plan_loss(plan, batch, (place[0], place[1]), self.weights)
        self.replay = Replay.of(plan, batch) if self.replays else None
        return loss, None


def _scenefit(network: HarmonizationNetwork) -> SceneFit:
    assert isinstance(network, SceneFit)
    return network
