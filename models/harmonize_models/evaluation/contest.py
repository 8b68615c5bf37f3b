"""Who is compared, and how: every contestant harmonizes the same cases and is measured the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.composites import KINDS, Batch
from ..networks.base import HarmonizationNetwork
from .cases import Cases
from .metrics import Metrics, measure

BANDS: tuple[tuple[float, float], ...] = ((0.0, 0.05), (0.05, 0.15), (0.15, 1.0))
"""Foreground shares that the papers report apart."""

NOTHING = "untouched composite"
Harmonize = Callable[[Batch], Tensor]


@dataclass(frozen=True)
class Contestant:
    """Something that harmonizes a batch: [B, 3, H, W] float in [0, 1]."""

    name: str
    harmonize: Harmonize


@dataclass(frozen=True)
class Score:
    """How a contestant did over all cases; the fields are means."""

    name: str
    psnr: float
    psnr_255: float
    mse: float
    fmse: float
    ssim: float
    worse: float
    """Share of the cases whose fMSE is higher than the untouched composite's."""
    fmse_by_share: tuple[float, ...]
    """fMSE for each of `BANDS`; NaN where no case falls into it."""
    fmse_by_kind: tuple[float, ...]
    """fMSE for each of `KINDS`, in the same way."""
    outside: float
    """Largest difference outside the mask, in 8-bit levels: what should not change and did."""


def untouched() -> Contestant:
    """Doing nothing."""
    return Contestant(NOTHING, lambda batch: batch.composite)


def of_network(name: str, network: HarmonizationNetwork, labelled: bool = True) -> Contestant:
    """A network's own output picture, as the papers measure it."""
    return Contestant(
        name, lambda batch: network(batch.composite, batch.mask, batch.label if labelled else None).harmonized
    )


@torch.inference_mode()
def hold(cases: Cases, contestant: Contestant, reference: Metrics | None = None, batch: int = 16) -> Score:
    """Measure one contestant. `reference`: the untouched composites' metrics, to count what got worse."""
    found, outside = _run(cases, contestant, batch)
    baseline = reference if reference is not None else metrics_of(cases, untouched(), batch)
    share = cases.masks.float().mean(dim=(1, 2, 3)) / 255
    bands = [(share >= low) & (share < high) if high < 1 else share >= low for low, high in BANDS]
    means = found.means()
    return Score(
        name=contestant.name,
        psnr=means["psnr"],
        psnr_255=means["psnr_255"],
        mse=means["mse"],
        fmse=means["fmse"],
        ssim=means["ssim"],
        worse=found.worse_than(baseline),
        fmse_by_share=tuple(float(found.fmse[band].double().mean()) for band in bands),
        fmse_by_kind=tuple(float(found.fmse[cases.kinds == kind].double().mean()) for kind in range(len(KINDS))),
        outside=outside,
    )


@torch.inference_mode()
def metrics_of(cases: Cases, contestant: Contestant, batch: int = 16) -> Metrics:
    """One value a case."""
    return _run(cases, contestant, batch)[0]


def _run(cases: Cases, contestant: Contestant, count: int) -> tuple[Metrics, float]:
    parts, outside = [], 0.0
    for batch in cases.batches(count):
        harmonized = contestant.harmonize(batch).float()
        parts.append(measure(harmonized, batch.target, batch.mask))
        change = (harmonized - batch.composite).abs() * (batch.mask == 0)
        outside = max(outside, float(change.max()) * 255)
    return Metrics.concatenate(parts), outside
