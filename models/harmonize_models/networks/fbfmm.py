"""FB-FMM: deep features of the foreground take on the spread of similar background features.

Source: Hao, Iizuka, Fukui, "Image Harmonization with Attention-based Deep Feature Modulation" (BMVC 2020).
Attribute names as in the published checkpoint.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .base import HarmonizationNetwork, NetworkSpec, Prediction
from .exact import pixel_spec
from .s2am import binary_mask_at

MEAN = 0.4462414
"""Subtracted from every channel of the composite."""
VARIANCE_FLOOR = 1e-5


class ConvBlock(nn.Module):
    """A 3x3 convolution, batch normalization, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv2d(x)), inplace=True)


class UpBlock(ConvBlock):
    """The same on two feature maps, joined and enlarged to twice their size."""

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:  # type: ignore[override]
        joined = torch.cat([x, skip], dim=1)
        return super().forward(F.interpolate(joined, scale_factor=2.0, mode="bilinear", align_corners=True))


class Attention(nn.Module):
    """Dot-product attention between all positions, not scaled (as in SAGAN), with one learned gain."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query_conv = nn.Conv2d(channels, channels // 8, 1)
        self.key_conv = nn.Conv2d(channels, channels // 8, 1)
        self.value_conv = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def attend(self, asking: Tensor, asked: Tensor) -> Tensor:
        """For each position of `asking` the mean of the values of `asked`, by similarity. All [B, C, H, W]."""
        queries = self.query_conv(asking).flatten(2).transpose(1, 2)
        keys = self.key_conv(asked).flatten(2)
        values = self.value_conv(asked).flatten(2)
        shares = torch.softmax(queries @ keys, dim=2)
        answers: Tensor = values @ shares.transpose(1, 2)
        return answers.view_as(asking)


class SelfAttention(Attention):
    """Every position asks all positions."""

    def forward(self, x: Tensor) -> Tensor:
        return self.gamma * self.attend(x, x) + x


class FeatureModulation(Attention):
    """The module FB-FMM: the foreground is scaled to the spread of the background that resembles it."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.SA = SelfAttention(channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.SA(x)
        mask = binary_mask_at(mask, x.shape[-1])
        foreground, background = mask * x, (1 - mask) * x
        similar = self.attend(foreground, background)
        return x + self.gamma * (foreground * (spread(similar) / spread(foreground)))


def spread(x: Tensor) -> Tensor:
    """Standard deviation of each channel over all positions, [B, C, 1, 1]; zeros outside a region count, too."""
    return (x.var(dim=(2, 3), keepdim=True) + VARIANCE_FLOOR).sqrt()


class FBFMM(HarmonizationNetwork):
    """`fbfmm`. Its attention is quadratic in the area: 4 MB a matrix at 256 px, 17 GB at 2048. It sees 256 px here."""

    def __init__(self) -> None:
        super().__init__()
        self.Down1 = ConvBlock(4, 64, stride=2)
        self.Down2 = ConvBlock(64, 128)
        self.Down3 = ConvBlock(128, 256, stride=2)
        self.Down4 = ConvBlock(256, 256)
        self.Down5 = ConvBlock(256, 512, stride=2)
        self.Down6 = ConvBlock(512, 512)
        self.Down7 = ConvBlock(512, 512)
        self.Down8 = ConvBlock(512, 512)
        self.Down9 = ConvBlock(512, 256)
        self.FB_FMM = FeatureModulation(256)
        self.Up1 = UpBlock(512 + 256, 128)
        self.Up2 = UpBlock(256 + 128, 32)
        self.Up3 = UpBlock(128 + 32, 16)
        self.output = nn.Conv2d(16, 3, 3, padding=1)

    def start_at_identity(self) -> None:
        """The network adds what its last convolution says: nothing, at first."""
        nn.init.zeros_(self.output.weight)
        assert self.output.bias is not None
        nn.init.zeros_(self.output.bias)

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        half = self.Down2(self.Down1(torch.cat([composite - MEAN, mask], dim=1)))
        quarter = self.Down4(self.Down3(half))
        eighth = self.Down8(self.Down7(self.Down6(self.Down5(quarter))))
        x = self.FB_FMM(self.Down9(eighth), mask)
        x = self.Up3(self.Up2(self.Up1(x, eighth), quarter), half)
        return Prediction((composite + torch.tanh(self.output(x))).clamp(0, 1))


SPECS: tuple[NetworkSpec, ...] = (
    pixel_spec(
        "fbfmm",
        "FB-FMM",
        "Hao, Iizuka, Fukui: Image Harmonization with Attention-based Deep Feature Modulation (2020)",
        11_590_789,
        FBFMM,
    ),
)
