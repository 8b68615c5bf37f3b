"""The field's metrics, picture by picture: MSE, PSNR, foreground MSE, SSIM.

MSE, fMSE and PSNR follow the evaluation code that published results share (Sofiiuk et al. 2021): predictions are
clamped to [0, 255] and not rounded; the PSNR's peak is the target's own maximum. `psnr_255` has the usual peak of 255.
One thing differs before any metric is taken: pictures are scaled with antialiasing here (`data.photos`), as the
product scales them, and without it there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

SAME = 1e-3
"""Foreground errors (levels of 255, squared) that differ by less are equal."""


@dataclass(frozen=True)
class Metrics:
    """Each [B] float, one value a picture."""

    mse: Tensor
    psnr: Tensor
    psnr_255: Tensor
    fmse: Tensor
    ssim: Tensor

    @classmethod
    def concatenate(cls, parts: list[Metrics]) -> Metrics:
        """Several batches as one."""
        return cls(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    def pick(self, chosen: Tensor) -> Metrics:
        """The pictures at `chosen` ([B] bool or indices)."""
        return Metrics(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    def worse_than(self, reference: Metrics) -> float:
        """The share of pictures whose foreground is further from the target than in `reference`.

        Sums in another order differ in the last bits: what was left alone does not count.
        """
        return float((self.fmse > reference.fmse + SAME).double().mean())

    def means(self) -> dict[str, float]:
        """The mean of each metric over the pictures."""
        return {f.name: float(getattr(self, f.name).double().mean()) for f in fields(self)}


def measure(prediction: Tensor, target: Tensor, mask: Tensor) -> Metrics:
    """Compare pictures [B, 3, H, W] float in [0, 1] under masks [B, 1, H, W] float in [0, 1]."""
    predicted, wanted = prediction.float().clamp(0, 1) * 255, target.float() * 255
    square = (predicted - wanted).square()
    mse = square.mean(dim=(1, 2, 3))
    fmse = (mask * square).sum(dim=(1, 2, 3)) / (3 * mask.sum(dim=(1, 2, 3)) + 1e-6)
    peak = wanted.amax(dim=(1, 2, 3))
    return Metrics(
        mse=mse,
        psnr=10 * torch.log10(peak.square() / (mse + 1e-6)),
        psnr_255=10 * torch.log10(255.0**2 / (mse + 1e-6)),
        fmse=fmse,
        ssim=ssim(predicted, wanted),
    )


def ssim(first: Tensor, second: Tensor, peak: float = 255.0) -> Tensor:
    """Wang et al. 2004: Gaussian window of 11 pixels, sigma 1.5; [B], mean over channels and pixels."""
    rows = _window_rows(first.shape[2]).to(first.device)
    columns = _window_rows(first.shape[3]).to(first.device).T
    maps = torch.stack([first, second, first * first, second * second, first * second])
    # Banded matrices: several times faster on a CPU than convolutions of three channels.
    mean_a, mean_b, square_a, square_b, product = rows @ (maps @ columns)
    var_a, var_b, cov = square_a - mean_a * mean_a, square_b - mean_b * mean_b, product - mean_a * mean_b
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    value = ((2 * mean_a * mean_b + c1) * (2 * cov + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    mean: Tensor = value.mean(dim=(1, 2, 3))
    return mean


def _window_rows(length: int, radius: int = 5, sigma: float = 1.5) -> Tensor:
    """[length - 10, length]: row i holds the Gaussian window over places i ... i + 10, summing to 1."""
    window = torch.exp(-torch.arange(-radius, radius + 1).square() / (2 * sigma**2))
    band = torch.zeros(length - 2 * radius, length)
    for offset, weight in enumerate(window / window.sum()):
        band.diagonal(offset).fill_(float(weight))
    return band
