"""The guard's trade-off: how much gain it costs to make fewer pictures worse than they were.

The guard holds back what changes the foreground too little to be worth the risk (`Plan.let_through`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import torch

from ..networks.scenefit import GUARD_OFF, SceneFit
from .cases import Cases
from .metrics import Metrics, measure

THRESHOLDS = (GUARD_OFF, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
"""Changes in levels of 255 of which half is let through; the first lets everything through."""
VISIBLE = 2.0
"""Levels of 255."""


@dataclass(frozen=True)
class GuardPoint:
    """What one threshold does on a set of composites."""

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


@torch.inference_mode()
def trade_off(network: SceneFit, cases: Cases, thresholds: Sequence[float] = THRESHOLDS) -> list[GuardPoint]:
    """A point of the curve for each threshold."""
    results: dict[float, list[Metrics]] = {threshold: [] for threshold in thresholds}
    before: list[Metrics] = []
    closed = dict.fromkeys(thresholds, 0)
    network.eval()
    for batch in cases.batches(32):
        composite, mask, target = batch.composite, batch.mask, batch.target
        plan = network.plan(*network.thumbnail(composite, mask))
        before.append(measure(composite, target, mask))
        for threshold in thresholds:
            share = plan.let_through(threshold)
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
    second = torch.tensor([crc32(name.split(".")[0].encode()) % 2 == 1 for name in cases.names])
    return cases.pick((~second).nonzero()[:, 0]), cases.pick(second.nonzero()[:, 0])
