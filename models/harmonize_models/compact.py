"""How weights are stored: in half precision, and large kernels in eight bits with a factor for each row.

Kernels hold nearly all weights of the networks that paint pictures. In eight bits they harmonize as well
(models/TRAINING.md), and an installation is half as large.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

LARGE = 65_536
"""Kernels of so many numbers are worth eight bits."""
STEPS = 127
FACTOR = ":factor"
"""Ends the name under which the factors [rows] of an eight-bit kernel are stored."""


def compact(state: Mapping[str, Tensor], eight_bits: bool) -> dict[str, Tensor]:
    """The state dict as it is stored.

    eight_bits: whether large kernels may have them. Vectors (biases, statistics of batch normalization) and tensors
    that half precision cannot hold stay as they are: they cost nothing, and half would flush small variances to zero.
    """
    stored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if eight_bits and tensor.is_floating_point() and tensor.ndim == 4 and tensor.numel() >= LARGE:
            stored[name], stored[name + FACTOR] = _in_eight_bits(tensor.detach().cpu())
        else:
            stored[name] = _halved(tensor.detach().cpu())
    return stored


def restored(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `compact`, up to the precision lost; a state dict stored otherwise comes back as it is."""
    state = {name: tensor for name, tensor in stored.items() if not name.endswith(FACTOR)}
    for name, tensor in state.items():
        factors = stored.get(name + FACTOR)
        if factors is not None and tensor.ndim > 0 and factors.shape == tensor.shape[:1]:
            state[name] = tensor * factors.view(-1, *[1] * (tensor.ndim - 1))
    return state


def _in_eight_bits(kernel: Tensor) -> tuple[Tensor, Tensor]:
    factors = kernel.flatten(1).abs().amax(dim=1) / STEPS
    divisors = factors.where(factors > 0, 1.0).view(-1, 1, 1, 1)
    return (kernel / divisors).round().to(torch.int8), factors.float()


def _halved(tensor: Tensor) -> Tensor:
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if bool(half.isfinite().all()) else tensor
