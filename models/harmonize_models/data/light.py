"""Light that differs across the foreground: a gradient or a soft spot, which no global curve can undo."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ENCODING_GAMMA = 2.2
"""Approximates sRGB: a gain of linear light is this root of it in encoded values."""


def random_light(
    count: int,
    size: tuple[int, int],
    generator: torch.Generator,
    share: float = 0.25,
    stops: float = 0.5,
    device: torch.device | None = None,
) -> Tensor:
    """Gains of encoded pixels, [B, 1, H, W] around 1 on `device`; only about `share` of the B pictures have any.

    stops: standard deviation of the strength in exposure stops, between the darkest and the brightest place.
    """
    height, width = size
    rows = torch.linspace(-1, 1, height, device=device).view(1, 1, -1, 1)
    columns = torch.linspace(-1, 1, width, device=device).view(1, 1, 1, -1)

    def draw(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator)).to(device)

    angle, top, left, spread = draw(0, 2 * math.pi), draw(-0.7, 0.7), draw(-0.7, 0.7), draw(0.3, 0.9)
    strength = torch.randn(count, 1, 1, 1, generator=generator).to(device) * stops * (draw(0, 1) < share)
    gradient = (rows * angle.sin() + columns * angle.cos()) / 2
    spot = torch.exp(-((rows - top) ** 2 + (columns - left) ** 2) / (2 * spread**2)) - 0.5
    return 2 ** (strength * torch.where(draw(0, 1) < 0.5, gradient, spot) / ENCODING_GAMMA)
