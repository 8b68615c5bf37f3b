"""A start that changes nothing: weights that carry picture and mask through a network's own layers.

A network that paints the whole picture anew first has to learn to copy it; minutes of training do not suffice for
that. Here its first channels copy from the start: red, green, blue and mask, or those of each pixel of a 2 x 2 cell
where the first convolution halves the size. All other channels keep their random weights, and every gradient passes.
"""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor, nn

PLANES = 4
"""Red, green, blue, mask."""
CELL = 4
"""Pixels of a 2 x 2 cell."""
LIFT = 3.0
"""Raises normalized colors (-2.2 to 2.7) above zero, where ReLU and ELU pass them as they are."""
HALVING_GATE = 0.5
"""What a channel gate multiplies with that ends in a sigmoid and says nothing: there it learns fastest."""
OPEN_GATE = 0.999


@torch.no_grad()
def carry(conv: nn.Conv2d, gain: float = 1.0, channels: int = PLANES) -> None:
    """Let a 3x3 convolution put out its first channels as they come in, times `gain`."""
    clear(conv, channels)
    rows = range(channels)
    conv.weight[rows, rows, 1, 1] = gain


@torch.no_grad()
def lift_colors(conv: nn.Conv2d, channels: int = PLANES) -> None:
    """Add LIFT to the carried channels that hold colors, which are all but the last quarter."""
    if conv.bias is not None:
        conv.bias[: channels - channels // PLANES] = LIFT


@torch.no_grad()
def split_cells(conv: nn.Conv2d, planes: int = PLANES) -> None:
    """Let a 4x4 convolution of stride 2 give each pixel of a 2 x 2 cell a channel of its own, for some input planes."""
    clear(conv, planes * CELL)
    _one_pixel_a_channel(conv.weight, planes, 1.0)


@torch.no_grad()
def join_cells(conv: nn.ConvTranspose2d, planes: int = PLANES, gain: float = 1.0) -> None:
    """The inverse of `split_cells`; everything else that comes in is left out of these planes."""
    conv.weight[:, :planes] = 0
    if conv.bias is not None:
        conv.bias[:planes] = 0
    _one_pixel_a_channel(conv.weight, planes, gain)


def _one_pixel_a_channel(weight: Tensor, planes: int, gain: float) -> None:
    for channel, (plane, row, column) in enumerate(product(range(planes), range(2), range(2))):
        weight[channel, plane, 1 + row, 1 + column] = gain


@torch.no_grad()
def clear(conv: nn.Conv2d, channels: int) -> None:
    """Let a convolution put out zeros in its first channels."""
    conv.weight[:channels] = 0
    if conv.bias is not None:
        conv.bias[:channels] = 0


@torch.no_grad()
def silence(norm: nn.BatchNorm2d, channels: int) -> None:
    """Let a norm put out zeros in its first channels."""
    norm.weight[:channels] = 0
    norm.bias[:channels] = 0


@torch.no_grad()
def pass_through(norm: nn.BatchNorm2d, channels: int = PLANES) -> None:
    """Let a norm put out its first channels as they come in, as long as it is frozen or in evaluation mode."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean[:channels] = 0
    norm.running_var[:channels] = 1 - norm.eps
    norm.weight[:channels] = 1
    norm.bias[:channels] = 0


@torch.no_grad()
def settle_gate(perceptron: nn.Module, channels: int, factor: float = HALVING_GATE) -> None:
    """Let a channel gate multiply the first channels with `factor` in (0, 1), whatever it sees."""
    last = perceptron.get_submodule("2")
    assert isinstance(last, nn.Linear)
    last.weight[:channels] = 0
    last.bias[:channels] = math.log(factor / (1 - factor))


@torch.no_grad()
def read_picture(to_rgb: nn.Conv2d) -> None:
    """Let a 1x1 convolution take normalized colors from the first three channels, where they were lifted."""
    assert to_rgb.bias is not None
    to_rgb.weight.zero_()
    to_rgb.weight[range(3), range(3)] = 1
    to_rgb.bias.fill_(-LIFT)


@torch.no_grad()
def read_mask(attention: nn.Conv2d) -> None:
    """Let the map x, of which sigmoid(3 x) is the share of the input that is kept, be 1 outside the mask, -1 inside."""
    assert attention.bias is not None
    attention.weight.zero_()
    attention.weight[0, PLANES - 1] = -2
    attention.bias.fill_(1)
