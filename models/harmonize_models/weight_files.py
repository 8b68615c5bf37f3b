"""Weights as files: read from whoever wrote them, written beside and then renamed, told apart by a fingerprint."""

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
from torch import Tensor

from .compact import restored
from .errors import BadSettings


def save_weights(path: Path, weights: Mapping[str, Tensor], dtype: torch.dtype = torch.float32) -> None:
    """Write a state dict as safetensors, floats as `dtype`."""
    beside = path.with_name(path.name + ".part")
    save_file({k: (v.to(dtype) if v.is_floating_point() else v).cpu().contiguous() for k, v in weights.items()}, beside)
    put_in_place(beside, path)


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


def put_in_place(beside: Path, path: Path) -> None:
    """Rename what was written, once it is on the disk: after a power failure it would be an empty file."""
    with beside.open("r+b") as file:
        os.fsync(file.fileno())
    os.replace(beside, path)
