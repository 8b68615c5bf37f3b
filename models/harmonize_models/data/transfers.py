"""Color changes that give one foreground the colors of another: the four transfers behind iHarmony4's composites.

Source: Cong et al., "DoveNet" (2020), section 3.1: Reinhard in Lab, MKL, histogram matching and iterative distribution
transfer take turns.
"""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from ..color_transfer import (
    LEVELS,
    fit_quadratic,
    histogram_curve,
    mkl,
    random_rotations,
    reinhard,
    transfer_distribution,
)
from .edits import ColorChange, identity

ROTATIONS = 10
"""Iterations of the distribution transfer."""
SMOOTHING = 17
"""Levels over which a matched histogram is averaged: 512 pixels say no more."""


class Transfer(Enum):
    """How the colors of the other foreground are given."""

    REINHARD = "reinhard"
    MKL = "mkl"
    HISTOGRAM = "histogram"
    DISTRIBUTION = "distribution"


def transfer(kind: Transfer, own: Tensor, reference: Tensor, generator: torch.Generator) -> ColorChange:
    """The change that moves `own` [B, 3, K] to the colors of `reference` [B, 3, K], both float in [0, 1].

    All but histogram matching are fitted by a quadratic map of the colors: smooth, without IDT's grain.
    """
    change = identity(len(own), own.device)
    if kind is Transfer.HISTOGRAM:
        curve = F.pad(histogram_curve(own, reference, LEVELS), (SMOOTHING // 2, SMOOTHING // 2), mode="replicate")
        return ColorChange(F.avg_pool1d(curve, SMOOTHING, stride=1), change.quadratic)
    if kind is Transfer.REINHARD:
        moved = reinhard(own, own, reference)
    elif kind is Transfer.MKL:
        moved = mkl(own, own, reference)
    else:
        rotations = random_rotations(ROTATIONS, generator).to(own.device)
        moved = transfer_distribution(own, reference, rotations)
    return ColorChange(change.curve, fit_quadratic(own, moved.clamp(-0.2, 1.2)))


def weaken(change: ColorChange, strength: Tensor) -> ColorChange:
    """Blend with the identity: `strength` [B] in [0, 1]."""
    same = identity(len(strength), strength.device)
    amount = strength.view(-1, 1, 1)
    return ColorChange(
        torch.lerp(same.curve, change.curve, amount), torch.lerp(same.quadratic, change.quadratic, amount)
    )


def concatenate(changes: list[ColorChange]) -> ColorChange:
    """Several batches of changes as one."""
    return ColorChange(torch.cat([c.curve for c in changes]), torch.cat([c.quadratic for c in changes]))


def plausible(before: Tensor, after: Tensor) -> Tensor:
    """[B] bool: whether a change of sampled pixels [B, 3, K] looks like a photo still, and can be seen at all.

    Dropped, as iHarmony4's automatic filter does: too dark or too bright, much of it clipped, contrast or color blown
    up or gone, hardly any difference.
    """
    difference = (after - before).abs().mean(dim=(1, 2))
    clipped = ((after < 0.004) | (after > 0.996)).float().mean(dim=(1, 2))
    was_clipped = ((before < 0.004) | (before > 0.996)).float().mean(dim=(1, 2))
    level = after.mean(dim=(1, 2))
    contrast = after.mean(dim=1).std(dim=1) / before.mean(dim=1).std(dim=1).clamp(min=0.02)
    chroma, had_chroma = _chroma(after), _chroma(before)
    return (
        (difference > 0.012)
        & (difference < 0.3)
        & (clipped < was_clipped + 0.12)
        & (level > 0.05)
        & (level < 0.93)
        & (contrast > 0.35)
        & (contrast < 2.2)
        & (chroma < 1.8 * had_chroma + 0.12)
        & (chroma > 0.25 * had_chroma - 0.02)
    )


def _chroma(pixels: Tensor) -> Tensor:
    return (pixels.amax(dim=1) - pixels.amin(dim=1)).mean(dim=1)
