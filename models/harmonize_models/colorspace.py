"""Color spaces as batched tensor code: sRGB, linear light, CIE Lab, luma. Channels are dimension 1 everywhere.

Sources: IEC 61966-2-1 (sRGB), CIE 15 (Lab, white point D65), ITU-R BT.709 (luma weights).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .luma import WEIGHTS

_RGB_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_WHITE = (0.95047, 1.0, 1.08883)
_KNEE = 6 / 29
"""Where Lab's cube root turns into a straight line."""


def linear_from_srgb(encoded: Tensor) -> Tensor:
    """Any shape, sRGB-encoded in [0, 1] -> linear light in [0, 1]; negative values follow the straight part."""
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: Tensor) -> Tensor:
    """The inverse of `linear_from_srgb`."""
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055)


def luma(pixels: Tensor) -> Tensor:
    """[B, 3, ...] encoded RGB -> [B, 1, ...] luma in the same range."""
    red, green, blue = (weight * pixels[:, channel : channel + 1] for channel, weight in enumerate(WEIGHTS))
    return red + green + blue


def mix_channels(matrix: Tensor, pixels: Tensor) -> Tensor:
    """Multiply every pixel by a matrix: [3, 3] or [B, 3, 3] times [B, 3, ...] -> [B, 3, ...]."""
    return (matrix @ pixels.flatten(2)).view_as(pixels)


def lab_from_srgb(encoded: Tensor) -> Tensor:
    """[B, 3, ...] sRGB-encoded in [0, 1] -> CIE Lab under D65: L in [0, 100], a and b about [-110, 110]."""
    white = encoded.new_tensor(_WHITE)
    xyz = mix_channels(encoded.new_tensor(_RGB_TO_XYZ) / white[:, None], linear_from_srgb(encoded))
    root = torch.where(xyz > _KNEE**3, xyz.clamp(min=_KNEE**3) ** (1 / 3), xyz / (3 * _KNEE**2) + 4 / 29)
    x, y, z = root.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def srgb_from_lab(lab: Tensor) -> Tensor:
    """The inverse of `lab_from_srgb`; colors outside sRGB come out below 0 or above 1."""
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    root = torch.stack([y + a / 500, y, y - b / 200], dim=1)
    relative = torch.where(root > _KNEE, root**3, 3 * _KNEE**2 * (root - 4 / 29))
    white = lab.new_tensor(_WHITE)
    back = torch.linalg.inv(lab.new_tensor(_RGB_TO_XYZ)) * white
    return srgb_from_linear(mix_channels(back, relative))
