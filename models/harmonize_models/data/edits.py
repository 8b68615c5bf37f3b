"""Color changes as data, and the changes that an expert makes by hand: exposure, white balance, contrast, curves.

A `ColorChange` is a curve per channel, then a quadratic map of the three channels: wide enough for every edit and for
every statistical transfer, and one code path applies them all to a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..color_transfer import LEVELS, quadratic_terms
from ..colorspace import linear_from_srgb, srgb_from_linear
from ..luma import WEIGHTS


@dataclass(frozen=True)
class ColorChange:
    """B color changes of sRGB-encoded pixels in [0, 1]."""

    curve: Tensor
    """[B, 3, 256] float: the new value of each 8-bit level."""
    quadratic: Tensor
    """[B, 3, 10] float: applied to the curve's output (`quadratic_terms` names the columns)."""

    def pick(self, index: Tensor) -> ColorChange:
        """The changes at `index` [K]."""
        return ColorChange(self.curve[index], self.quadratic[index])

    def to(self, device: torch.device) -> ColorChange:
        return ColorChange(self.curve.to(device), self.quadratic.to(device))


def identity(count: int, device: torch.device | None = None) -> ColorChange:
    """Changes that change nothing."""
    curve = torch.linspace(0, 1, LEVELS, device=device).expand(count, 3, -1).clone()
    quadratic = torch.zeros(count, 3, 10, device=device)
    quadratic[:, [0, 1, 2], [1, 2, 3]] = 1
    return ColorChange(curve, quadratic)


def apply(change: ColorChange, pixels: Tensor) -> Tensor:
    """Change `pixels` [B, 3, ...] uint8 -> float in [0, 1]."""
    curved = change.curve.gather(2, pixels.flatten(2).long())
    return (change.quadratic @ quadratic_terms(curved)).clamp(0, 1).view(pixels.shape)


@dataclass(frozen=True)
class EditRanges:
    """How far an edit goes: standard deviations of normally distributed settings, and how often each is used."""

    exposure: float = 0.75
    """Stops."""
    temperature: float = 0.22
    """Natural logarithm of the gain of red against blue, in linear light."""
    tint: float = 0.09
    """Natural logarithm of the gain of green."""
    contrast: float = 0.25
    """Share of a smooth step (or of its inverse, if negative) that tones are blended with."""
    gamma: float = 0.22
    """Natural logarithm of the exponent."""
    saturation: float = 0.35
    """Natural logarithm of the factor by which colors leave their luma."""
    tone: float = 0.05
    """Displacement of the inner knots of a random tone curve."""
    channel_tone: float = 0.025
    """The same for each channel by itself."""
    fade: float = 0.10
    """Lift of the blacks and drop of the whites, each at most 0.2."""
    often: float = 0.6
    """The share of cases in which a setting is touched at all; tones by channel and fading have rarer ones."""


def random_edits(count: int, generator: torch.Generator, ranges: EditRanges | None = None) -> ColorChange:
    """Draw `count` expert edits on the CPU."""
    ranges = ranges or EditRanges()

    def setting(spread: float, channels: int = 1, often: float = ranges.often) -> Tensor:
        used = torch.rand(count, 1, generator=generator) < often
        return (torch.randn(count, channels, generator=generator) * spread * used).unsqueeze(-1)

    levels = torch.linspace(0, 1, LEVELS).expand(count, 3, -1)
    warmth, tint = setting(ranges.temperature), setting(ranges.tint)
    gain = torch.cat([warmth / 2, tint, -warmth / 2], dim=1).exp() * 2 ** setting(ranges.exposure)
    levels = srgb_from_linear(_soft_clip(linear_from_srgb(levels) * gain))
    levels = levels.clamp(1e-4, 1) ** setting(ranges.gamma).exp()
    levels = _contrast(levels, setting(ranges.contrast))
    knots = setting(ranges.tone, 3) + setting(ranges.channel_tone, 9, often=0.3).view(count, 3, 3).transpose(1, 2)
    levels = levels + _bump(levels, knots)
    low, high = (setting(ranges.fade, often=0.25).abs().clamp(max=0.2) for _ in range(2))
    levels = low + levels.clamp(0, 1) * (1 - low - high)
    return ColorChange(levels.contiguous(), _saturation(setting(ranges.saturation).exp().clamp(0.1, 2.2)))


def _soft_clip(linear: Tensor) -> Tensor:
    """Roll highlights off above 0.8 instead of cutting them, as raw converters do."""
    over = (linear - 0.8).clamp(min=0)
    return torch.where(linear > 0.8, 0.8 + 0.2 * (1 - torch.exp(-over / 0.2)), linear)


def _contrast(levels: Tensor, amount: Tensor) -> Tensor:
    """Steeper (amount > 0) or flatter about mid grey, ends held: a blend with a smooth step or its inverse."""
    step = levels * levels * (3 - 2 * levels)
    inverse = 0.5 - torch.sin(torch.asin((1 - 2 * levels).clamp(-1, 1)) / 3)
    return torch.lerp(levels, torch.where(amount > 0, step, inverse), amount.abs().clamp(max=1))


def _bump(levels: Tensor, knots: Tensor) -> Tensor:
    """Displacements at 1/4, 1/2, 3/4 ([B, 3 knots, 3 channels]), spread by quadratic Bernstein-like bumps."""
    shapes = torch.stack(
        [
            6.75 * levels * (1 - levels) ** 2,
            4 * levels * (1 - levels),
            6.75 * levels**2 * (1 - levels),
        ],
        dim=1,
    )
    return (shapes * knots.unsqueeze(-1)).sum(dim=1)


def _saturation(amount: Tensor) -> Tensor:
    """[B, 1, 1] factor -> [B, 3, 10]: colors drawn away from (or to) their luma."""
    quadratic = identity(len(amount)).quadratic
    linear = amount * torch.eye(3) + (1 - amount) * torch.tensor(WEIGHTS).expand(3, 3)
    quadratic[:, :, 1:4] = linear
    return quadratic
