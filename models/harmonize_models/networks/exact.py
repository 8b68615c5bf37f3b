"""Recognising a network by all names and shapes of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import torch

from .base import HarmonizationNetwork


def shapes_of(build: Callable[[], HarmonizationNetwork]) -> dict[str, torch.Size]:
    """Names and shapes of the state dict of what `build` makes, without memory for its weights."""
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in build().state_dict().items()}


def has_exactly_the_parameters_of(
    build: Callable[[], HarmonizationNetwork],
) -> Callable[[Mapping[str, torch.Size]], bool]:
    """A `NetworkSpec.recognises` that accepts these names and shapes and no others."""
    expected = cache(lambda: shapes_of(build))
    return lambda shapes: dict(shapes) == expected()
