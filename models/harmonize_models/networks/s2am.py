"""S²AM: a U-Net with spatially separated attention, on the skips, in the decoder, or without being given a mask.

Source: Cun & Pun, "Improving the Harmony of the Composite Image by Spatial-Separated Attention Module" (2020), sections
III-A (the module), III-B (without a mask) and III-C (where it goes). Attribute names as in the published checkpoints.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .base import HarmonizationNetwork, NetworkSpec, Prediction
from .blocks import ChannelGate, MaskBlur, mix, upsample
from .exact import pixel_spec
from .initialization import kaiming_fan_in

PAPER = "Cun & Pun: Improving the Harmony of the Composite Image by Spatial-Separated Attention Module (2020)"
WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)
"""Channels after each strided convolution: 256 px become one."""
ATTENTIVE_LEVELS = (1, 2, 3)
"""The levels with attention, counted from the outermost (0): their skips have 128, 64 and 32 px."""


class Placement(Enum):
    """Where the attention works."""

    SKIP = "skip"
    """S²ASC: on the encoder's features, before they are joined with the decoder's."""
    DECODER = "decoder"
    """S²AD: on both, after they are joined."""


class LearningBlock(nn.Module):
    """Two 3x3 convolutions with ELU, twice as wide inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rconv1 = nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False)
        self.rbn1 = nn.BatchNorm2d(2 * channels)
        self.rconv2 = nn.Conv2d(2 * channels, channels, 3, padding=1, bias=False)
        self.rbn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.elu(self.rbn1(self.rconv1(x)), inplace=True)
        return F.elu(self.rbn2(self.rconv2(x)), inplace=True)


