"""The list of all networks, by the name that users type."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

import torch

from harmonize_models.errors import ModelError
from harmonize_models.networks.base import NetworkSpec

_MODULES: tuple[str, ...] = ("scenefit", "s2crnet", "s2am", "dih", "ssam", "backboned", "fbfmm", "gknet")
"""The modules of this package that define networks, in the order in which they are listed; each has `SPECS`."""


class UnknownNetwork(ModelError, KeyError):
    """No network has this key."""

    code: ClassVar[str] = "unknown_network"

    def __str__(self) -> str:  # KeyError would show the repr of its arguments
        return f"{self.cause} {self.hint}"


class UnrecognisedNetwork(ModelError):
    """No network has parameters of these names and shapes."""

    code: ClassVar[str] = "unrecognised_network"


@lru_cache(maxsize=1)
def all_specs() -> tuple[NetworkSpec, ...]:
    """Every network there is, in listing order; keys are unique."""
    modules = [importlib.import_module(f"harmonize_models.networks.{name}") for name in _MODULES]
    specs: tuple[NetworkSpec, ...] = tuple(spec for module in modules for spec in module.SPECS)
    keys = [spec.key for spec in specs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"Two networks have the same key: {sorted(keys)}")
    return specs


def get(key: str) -> NetworkSpec:
    """The network named `key`; `UnknownNetwork` if there is none."""
    for spec in all_specs():
        if spec.key == key:
            return spec
    keys = [spec.key for spec in all_specs()]
    near = difflib.get_close_matches(key, keys, n=1)
    question = f"Did you mean {near[0]}? " if near else ""
    raise UnknownNetwork(f"There is no network named {key!r}.", f"{question}There are: {', '.join(keys)}.")


def detect(shapes: Mapping[str, torch.Size]) -> NetworkSpec:
    """The first network that recognizes a state dict by its names and shapes (wrappers and `module.` removed).

    Raises `UnrecognisedNetwork` if none does.
    """
    for spec in all_specs():
        if spec.recognises(shapes):
            return spec
    raise UnrecognisedNetwork(
        f"The {len(shapes)} parameters belong to no network known here.",
        f"Known are: {', '.join(spec.key for spec in all_specs())}.",
    )
