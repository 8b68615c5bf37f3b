"""Base networks helped by a pretrained backbone that is told where the foreground is.

Source: Sofiiuk 2021, sections 3.2 (fusion of the mask) and 3.3 (where the features go).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .base import NetworkSpec
from .blocks import ConvBlock, elu
from .deeplab import DeepLab
from .dih import DIH
from .encoder_decoder import PAPER, PixelTranslator
from .exact import pixel_spec
from .hrnet import STEM, W18, W18_SMALL, W32, HRNetSize
from .initialization import xavier_gaussian
from .ocr import HRNetOCR
from .ssam import SSAM

PYRAMID_WIDTH = 256
PYRAMID_LEVELS = 4


class Scale(nn.Module):
    """Multiplies with the absolute value of one learned number."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), start))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.abs()


class FeaturePyramid(nn.Module):
    """The "v2p" variant: the features at strides 4, 8, 16 and 32."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.reduce_conv = ConvBlock(inputs, PYRAMID_WIDTH, kernel=1, padding=0, act=elu)
        self.convs = nn.ModuleList(ConvBlock(PYRAMID_WIDTH, PYRAMID_WIDTH, act=elu) for _ in range(PYRAMID_LEVELS))

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.reduce_conv(x)
        levels: list[Tensor] = []
        for index, conv in enumerate(self.convs):
            x = F.max_pool2d(x, 2) if index else x
            levels.append(conv(x))
        return levels


class Backbone(nn.Module):
    """A feature extractor under its published name (`hrnet` or `deeplab`), perhaps with a pyramid behind it."""

    def __init__(self, name: str, extractor: HRNetOCR | DeepLab, pyramid: bool = False) -> None:
        super().__init__()
        self.extractor_name = name
        self.add_module(name, extractor)
        self.downsize = FeaturePyramid(extractor.channels) if pyramid else None
        self.joins = (PYRAMID_WIDTH,) * PYRAMID_LEVELS if pyramid else (extractor.channels,)

    def forward(self, picture: Tensor, mask: Tensor, mask_features: Tensor | None) -> Sequence[Tensor]:
        features = self.get_submodule(self.extractor_name)(picture, mask, mask_features)
        return self.downsize(features) if self.downsize is not None else [features]

    def pretrained_parameters(self) -> list[nn.Parameter]:
        """Those that ImageNet taught; not the object-contextual head, the atrous pyramid or the feature pyramid."""
        extractor = self.get_submodule(self.extractor_name)
        if isinstance(extractor, DeepLab):
            return list(extractor.backbone.parameters())
        return [p for name, p in extractor.named_parameters() if not name.startswith(("conv3x3_ocr", "ocr_"))]


class Backboned(PixelTranslator):
    """A base network that a backbone's features join, and a convolution of the mask that joins the backbone.

    sees_mask: whether the backbone gets the mask (false: the ablation "non foreground-aware" of table 3; the regions
    of the object-contextual head still come from the mask, as in the authors' code).
    """

    def __init__(
        self,
        base: Callable[..., DIH | SSAM],
        backbone: Callable[[], Backbone],
        sees_mask: bool = True,
    ) -> None:
        super().__init__()
        self.backbone = backbone()
        self.model = base(joins=self.backbone.joins)
        self.mask_conv = nn.Sequential(nn.Conv2d(1, STEM, 3, stride=2, padding=1), Scale(0.1)) if sees_mask else None
        xavier_gaussian(self, magnitude=2.0)

    def translate(self, picture: Tensor, mask: Tensor, features: Sequence[Tensor] = ()) -> Tensor:
        mask_features = self.mask_conv(mask) if self.mask_conv is not None else None
        return self.model.translate(picture, mask, self.backbone(picture, mask, mask_features))

    def start_at_identity(self) -> None:
        self.model.start_at_identity()

    def pretrained_parameters(self) -> list[nn.Parameter]:
        return self.backbone.pretrained_parameters()


def hrnet(size: HRNetSize, pyramid: bool = False) -> Backbone:
    """An HRNet with object-contextual features."""
    return Backbone("hrnet", HRNetOCR(size), pyramid)


def deeplab() -> Backbone:
    """DeepLabV3+ on ResNet-34."""
    return Backbone("deeplab", DeepLab())


@dataclass(frozen=True)
class _Row:
    key: str
    title: str
    parameters: int
    base: Callable[..., DIH | SSAM]
    backbone: Callable[[], Backbone]
    sees_mask: bool = True

    def spec(self) -> NetworkSpec:
        build = partial(Backboned, self.base, self.backbone, self.sees_mask)
        return pixel_spec(self.key, self.title, PAPER, self.parameters, build)


SPECS: tuple[NetworkSpec, ...] = tuple(
    row.spec()
    for row in (
        _Row("idih-hrnet18s", "iDIH-HRNet-W18s", 12_811_093, DIH, partial(hrnet, W18_SMALL)),
        _Row("idih-hrnet18", "iDIH-HRNet-W18", 18_512_633, DIH, partial(hrnet, W18)),
        _Row("idih-hrnet32", "iDIH-HRNet-W32", 38_497_829, DIH, partial(hrnet, W32)),
        _Row("idih-hrnet18s-v2p", "iDIH-HRNet-W18s, pyramid", 18_090_581, DIH, partial(hrnet, W18_SMALL, True)),
        _Row("idih-hrnet18-v2p", "iDIH-HRNet-W18, pyramid", 23_792_121, DIH, partial(hrnet, W18, True)),
        _Row("idih-deeplab34", "iDIH-DeepLabV3+ (ResNet-34)", 34_455_813, DIH, deeplab),
        _Row("issam-hrnet18s", "iSSAM-HRNet-W18s", 6_580_461, SSAM, partial(hrnet, W18_SMALL)),
        _Row("issam-hrnet18", "iSSAM-HRNet-W18", 12_282_001, SSAM, partial(hrnet, W18)),
        _Row("idih-hrnet18s-no-mask", "iDIH-HRNet-W18s, mask-blind", 12_810_452, DIH, partial(hrnet, W18_SMALL), False),
    )
)
