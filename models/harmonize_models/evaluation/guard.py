"""How much gain it costs to make fewer pictures worse than they were: by the guard, and by asking for confidence.

The guard holds back what changes the foreground too little to be worth the risk (`Plan.let_through`). Whoever wants
more caution asks for a least confidence (`harmonize batch --min-confidence`): all below it is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import torch
from torch import Tensor

from ..networks.plan import Plan
from ..networks.scenefit import GUARD_OFF, SceneFit
from .cases import Cases
from .metrics import Metrics, measure

THRESHOLDS = (GUARD_OFF, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 24.0, 32.0)
"""Changes in levels of 255 of which half is let through; the first lets everything through."""
LEAST_CONFIDENCES = (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8)
"""Shares: how likely a change must be to help, for the network as it is shipped; the first lets everything through."""
VISIBLE = 2.0
"""Levels of 255."""


@dataclass(frozen=True)
class GuardPoint:
    """What one threshold, of the guard or of confidence, does on a set of composites."""

    threshold: float
    psnr: float
    """Mean, dB."""
    fmse: float
    worse: float
    """The share of composites whose foreground error grew, by however little."""
    harmed: float
    """The share whose root mean squared foreground error grew by more than two levels of 255: what can be seen."""
    untouched: float
    """The share that the guard left exactly as it was."""


def trade_off(network: SceneFit, cases: Cases, thresholds: Sequence[float] = THRESHOLDS) -> list[GuardPoint]:
    """A point of the guard's curve for each threshold."""
    return _points(network, cases, thresholds, Plan.let_through)


def trade_off_by_confidence(
    network: SceneFit, cases: Cases, least: Sequence[float] = LEAST_CONFIDENCES
) -> list[GuardPoint]:
    """A point for each least confidence; what is sure enough still passes the guard that the weights hold."""

    def share(plan: Plan, threshold: float) -> Tensor:
        return plan.let_through(network.guard) * (plan.certainty.sigmoid() >= threshold)

    return _points(network, cases, least, share)


@torch.inference_mode()
def _points(
    network: SceneFit, cases: Cases, thresholds: Sequence[float], share_of: Callable[[Plan, float], Tensor]
) -> list[GuardPoint]:
    """share_of: plan and threshold -> [B] in [0, 1], how much of the plan is carried out."""
    results: dict[float, list[Metrics]] = {threshold: [] for threshold in thresholds}
    before: list[Metrics] = []
    closed = dict.fromkeys(thresholds, 0)
    network.eval()
    for batch in cases.batches(32):
        composite, mask, target = batch.composite, batch.mask, batch.target
        plan = network.plan(*network.thumbnail(composite, mask))
        before.append(measure(composite, target, mask))
        for threshold in thresholds:
            share = share_of(plan, threshold)
            closed[threshold] += int((share == 0).sum())
            rendered = torch.lerp(composite, plan.scaled(share).render(composite), mask)
            results[threshold].append(measure(rendered, target, mask))
    start = Metrics.concatenate(before)
    return [_point(t, Metrics.concatenate(results[t]), start, closed[t] / len(cases)) for t in thresholds]


def _point(threshold: float, after: Metrics, before: Metrics, untouched: float) -> GuardPoint:
    means = after.means()
    worse = after.worse_than(before)
    harmed = float((after.fmse.sqrt() > before.fmse.sqrt() + VISIBLE).double().mean())
    return GuardPoint(threshold, means["psnr"], means["fmse"], worse, harmed, untouched)


def choose(points: Sequence[GuardPoint], largest_share_worse: float) -> GuardPoint:
    """The point of highest PSNR among those that make at most that share worse, or else the most careful one."""
    careful = [point for point in points if point.worse <= largest_share_worse]
    return max(careful, key=lambda point: point.psnr) if careful else min(points, key=lambda point: point.worse)


def halves(cases: Cases) -> tuple[Cases, Cases]:
    """Two sets of cases with different photos: the guard is chosen on one and judged on the other."""
    photos: list[int] = cases.photos.tolist()
    names: dict[int, str] = {}
    for photo, name in zip(photos, cases.names, strict=True):
        names.setdefault(photo, name.partition(".mask")[0])
    second = torch.tensor([crc32(names[photo].encode()) % 2 == 1 for photo in photos])
    return cases.pick((~second).nonzero()[:, 0]), cases.pick(second.nonzero()[:, 0])
