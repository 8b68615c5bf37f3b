"""A run's checkpoint to resume from, and starting from weights that fit in part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import BadSettings
from ..weight_files import put_in_place


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors and plain values; a crash or a power failure leaves the old file whole."""
    beside = path.with_name(path.name + ".part")
    torch.save(dict(state), beside)
    put_in_place(beside, path)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote (tensors and plain values only, never code).

    Raises BadSettings if it is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (EOFError, RuntimeError, UnpicklingError) as error:
        raise BadSettings(f"{path} is damaged: the run cannot go on.", "Delete it, to begin anew.") from error
    return state


def start_from(network: nn.Module, weights: Mapping[str, Tensor]) -> tuple[int, int]:
    """Copy all weights whose name and shape fit; returns how many were copied and how many the network has.

    Backbones come under several prefixes: a name also fits if it ends the network's own name; the longest one does.
    A kernel with more inputs than the given one, as where a backbone joins a base network, gets zeros for the others.
    """
    own = network.state_dict()
    named = {name.removeprefix("features."): value for name, value in weights.items()}
    copied = 0
    for name, value in own.items():
        parts = name.split(".")
        endings = (".".join(parts[start:]) for start in range(len(parts)))
        given = weights.get(name, next((named[ending] for ending in endings if ending in named), None))
        if given is None:
            continue
        if _lacks_only_inputs(given, value):
            given = torch.cat([given, given.new_zeros(value[:, given.shape[1] :].shape)], dim=1)
        if given.shape == value.shape:
            value.copy_(given)
            copied += 1
    network.load_state_dict(own)
    return copied, len(own)


def _lacks_only_inputs(given: Tensor, wanted: Tensor) -> bool:
    return (
        given.ndim == wanted.ndim == 4
        and given.shape[1] < wanted.shape[1]
        and (given.shape[0], *given.shape[2:]) == (wanted.shape[0], *wanted.shape[2:])
    )
