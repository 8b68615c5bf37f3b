"""Networks that answer in pixels, recognized by all names and shapes of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import torch

from .base import HarmonizationNetwork, Kind, NetworkSpec


@cache
def shapes_of(build: Callable[[], HarmonizationNetwork]) -> Mapping[str, torch.Size]:
    """Names and shapes of the state dict of what `build` makes, without memory for its weights."""
    with torch.device("meta"):
        return MappingProxyType({name: tensor.shape for name, tensor in build().state_dict().items()})


def has_exactly_the_parameters_of(
    build: Callable[[], HarmonizationNetwork],
) -> Callable[[Mapping[str, torch.Size]], bool]:
    """A `NetworkSpec.recognises` that accepts these names and shapes and no others."""
    return lambda shapes: dict(shapes) == shapes_of(build)


def pixel_spec(
    key: str, title: str, paper: str, parameters: int, build: Callable[[], HarmonizationNetwork]
) -> NetworkSpec:
    """The registry's entry of a network that makes pictures of 256 pixels along a side."""
    return NetworkSpec(
        key=key,
        title=title,
        paper=paper,
        kind=Kind.PIXELS,
        input_size=256,
        parameters=parameters,
        build=build,
        recognises=has_exactly_the_parameters_of(build),
    )
