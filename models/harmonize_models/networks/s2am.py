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
from .carrying import CELL, HALVING_GATE, join_cells, settle_gate, silence, split_cells
from .exact import pixel_spec
from .initialization import kaiming_fan_in

PAPER = "Cun & Pun: Improving the Harmony of the Composite Image by Spatial-Separated Attention Module (2020)"
WIDTH = 64
MULTIPLES = (1, 2, 4, 8, 8, 8, 8, 8)
"""Channels after each strided convolution, in multiples of the width: 256 px become one."""
LEAST_HIDDEN = 4
"""Of a channel gate's perceptron; the published ones have more, or as many."""
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
        hidden = max(channels // 16, LEAST_HIDDEN)
        self.background_attention = ChannelGate(channels, hidden, "fc")
        self.mixed_attention = ChannelGate(channels, hidden, "fc")
        self.spliced_attention = ChannelGate(channels, hidden, "fc")

    def halve(self, channels: int) -> None:
        """Let the first channels out by half, in the background and in the spliced region."""
        for gate in (self.background_attention, self.mixed_attention):
            settle_gate(gate.perceptron(), channels)
        silence(self.connection.rbn2, channels)

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
        # The published kernel has 5 x 5 pixels (the text says 7 x 7) and is exp(-(d / 2)²): a standard deviation of √2.
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

    level: 0 is the outermost. inputs, outputs: channels that come in and go out. attention: makes a module for so many
    channels. placement: where that works.
    """

    def __init__(
        self,
        level: int,
        inputs: int,
        outputs: int,
        attention: Callable[[int], Attention],
        placement: Placement,
        width: int = WIDTH,
    ) -> None:
        super().__init__()
        inner = width * MULTIPLES[level]
        innermost = level == len(MULTIPLES) - 1
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
        self.sub = None if innermost else Nested(Level(level + 1, inner, inner, attention, placement, width))
        self.attention: Attention | None = None
        if level in ATTENTIVE_LEVELS:
            self.attention = attention(inputs if placement is Placement.SKIP else 2 * inputs)
        self.placement = placement
        self.is_outermost = level == 0

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The features of this level (outermost: the picture), and the masks used so far, innermost first."""
        # The published activation works in place: what skips a level is activated, too.
        skip = x if self.is_outermost else F.leaky_relu(x, 0.2)
        # Pictures of 128 px leave one pixel to the innermost level: it sees zeros beside it.
        small = self.sub is None and x.shape[-1] == 1
        deep = self.down(F.pad(skip, (0, 1, 0, 1)) if small else skip)
        used: tuple[Tensor, ...] = ()
        if self.sub is not None:
            deep, used = self.sub(deep, mask)
        deep = self.up(deep)[..., : x.shape[-2], : x.shape[-1]]
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
    """`s2am-asc`, `s2am-ad` and a narrow `s2am-ad-16`. Colors are neither normalized nor clamped; sides must be
    multiples of 256 px (or 128 px, to begin a training with).

    In use, not in training, the original background is put back (section III-C, "post-processing").
    """

    def __init__(self, placement: Placement, width: int = WIDTH) -> None:
        super().__init__()
        self.model = Nested(Level(0, 4, 3, GivenMaskAttention, placement, width))
        kaiming_fan_in(self)

    def start_at_identity(self) -> None:
        """Carry the picture from the outermost convolution over its skip to the outermost transposed one.

        Exact: no norm is on the way.
        """
        outermost = self.model.model
        assert outermost.sub is not None
        inner = outermost.sub.model
        first, last = outermost.down[0], outermost.up[1]
        assert isinstance(first, nn.Conv2d)
        assert isinstance(last, nn.ConvTranspose2d)
        assert inner.attention is not None
        split_cells(first, planes=3)
        inner.attention.halve(3 * CELL)
        join_cells(last, planes=3, gain=1 / HALVING_GATE)

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        picture, _ = self.model(torch.cat([composite, mask], dim=1), mask)
        return Prediction(picture if self.training else mix(composite, picture, mask))


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
    pixel_spec(
        "s2am-ad-16", "S²AM (in the decoder), a quarter as wide", PAPER, 4_193_587, partial(S2AM, Placement.DECODER, 16)
    ),
    pixel_spec("s2am-blind", "S²AM without a mask", PAPER, 67_009_134, BlindS2AM),
)
