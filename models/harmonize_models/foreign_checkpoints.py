"""Reads checkpoints that others made. They are untrusted: nothing in them may run code, or take memory without bound.

Understood are torch's `.pth` in both its forms, read with `weights_only=True`, and safetensors; with or without the
wrappers that training scripts leave around the weights.
"""

from __future__ import annotations

import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from harmonize_models.compact import restored
from harmonize_models.errors import ModelError
from harmonize_models.networks import registry
from harmonize_models.networks.exact import shapes_of
from harmonize_models.networks.folding import folded

if TYPE_CHECKING:
    from harmonize_models.networks.base import NetworkSpec

MAX_FILE_BYTES = 2 << 30
MAX_HEADER_BYTES = 4 << 20
"""The largest header of ours (2,009 tensors) is 0.3 MB."""
_WRAPPERS = ("average", "state_dict", "model_state_dict", "model", "net", "network", "generator", "params", "weights")
"""Where weights lie in a checkpoint; in one of a run of ours the moving average, which was validated, comes first."""
_PREFIXES = ("module.", "_orig_mod.")


class CheckpointError(ModelError):
    """A file cannot be taken as a checkpoint."""

    code: ClassVar[str] = "bad_checkpoint"


class NotACheckpoint(CheckpointError):
    """The file is of another kind, damaged, or truncated."""

    code: ClassVar[str] = "not_a_checkpoint"


class UnsafeCheckpoint(CheckpointError):
    """The file asks for code to be run, or for more memory than any network here needs."""

    code: ClassVar[str] = "unsafe_checkpoint"


class UnknownCheckpoint(CheckpointError):
    """The weights belong to no network of the registry."""

    code: ClassVar[str] = "unknown_checkpoint"


class BrokenWeights(CheckpointError):
    """The weights have the right names and shapes but cannot be used."""

    code: ClassVar[str] = "broken_weights"


def read_foreign(path: Path) -> tuple[NetworkSpec, dict[str, Tensor]]:
    """The network that the checkpoint at `path` belongs to, and its state dict (on the CPU, wrappers removed).

    Raises `NotACheckpoint`, `UnsafeCheckpoint`, `UnknownCheckpoint`, `BrokenWeights`.
    """
    if not path.is_file():
        raise NotACheckpoint(f"{path} is not a file.", "Name the checkpoint that the authors published.")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise UnsafeCheckpoint(f"{path.name} has {size} bytes.", f"Checkpoints may have {MAX_FILE_BYTES}.")
    content = _read_safetensors(path) if _is_safetensors(path) else _read_pickle(path)
    state = _without_inserted_norms(_unwrap(content, path), path)
    spec = _detect(state, path)
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise BrokenWeights(f"{path.name} has infinite or undefined numbers in {name}.", "Use another checkpoint.")
    return spec, state


def read_safetensors_metadata(path: Path) -> dict[str, str]:
    """The `__metadata__` of a safetensors file; `NotACheckpoint` if its header cannot be read."""
    metadata = _read_header(path).get("__metadata__", {})
    return {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}


def _is_safetensors(path: Path) -> bool:
    """Whether the file begins like safetensors (eight bytes of length, then JSON), whatever its name."""
    with path.open("rb") as file:
        start = file.read(9)
    return path.suffix == ".safetensors" or start[8:9] == b"{"


