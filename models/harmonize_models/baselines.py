"""Statistical baselines: no network, no weights; the foreground is given the statistics of the background.

What they are for: rows of the results page that every network must beat. Artists may also try them; `curves_of` says a
baseline as tone curves where it is one.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .color_transfer import histogram_curve, match_histograms, mkl, reinhard

Picture = NDArray[np.floating]
Transfer = Callable[[Tensor, Tensor, Tensor], Tensor]

FEWEST_PIXELS = 16
"""With fewer on either side there are no statistics: the composite stays as it is."""


class Baseline(Enum):
    """The baselines by the names that tables and users know."""

    REINHARD = "reinhard"
    MKL = "mkl"
    HISTOGRAM = "histogram"


TITLES = {
    Baseline.REINHARD: "Reinhard 2001 (mean and spread in Lab)",
    Baseline.MKL: "Pitié & Kokaram 2007 (linear Monge-Kantorovitch)",
    Baseline.HISTOGRAM: "Histogram matching",
}

_TRANSFERS: dict[Baseline, Transfer] = {
    Baseline.REINHARD: reinhard,
    Baseline.MKL: mkl,
    Baseline.HISTOGRAM: match_histograms,
}


def harmonize(baseline: Baseline, composite: Picture, mask: Picture) -> NDArray[np.float32]:
    """Give the foreground the background's colors.

    composite: [H, W, 3] float, sRGB-encoded in [0, 1]; mask: [H, W] float in [0, 1], 1 = foreground, soft edges blend.
    Returns [H, W, 3] float32 in [0, 1]; outside the mask exactly the composite.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(composite.transpose(2, 0, 1), dtype=np.float32))[None]
    alpha = torch.from_numpy(np.ascontiguousarray(mask, dtype=np.float32))
    return harmonize_batch(baseline, pixels, alpha[None, None])[0].permute(1, 2, 0).numpy()


def harmonize_batch(baseline: Baseline, composite: Tensor, mask: Tensor) -> Tensor:
    """The same for [B, 3, H, W] and [B, 1, H, W] float tensors, in the way of a network."""
    done = [_one(_TRANSFERS[baseline], picture, alpha) for picture, alpha in zip(composite, mask, strict=True)]
    return torch.stack(done)


def _one(transfer: Transfer, picture: Tensor, alpha: Tensor) -> Tensor:
    regions = _regions(picture, alpha)
    if regions is None:
        return picture
    moved = transfer(picture.flatten(1)[None], *regions)[0].view_as(picture).clamp(0, 1)
    return torch.where(alpha > 0, torch.lerp(picture, moved, alpha), picture)


def _regions(picture: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor] | None:
    """The pixels of foreground and background, [1, 3, K] and [1, 3, M]; None if one is too small."""
    inside = alpha.flatten() > 0.5
    if min(int(inside.sum()), int((~inside).sum())) < FEWEST_PIXELS:
        return None
    flat = picture.flatten(1)
    return flat[None, :, inside], flat[None, :, ~inside]


def curves_of(baseline: Baseline, composite: Picture, mask: Picture, pieces: int = 64) -> NDArray[np.float64]:
    """The baseline as tone curves [3, pieces + 1] at inputs 0 ... 1.

    Exact (up to sampling) for histogram matching. MKL and Reinhard mix channels: their curves match mean and spread of
    each RGB channel alone, the nearest that curves can do.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(composite.transpose(2, 0, 1), dtype=np.float32))
    regions = _regions(pixels, torch.from_numpy(np.ascontiguousarray(mask, dtype=np.float32))[None])
    inputs = torch.linspace(0, 1, pieces + 1)
    if regions is None:
        return inputs.expand(3, -1).double().numpy()
    own, reference = regions
    if baseline is Baseline.HISTOGRAM:
        return histogram_curve(own, reference, pieces + 1)[0].double().numpy()
    ratio = reference.std(dim=2) / own.std(dim=2).clamp(min=1e-5)
    moved = (inputs - own.mean(dim=2)[0, :, None]) * ratio[0, :, None] + reference.mean(dim=2)[0, :, None]
    return moved.clamp(0, 1).double().numpy()
