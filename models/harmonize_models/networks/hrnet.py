"""HRNet V2: features at four resolutions that exchange what they know (Wang 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .blocks import conv_norm, relu, upsample
from .residual import BasicBlock, Bottleneck

STEM = 64


@dataclass(frozen=True)
class HRNetSize:
    """How wide and deep an HRNet is."""

    width: int
    """Channels of the finest branch; each coarser one has twice as many."""
    blocks: int
    """Residual blocks of each branch, and of the first stage."""
    modules: tuple[int, int, int]
    """Exchange modules of stages 2, 3 and 4."""

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Channels of the four branches."""
        return self.width, 2 * self.width, 4 * self.width, 8 * self.width


W18_SMALL = HRNetSize(18, blocks=2, modules=(1, 3, 2))
W18 = HRNetSize(18, blocks=4, modules=(1, 4, 3))
W32 = HRNetSize(32, blocks=4, modules=(1, 4, 3))


class ExchangeModule(nn.Module):
    """Residual blocks at each resolution, then every resolution gets the sum of all, brought to its size."""

    def __init__(self, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width, width) for _ in range(blocks))) for width in widths
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_bridge(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    def forward(self, x: list[Tensor]) -> list[Tensor]:
        x = [branch(features) for branch, features in zip(self.branches, x, strict=True)]
        return [F.relu(self._arriving(x, target), inplace=True) for target in range(len(x))]

    def _arriving(self, x: list[Tensor], target: int) -> Tensor:
        bridges = self.fuse_layers[target]
        assert isinstance(bridges, nn.ModuleList)
        size = x[target].shape[-2:]
        arriving = [upsample(bridge(features), size) for bridge, features in zip(bridges, x, strict=True)]
        total = arriving[0]
        for features in arriving[1:]:
            total = total + features
        return total


def _bridge(widths: Sequence[int], source: int, target: int) -> nn.Module:
    """From one resolution to another: 1x1 towards finer (enlarged afterwards), strided 3x3 towards coarser."""
    if source == target:
        return nn.Identity()
    if source > target:
        return conv_norm(widths[source], widths[target], 1)
    steps = [conv_norm(widths[source], widths[source], 3, stride=2, act=relu) for _ in range(target - source - 1)]
    return nn.Sequential(*steps, conv_norm(widths[source], widths[target], 3, stride=2))


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """Brings the branches to the widths of the next stage, which has one branch more."""
    layers: list[nn.Module] = [
        nn.Identity() if old == new else conv_norm(old, new, 3, act=relu)
        for old, new in zip(before, after, strict=False)
    ]
    layers.append(nn.Sequential(conv_norm(before[-1], after[-1], 3, stride=2, act=relu)))
    return nn.ModuleList(layers)


class HRNet(nn.Module):
    """The backbone without its classifier. Attribute names as in the published ImageNet weights."""

    def __init__(self, size: HRNetSize) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.conv2 = nn.Conv2d(STEM, STEM, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(STEM)
        outputs = STEM * Bottleneck.expansion
        self.layer1 = nn.Sequential(*(Bottleneck(STEM if i == 0 else outputs, STEM) for i in range(size.blocks)))
        widths = size.widths
        self.transition1 = _transition([outputs], widths[:2])
        self.stage2 = self._stage(widths[:2], size.blocks, size.modules[0])
        self.transition2 = _transition(widths[:2], widths[:3])
        self.stage3 = self._stage(widths[:3], size.blocks, size.modules[1])
        self.transition3 = _transition(widths[:3], widths)
        self.stage4 = self._stage(widths, size.blocks, size.modules[2])

    @staticmethod
    def _stage(widths: Sequence[int], blocks: int, modules: int) -> nn.Sequential:
        return nn.Sequential(*(ExchangeModule(widths, blocks) for _ in range(modules)))

    def pyramid(self, picture: Tensor, mask_features: Tensor | None) -> Tensor:
        """[B, 3, H, W] normalized picture -> all four resolutions at stride 4, concatenated: [B, 15 width, H/4, W/4].

        mask_features: [B, 64, H/2, W/2], added after the first convolution (Sofiiuk 2021, section 3.2), or None.
        """
        x = F.relu(self.bn1(self.conv1(picture)), inplace=True)
        if mask_features is not None:
            x = x + mask_features
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        branches = [self.layer1(x)]
        stages = ((self.transition1, self.stage2), (self.transition2, self.stage3), (self.transition3, self.stage4))
        for transition, stage in stages:
            # The new, coarsest branch is made from the coarsest one so far.
            sources = [*branches, branches[-1]]
            branches = stage([layer(features) for layer, features in zip(transition, sources, strict=True)])
        size = branches[0].shape[-2:]
        return torch.cat([upsample(features, size) for features in branches], dim=1)
