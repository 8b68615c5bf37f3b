"""DeepLabV3+ (Chen 2018) on a dilated ResNet-34: features of stride 4 that saw the picture at several scales.

Attribute names as in the authors' code of Sofiiuk 2021 (`concurent` is theirs).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .blocks import conv_norm, relu, upsample
from .residual import BasicBlock

ATROUS_RATES = (12, 24, 36)


def _layer(inputs: int, outputs: int, blocks: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """The first convolution of a dilated layer still has the holes of the layer before."""
    first = BasicBlock(inputs, outputs, stride, dilation, first_dilation=max(dilation // 2, 1))
    return nn.Sequential(first, *(BasicBlock(outputs, outputs, dilation=dilation) for _ in range(blocks - 1)))


class ResNet34(nn.Module):
    """ResNet-34 whose last two layers keep stride 8 and have holes of 2 and 4 instead."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = _layer(64, 64, 3)
        self.layer2 = _layer(64, 128, 4, stride=2)
        self.layer3 = _layer(128, 256, 6, dilation=2)
        self.layer4 = _layer(256, 512, 3, dilation=4)

    def forward(self, picture: Tensor, mask_features: Tensor | None) -> tuple[Tensor, Tensor]:
        """The outputs of the first layer (64 channels, stride 4) and of the last one (512, stride 8)."""
        x = F.relu(self.bn1(self.conv1(picture)), inplace=True)
        if mask_features is not None:
            x = x + mask_features
        fine = self.layer1(F.max_pool2d(x, 3, stride=2, padding=1))
        return fine, self.layer4(self.layer3(self.layer2(fine)))


class PooledContext(nn.Module):
    """The mean of the whole picture, put back to every pixel."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.gap = nn.Sequential(nn.AdaptiveAvgPool2d(1), *conv_norm(inputs, outputs, 1, act=relu))

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.gap(x)
        return pooled.expand(-1, -1, *x.shape[-2:])


class AtrousPyramid(nn.Module):
    """ASPP: the same features seen with holes of several sizes, and as a whole."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.concurent = nn.ModuleList([conv_norm(inputs, outputs, 1, act=relu)])
        for rate in ATROUS_RATES:
            conv = nn.Conv2d(inputs, outputs, 3, padding=rate, dilation=rate, bias=False)
            self.concurent.append(nn.Sequential(conv, nn.BatchNorm2d(outputs), relu()))
        self.concurent.append(PooledContext(inputs, outputs))
        branches = len(self.concurent)
        self.project = nn.Sequential(*conv_norm(branches * outputs, outputs, 1, act=relu), nn.Dropout(0.2))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.project(torch.cat([branch(x) for branch in self.concurent], dim=1))
        return result


class SeparableConv(nn.Module):
    """A 3x3 convolution of each channel, then a 1x1 convolution across channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.body = nn.Sequential(depthwise, *conv_norm(inputs, outputs, 1, act=relu))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.body(x)
        return result


class SkipProjection(nn.Module):
    """Narrows the fine features."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.skip_project = conv_norm(inputs, outputs, 1, act=relu)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.skip_project(x)
        return result


class Head(nn.Module):
    """Joins fine and coarse features."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            SeparableConv(inputs, outputs), SeparableConv(outputs, outputs), nn.Conv2d(outputs, outputs, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.block(x)
        return result


class DeepLab(nn.Module):
    """[B, 3, H, W] normalized picture -> [B, channels, H/4, W/4]; it does not look at the mask itself."""

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.channels = channels
        self.backbone = ResNet34()
        self.head = Head(channels + 32, channels)
        self.skip_project = SkipProjection(64, 32)
        self.aspp = AtrousPyramid(512, channels)

    def forward(self, picture: Tensor, mask: Tensor, mask_features: Tensor | None) -> Tensor:
        fine, coarse = self.backbone(picture, mask_features)
        fine = self.skip_project(fine)
        context = upsample(self.aspp(coarse), fine.shape[-2:])
        result: Tensor = self.head(torch.cat([context, fine], dim=1))
        return result
