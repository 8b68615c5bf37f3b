"""Files of a run: the checkpoint to resume from, weights to ship or to start from. Written beside, then renamed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..compact import restored
from .errors import BadSettings


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors and plain values; a crash or a power failure leaves the old file whole."""
    beside = path.with_name(path.name + ".part")
    torch.save(dict(state), beside)
    _put(beside, path)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote (tensors and plain values only, never code).

    Raises BadSettings if it is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (EOFError, RuntimeError, UnpicklingError) as error:
        raise BadSettings(f"{path} is damaged: the run cannot go on.", "Delete it, to begin anew.") from error
    return state


def save_weights(path: Path, weights: Mapping[str, Tensor], dtype: torch.dtype = torch.float32) -> None:
    """Write a state dict as safetensors, floats as `dtype`."""
    beside = path.with_name(path.name + ".part")
    save_file({k: (v.to(dtype) if v.is_floating_point() else v).cpu().contiguous() for k, v in weights.items()}, beside)
    _put(beside, path)


def _put(beside: Path, path: Path) -> None:
    """Rename what was written, once it is on the disk: after a power failure it would be an empty file."""
    with beside.open("r+b") as file:
        os.fsync(file.fileno())
    os.replace(beside, path)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Weights from `.safetensors`, a checkpoint of ours (its moving average) or a plain state dict, as float32.

    Raises BadSettings if the file holds none.
    """
    try:
        if path.suffix == ".safetensors":
            weights: dict[str, Any] = restored(load_file(path))
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            for wrapper in ("average", "state_dict"):
                weights = weights.get(wrapper, weights)
    except (OSError, EOFError, RuntimeError, AttributeError, SafetensorError, UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, UnpicklingError):  # torch advises to run what is in it
            reason = "it holds something else"
        hint = "Name a .safetensors file, a run's checkpoint.pt or a state dict that torch has saved."
        raise BadSettings(f"{path} cannot be read as weights: {reason}.", hint) from error
    named = {name.removeprefix("module."): value for name, value in weights.items() if isinstance(value, Tensor)}
    return {name: value.float() if value.is_floating_point() else value for name, value in named.items()}


def fingerprint(weights: Mapping[str, Tensor]) -> str:
    """16 hex digits that tell weights apart, as stored in half precision: figures name what they were measured on."""
    sha = hashlib.sha256()
    for name in sorted(weights):
        sha.update(name.encode())
        sha.update(weights[name].detach().cpu().half().contiguous().numpy().tobytes())
    return sha.hexdigest()[:16]


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