def _read_header(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise UnsafeCheckpoint(f"{path.name} declares a header of {length} bytes.", f"{MAX_HEADER_BYTES} may be.")
        text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotACheckpoint(f"{path.name} has no readable header: {error}.", "Download it again.") from error
    if not isinstance(header, dict):
        raise NotACheckpoint(f"{path.name} has no readable header.", "Download it again.")
    return header


def _read_safetensors(path: Path) -> object:
    _read_header(path)
    try:
        return restored(safetensors.torch.load_file(path))
    except (SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise NotACheckpoint(f"{path.name} is damaged or truncated: {error}.", "Download it again.") from error


def _read_pickle(path: Path) -> object:
    _refuse_zip_bomb(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the age of a pickle: whether it can be read is all that matters
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own message advises to read the file with `weights_only=False`, which would run what is in it.
        wanted = re.search(r"(?:GLOBAL|Unsupported (?:global|class))[: ]+(?:GLOBAL )?([\w.]+)", str(error))
        if wanted:
            raise UnsafeCheckpoint(
                f"{path.name} asks for `{wanted.group(1)}` to be run when it is read, and was not read.",
                "If you trust it, save its weights alone, elsewhere: `torch.save(model.state_dict(), …)`.",
            ) from error
        raise NotACheckpoint(f"{path.name} is neither of torch nor safetensors.", "Name a checkpoint.") from error
    except Exception as error:  # a damaged pickle can fail in any way inside torch
        reason = f"{type(error).__name__}: {_shorten(str(error))}"
        raise NotACheckpoint(f"{path.name} is damaged or truncated ({reason}).", "Download it again.") from error


def _refuse_zip_bomb(path: Path) -> None:
    """torch stores entries uncompressed: anything that would grow when unpacked was not written by it."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError) as error:
        raise NotACheckpoint(f"{path.name} is damaged or truncated: {error}.", "Download it again.") from error
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.file_size > MAX_FILE_BYTES for entry in entries):
        raise UnsafeCheckpoint(f"{path.name} has compressed entries.", "Save it again with `torch.save`.")


def _unwrap(content: object, path: Path) -> dict[str, Tensor]:
    for _ in _WRAPPERS:
        if not isinstance(content, Mapping):
            break
        inner = next((content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping) or not content:
        raise NotACheckpoint(f"{path.name} holds no dictionary of weights.", "Name a checkpoint, not another file.")
    state = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    strange = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if strange or not state:
        raise NotACheckpoint(f"{path.name} has entries that are no weights: {strange[:5]}.", "Name a checkpoint.")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name[len(prefix) :]: tensor for name, tensor in state.items()}
    return state


def _without_inserted_norms(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """A run of ours may train with norms that its network does not have, and folds them into the weights it exports."""
    try:
        return folded(state)
    except (LookupError, RuntimeError) as error:
        cause = f"{path.name} has norms that fit no weights ({type(error).__name__}: {_shorten(str(error))})."
        raise UnknownCheckpoint(cause, "Name another checkpoint.") from error


def _detect(state: Mapping[str, Tensor], path: Path) -> NetworkSpec:
    shapes = {name: tensor.shape for name, tensor in state.items()}
    try:
        spec = registry.detect(shapes)
    except registry.UnrecognisedNetwork as error:
        nearest = _nearest(shapes)
        difference = _difference(nearest, shapes) if nearest else "It resembles none of them."
        raise UnknownCheckpoint(f"{path.name}: {error.cause} {difference}", error.hint) from error
    if shapes_of(spec.build) != shapes:
        raise UnknownCheckpoint(
            f"{path.name} is incomplete or altered. {_difference(spec, shapes)}", "Download it again."
        )
    return spec


def _nearest(shapes: Mapping[str, torch.Size]) -> NetworkSpec | None:
    """The network that shares most names with `shapes`, if it shares at least half of them."""
    common = {spec: len(shapes_of(spec.build).keys() & shapes.keys()) for spec in registry.all_specs()}
    best = max(common, key=lambda spec: common[spec], default=None)
    return best if best and 2 * common[best] >= len(shapes) else None


def _difference(spec: NetworkSpec, shapes: Mapping[str, torch.Size]) -> str:
    own = shapes_of(spec.build)
    missing, surplus = sorted(own.keys() - shapes.keys()), sorted(shapes.keys() - own.keys())
    other = [name for name in sorted(own.keys() & shapes.keys()) if shapes[name] != own[name]]
    wrong = [f"{name} is {tuple(shapes[name])} instead of {tuple(own[name])}" for name in other[:3]]
    parts = [f"missing: {missing[:3]}" if missing else "", f"too many: {surplus[:3]}" if surplus else "", *wrong]
    return f"It is nearest to {spec.key}, but {'; '.join(part for part in parts if part)}."


def _shorten(text: str) -> str:
    return text if len(text) <= 240 else text[:240] + "…"