class Attention(nn.Module, ABC):
    """The module S²AM but for its masks: background, mixed and spliced features are weighted apart."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.connection = LearningBlock(channels)
        self.background_attention = ChannelGate(channels, channels // 16, "fc")
        self.mixed_attention = ChannelGate(channels, channels // 16, "fc")
        self.spliced_attention = ChannelGate(channels, channels // 16, "fc")

    @abstractmethod
    def masks(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The weights of spliced region and background, each [B, 1, h, w], for features x [B, C, h, w].

        mask: of the whole picture, [B, 1, H, W].
        """

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The features after attention, and the weights of the spliced region that were used."""
        spliced, background = self.masks(x, mask)
        foreground = self.connection(self.spliced_attention(x)) + self.mixed_attention(x)
        return self.background_attention(x) * background + foreground * spliced, spliced


class GivenMaskAttention(Attention):
    """S²AM with the mask that came with the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        # The published kernel is exp(-(d / 2)²): a standard deviation of √2.
        self.gaussianMask = MaskBlur(5, std=math.sqrt(2), padding="reflect")

    def masks(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        mask = binary_mask_at(mask, x.shape[-1])
        spliced: Tensor = self.gaussianMask(mask)
        background: Tensor = self.gaussianMask(1 - mask)
        return spliced, background


class FoundMaskAttention(Attention):
    """S²AM that finds the spliced region itself (section III-B)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.mask_attention = SpatialAttention()

    def masks(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        spliced: Tensor = self.mask_attention(x)
        return spliced, 1 - spliced


class SpatialAttention(nn.Module):
    """A map in (0, 1) from the mean and the maximum over channels."""

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Conv2d(2, hidden, 7, padding=3), nn.ReLU(inplace=True), nn.Conv2d(hidden, 1, 7, padding=3), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        result: Tensor = self.fc(pooled)
        return result


def binary_mask_at(mask: Tensor, width: int) -> Tensor:
    """The mask [B, 1, H, W] at `width` px: the mean of the first 2 x 2 px of each cell, rounded to 0 or 1."""
    if mask.shape[-1] == width:
        return mask
    return F.avg_pool2d(mask, 2, stride=mask.shape[-1] // width).round()


class Level(nn.Module):
    """One level of the U-Net, holding all levels below it.

    level: 0 is the outermost. inputs: channels that come in. attention: makes a module for so many channels, or None.
    """

    def __init__(
        self, level: int, inputs: int, outputs: int, attention: Callable[[int], Attention] | None, placement: Placement
    ) -> None:
        super().__init__()
        inner = WIDTHS[level]
        innermost = level == len(WIDTHS) - 1
        down = nn.Conv2d(inputs, inner, 4, stride=2, padding=1, bias=False)
        deep = inner if innermost else 2 * inner
        up = nn.ConvTranspose2d(deep, outputs, 4, stride=2, padding=1, bias=level == 0)
        # Identities stand where the published networks have an activation, which here is applied in `forward`.
        if level == 0:
            self.down = nn.Sequential(down)
            self.up = nn.Sequential(nn.ReLU(inplace=True), up)
        else:
            self.down = nn.Sequential(nn.Identity(), down, *([] if innermost else [nn.BatchNorm2d(inner)]))
            self.up = nn.Sequential(nn.ReLU(inplace=True), up, nn.BatchNorm2d(outputs))
        self.sub = None if innermost else Nested(Level(level + 1, inner, inner, attention, placement))
        self.attention: Attention | None = None
        if attention is not None and level in ATTENTIVE_LEVELS:
            self.attention = attention(inputs if placement is Placement.SKIP else 2 * inputs)
        self.placement = placement
        self.is_outermost = level == 0

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The features of this level (outermost: the picture), and the masks used so far, innermost first."""
        # The published activation works in place: what skips a level is activated, too.
        skip = x if self.is_outermost else F.leaky_relu(x, 0.2)
        deep = self.down(skip)
        used: tuple[Tensor, ...] = ()
        if self.sub is not None:
            deep, used = self.sub(deep, mask)
        deep = self.up(deep)
        if self.is_outermost:
            return deep, used
        if self.attention is None:
            return torch.cat([skip, deep], dim=1), used
        if self.placement is Placement.SKIP:
            attended, spliced = self.attention(skip, mask)
            return torch.cat([attended, deep], dim=1), (*used, spliced)
        attended, spliced = self.attention(torch.cat([skip, deep], dim=1), mask)
        return attended, (*used, spliced)


class Nested(nn.Module):
    """Gives a level the name it has in the published checkpoints."""

    def __init__(self, level: Level) -> None:
        super().__init__()
        self.model = level

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        result: tuple[Tensor, tuple[Tensor, ...]] = self.model(x, mask)
        return result


class S2AM(HarmonizationNetwork):
    """`s2am-asc` and `s2am-ad`. Colors are neither normalized nor clamped; sides must be multiples of 256 px.

    The paper puts the original background back after inference ("post-processing"); here rendering does that.
    """

    def __init__(self, placement: Placement) -> None:
        super().__init__()
        self.model = Nested(Level(0, 4, 3, GivenMaskAttention, placement))
        kaiming_fan_in(self)

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        picture, _ = self.model(torch.cat([composite, mask], dim=1), mask)
        return Prediction(picture)


class BlindS2AM(HarmonizationNetwork):
    """`s2am-blind`: sees the composite alone, in [-1, 1], and finds the spliced region. The given mask is not used.

    The picture is blended with the input by the finest mask found (equation 2), as it is in training. The three masks
    are in `Prediction.found_masks`, for the attention loss (equation 4).
    """

    def __init__(self) -> None:
        super().__init__()
        self.model = Nested(Level(0, 3, 3, FoundMaskAttention, Placement.DECODER))
        kaiming_fan_in(self)

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        picture, found = self.model(composite * 2 - 1, mask)
        share = upsample(found[-1], composite.shape[-2:])
        return Prediction(mix(composite, (picture + 1) / 2, share), found_masks=found)


SPECS: tuple[NetworkSpec, ...] = (
    pixel_spec("s2am-asc", "S²AM (attention on the skips)", PAPER, 57_564_055, partial(S2AM, Placement.SKIP)),
    pixel_spec("s2am-ad", "S²AM (attention in the decoder)", PAPER, 67_003_051, partial(S2AM, Placement.DECODER)),
    pixel_spec("s2am-blind", "S²AM without a mask", PAPER, 67_009_134, BlindS2AM),
)
