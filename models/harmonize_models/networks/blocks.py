"""Parts that several networks are built from.

Attribute names such as `block` or `weight` are those of the authors' published checkpoints, so that these load.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everyone knows it by

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Activation = Callable[[], nn.Module]
relu: Activation = partial(nn.ReLU, inplace=True)
elu: Activation = partial(nn.ELU, inplace=True)


def normalize(picture: Tensor) -> Tensor:
    """[B, 3, H, W] in [0, 1] -> the same with ImageNet's mean 0 and standard deviation 1 per channel."""
    mean, std = _statistics(picture)
    return (picture - mean) / std


def denormalize(picture: Tensor) -> Tensor:
    """The inverse of `normalize`."""
    mean, std = _statistics(picture)
    return picture * std + mean


def _statistics(like: Tensor) -> tuple[Tensor, Tensor]:
    # Made here, not registered as buffers: they are no part of the published state dicts.
    mean, std = like.new_tensor([IMAGENET_MEAN, IMAGENET_STD])[..., None, None]
    return mean, std


def upsample(features: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Bilinear with aligned corners, as all these networks do it. size: (H, W)."""
    if features.shape[-2:] == tuple(size):
        return features
    return F.interpolate(features, size=tuple(size), mode="bilinear", align_corners=True)


def mix(rest: Tensor, share_of: Tensor, share: Tensor) -> Tensor:
    """`share` of `share_of`, the remainder of `rest`. Unlike `torch.lerp` it takes mixed precisions."""
    return rest + share * (share_of - rest)


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, act: Activation | None = None) -> nn.Sequential:
    """A convolution without bias that keeps the size up to its stride, batch normalization, and perhaps `act`."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), *([act()] if act else []))


class ConvBlock(nn.Module):
    """Convolution, batch normalization unless `norm` is false, activation."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        padding: int = 1,
        act: Activation = relu,
        norm: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias)
        self.block = nn.Sequential(conv, *([nn.BatchNorm2d(outputs)] if norm else []), act())

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.block(x)
        return result


class MaskBlur(nn.Module):
    """Blurs [B, 1, H, W] with a Gaussian of `size` x `size` pixels; `padding`: "reflect" or "constant" (zeros)."""

    weight: Tensor

    def __init__(self, size: int, std: float, padding: str) -> None:
        super().__init__()
        distance = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
        profile = torch.exp(-((distance / std) ** 2) / 2)
        kernel = torch.outer(profile, profile)
        self.register_buffer("weight", (kernel / kernel.sum())[None, None])
        self.margin = (size // 2,) * 4
        self.padding = padding

    def forward(self, mask: Tensor) -> Tensor:
        return F.conv2d(F.pad(mask, self.margin, mode=self.padding), self.weight)


class ChannelGate(nn.Module):
    """Scales each channel by a factor in (0, 1) that a small perceptron reads from the channels' means and maxima.

    published_name: what the authors called the perceptron.
    """

    def __init__(self, channels: int, hidden: int, published_name: str) -> None:
        super().__init__()
        self.perceptron_name = published_name
        perceptron = nn.Sequential(
            nn.Linear(2 * channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, channels), nn.Sigmoid()
        )
        self.add_module(published_name, perceptron)

    def perceptron(self) -> nn.Module:
        return self.get_submodule(self.perceptron_name)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        factors: Tensor = self.perceptron()(pooled)
        return x * factors[..., None, None]
