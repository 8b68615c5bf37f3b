"""Object-contextual representations (Yuan 2020) with two regions: the foreground and the background of the mask.

Attribute names as in the published checkpoints of Sofiiuk 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import relu, upsample
from .hrnet import HRNet, HRNetSize


def _pointwise(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 1, bias=False), nn.Sequential(nn.BatchNorm2d(outputs), relu())]


class RegionAttention(nn.Module):
    """Every pixel asks the two regions for their features."""

    def __init__(self, channels: int, keys: int) -> None:
        super().__init__()
        self.f_pixel = nn.Sequential(*_pointwise(channels, keys), *_pointwise(keys, keys))
        self.f_object = nn.Sequential(*_pointwise(channels, keys), *_pointwise(keys, keys))
        self.f_down = nn.Sequential(*_pointwise(channels, keys))
        self.f_up = nn.Sequential(*_pointwise(keys, channels))
        self.scale = keys**-0.5

    def forward(self, x: Tensor, regions: Tensor) -> Tensor:
        """x: [B, C, H, W]; regions: [B, C, 2, 1] -> [B, C, H, W]."""
        queries = self.f_pixel(x).flatten(2).transpose(1, 2)
        keys = self.f_object(regions).flatten(2)
        values = self.f_down(regions).flatten(2)
        shares = torch.softmax(queries @ keys * self.scale, dim=2)
        context = (shares @ values.transpose(1, 2)).transpose(1, 2)
        result: Tensor = self.f_up(context.unflatten(2, x.shape[-2:]))
        return result


class RegionContext(nn.Module):
    """Joins each pixel's features with what it learned from the regions."""

    def __init__(self, channels: int, keys: int) -> None:
        super().__init__()
        self.object_context_block = RegionAttention(channels, keys)
        self.conv_bn_dropout = nn.Sequential(*_pointwise(2 * channels, channels), nn.Dropout2d(0.05))

    def forward(self, x: Tensor, regions: Tensor) -> Tensor:
        context = self.object_context_block(x, regions)
        result: Tensor = self.conv_bn_dropout(torch.cat([context, x], dim=1))
        return result


def region_features(x: Tensor, mask: Tensor) -> Tensor:
    """Mean features of foreground and background: [B, C, H, W] and a mask of any size -> [B, C, 2, 1].

    A pixel weighs e^mask in the foreground and e^(1 - mask) in the background: a softmax over pixels, as published.
    """
    mask = upsample(mask, x.shape[-2:])
    weights = torch.softmax(torch.cat([mask, 1 - mask], dim=1).flatten(2), dim=2)
    return (x.flatten(2) @ weights.transpose(1, 2))[..., None]


class HRNetOCR(HRNet):
    """HRNet with object-contextual features on top: [B, 2 width, H/4, W/4]."""

    def __init__(self, size: HRNetSize, ocr_width: int = 64) -> None:
        super().__init__(size)
        self.channels = 2 * ocr_width
        self.conv3x3_ocr = nn.Sequential(
            nn.Conv2d(sum(size.widths), self.channels, 3, padding=1), nn.BatchNorm2d(self.channels), relu()
        )
        self.ocr_distri_head = RegionContext(self.channels, ocr_width)

    def forward(self, picture: Tensor, mask: Tensor, mask_features: Tensor | None) -> Tensor:
        x = self.conv3x3_ocr(self.pyramid(picture, mask_features))
        result: Tensor = self.ocr_distri_head(x, region_features(x, mask))
        return result
