"""What the regions of a composite look like as numbers: histograms and moments of their colors.

Foreground, background, and the two sides of the border between them each give one vector. They are smooth in the
picture and in the mask: no pixel jumps from one bin, or from one region, to another.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the name that everyone knows)

from harmonize_models.colorspace import luma

REGIONS = 4
"""Foreground, its inner border, the ring around it, background."""
BINS = 16
"""Steps of the cumulative histograms of R, G, B, luma, red-green and blue-yellow."""
COARSE = 16
BORDER = 0.12
"""Half width of both border regions, as a share of the side of the picture."""
_HISTOGRAMS = 6
_PLANES = 7
PER_REGION = _HISTOGRAMS * BINS + 2 * _PLANES + 3 + 2
"""Cumulative histograms, mean and spread of all planes, correlations of R, G, B, mean gradient, area."""


def color_planes(pixels: Tensor) -> Tensor:
    """[B, 3, H, W] sRGB-encoded in [0, 1] -> [B, 7, H, W], each in [0, 1].

    R, G, B, luma (BT.709), red-green, blue-yellow (opponent colors, 0.5 = grey), chroma (largest minus smallest).
    """
    red, green, blue = pixels.unbind(1)
    red_green = 0.5 + (red - green) / 2
    blue_yellow = 0.5 + (blue - (red + green) / 2) / 2
    chroma = pixels.amax(dim=1) - pixels.amin(dim=1)
    return torch.stack([red, green, blue, luma(pixels)[:, 0], red_green, blue_yellow, chroma], dim=1)


def region_weights(mask: Tensor) -> Tensor:
    """[B, 1, H, W] soft mask -> [B, 4, H, W] weights in [0, 1] of the regions.

    The border regions fade with the share of the other side around each pixel, seen coarsely.
    """
    coarse = F.adaptive_avg_pool2d(mask, COARSE)
    reach = round(BORDER * COARSE)
    near = F.avg_pool2d(coarse, 2 * reach + 1, stride=1, padding=reach, count_include_pad=False)
    near = F.interpolate(near, mask.shape[2:], mode="bilinear")
    outside = 1 - mask
    inner = mask * (4 * (1 - near)).clamp(max=1)
    ring = outside * (4 * near).clamp(max=1)
    return torch.cat([mask, inner, ring, outside], dim=1)


def region_statistics(pixels: Tensor, weights: Tensor) -> Tensor:
    """[B, 3, H, W] in [0, 1] and `region_weights` [B, 4, H, W] -> [B, 4, PER_REGION] float32, of the order of 1.

    An empty region gives zeros (its area says so).
    """
    pixels, weights = pixels.float(), weights.float().flatten(2)
    planes = color_planes(pixels)
    area = weights.sum(dim=2, keepdim=True)
    shares = (weights / (area + 1)).transpose(1, 2)  # [B, HW, 4]: one pixel of doubt, so that specks count little
    values = planes.flatten(2)

    thresholds = torch.arange(BINS, device=pixels.device, dtype=torch.float32)
    steps = (values[:, :_HISTOGRAMS, None] * BINS - thresholds[:, None]).clamp_(0, 1)
    cumulative = steps.flatten(1, 2) @ shares  # [B, 6 * BINS, 4]

    mean = values @ shares
    spread = ((values**2) @ shares - mean**2).clamp(min=1e-6).sqrt()
    red, green, blue = values[:, 0], values[:, 1], values[:, 2]
    products = torch.stack([red * green, green * blue, blue * red], dim=1) @ shares
    rgb, spread_rgb = mean[:, :3], spread[:, :3]
    correlation = (products - rgb * rgb.roll(-1, 1)) / (spread_rgb * spread_rgb.roll(-1, 1) + 1e-3)

    luma = planes[:, 3:4]
    across = F.pad((luma[..., 1:] - luma[..., :-1]).abs(), (0, 1))
    down = F.pad((luma[..., 1:, :] - luma[..., :-1, :]).abs(), (0, 0, 0, 1))
    gradient = (across + down).flatten(2) @ shares
    size = (area / weights.shape[2] + 1e-3).log().transpose(1, 2)
    return torch.cat([cumulative, mean, spread, correlation, gradient, size], dim=1).transpose(1, 2)
