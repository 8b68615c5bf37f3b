"""Weights on disk: the shipped ones, those that users import, and how they become networks.

A folder of weights holds `<key>.safetensors` files and a `SHA256SUMS` (as `sha256sum --check` reads it). A file that is
not listed there, or that differs from its sum, is not loaded. Files of other origin are read by `foreign_checkpoints`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from harmonize_models.compact import compact, restored
from harmonize_models.errors import ModelError
from harmonize_models.foreign_checkpoints import CheckpointError, read_foreign, read_safetensors_metadata
from harmonize_models.networks import registry
from harmonize_models.networks.base import Kind

if TYPE_CHECKING:
    from harmonize_models.networks.base import HarmonizationNetwork, NetworkSpec

__all__ = [
    "SHIPPED_DIR",
    "CheckpointError",
    "ImportedWeights",
    "ShippedWeights",
    "WeightsCard",
    "WeightsDamaged",
    "WeightsMissing",
    "import_checkpoint",
    "imported",
    "load",
    "missing",
    "read_foreign",
    "remove_imported",
    "replace_card",
    "save_shipped",
    "shipped",
]

SHIPPED_DIR = Path(__file__).parent / "weights"
SUMS = "SHA256SUMS"


class WeightsMissing(ModelError):
    """The folder has no weights for this network."""

    code: ClassVar[str] = "bad_weights"


class WeightsDamaged(ModelError):
    """A weights file is not the one that was stored."""

    code: ClassVar[str] = "bad_weights"


@dataclass(frozen=True)
class WeightsCard:
    """Where weights come from and how good they are; travels inside the file."""

    data: str = ""
    """What they were trained on."""
    steps: int = 0
    """Optimizer steps."""
    command: str = ""
    """The command that reproduces them."""
    licence: str = ""
    """Under which terms they may be used."""
    source: str = ""
    """The file they were imported from; empty for our own training."""
    source_sha256: str = ""
    """SHA-256 of that file."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Figures of the results page, such as `{"psnr": 36.1}`."""

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> WeightsCard:
        """The card in `text`; fields that this version does not know are ignored, so that cards can grow.

        Raises ValueError if `text` is no card.
        """
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError(f"A card is a JSON object, not {text[:40]!r}.")
        known = {name: value for name, value in values.items() if name in {f.name for f in fields(WeightsCard)}}
        metrics = known.pop("metrics", {})
        if not isinstance(metrics, dict) or not all(isinstance(figure, (int, float)) for figure in metrics.values()):
            raise ValueError(f"Figures are numbers by name, not {metrics!r:.40}.")
        if not all(isinstance(value, int if name == "steps" else str) for name, value in known.items()):
            raise ValueError("All else on a card is text, but for the number of steps.")
        return WeightsCard(**known, metrics=metrics)


@dataclass(frozen=True)
class ShippedWeights:
    """Weights that come with the product."""

    key: str
    path: Path
    sha256: str
    card: WeightsCard


@dataclass(frozen=True)
class ImportedWeights:
    """Weights that the user imported."""

    key: str
    path: Path
    sha256: str
    card: WeightsCard


def shipped(weights_dir: Path = SHIPPED_DIR) -> tuple[ShippedWeights, ...]:
    """The weights that come with the product, by key. Reads cards, not weights; verifies nothing."""
    return tuple(ShippedWeights(*row) for row in _rows(weights_dir))


def missing(weights_dir: Path = SHIPPED_DIR) -> tuple[str, ...]:
    """Names of the files that the sums list and that are not there."""
    return tuple(name for name in sorted(_read_sums(weights_dir)) if not (weights_dir / name).is_file())


def imported(weights_dir: Path) -> tuple[ImportedWeights, ...]:
    """The weights that were imported into `weights_dir`, by key. Reads cards, not weights; verifies nothing."""
    return tuple(ImportedWeights(*row) for row in _rows(weights_dir))


def load(
    key: str,
    device: torch.device | str = "cpu",
    weights_dir: Path = SHIPPED_DIR,
    dtype: torch.dtype = torch.float32,
) -> HarmonizationNetwork:
    """The network `key` with the weights of `weights_dir`, ready to predict: eval mode, channels_last, no gradients.

    dtype: float32 or bfloat16; inputs must have the same.
    Raises `UnknownNetwork`, `WeightsMissing`, `WeightsDamaged` (also where the sum does not fit).
    """
    spec = registry.get(key)
    path = weights_dir / f"{key}.safetensors"
    expected = _read_sums(weights_dir).get(path.name)
    if expected is None or not path.is_file():
        raise WeightsMissing(f"There are no weights for {key} in {weights_dir}.", "Train or import them first.")
    data = path.read_bytes()  # hashed and loaded from the same bytes, so that nothing can change in between
    if hashlib.sha256(data).hexdigest() != expected:
        raise WeightsDamaged(f"{path} is not the file that was stored: its SHA-256 differs.", "Reinstall or import it.")
    try:
        state = restored(safetensors.torch.load(data))
        return _assemble(spec, state, torch.device(device), dtype)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsDamaged(f"{path} does not hold a {key}: {error}", "Reinstall or import it again.") from error


def save_shipped(network: HarmonizationNetwork, spec: NetworkSpec, path: Path, card: WeightsCard) -> ShippedWeights:
    """Writes `network` to `path` (`compact.py`: in half precision or less), with its card, and lists it in the sums.

    path must be named `<spec.key>.safetensors`.
    """
    if path.name != f"{spec.key}.safetensors":
        raise ValueError(f"The weights of {spec.key} must be stored as {spec.key}.safetensors, not {path.name}.")
    # Networks that answer in curves decide of every pixel at once: they are small and keep half precision.
    state = compact(network.state_dict(), eight_bits=spec.kind is Kind.PIXELS)
    return ShippedWeights(*_store(spec, state, path, card))


def replace_card(path: Path, card: WeightsCard) -> ShippedWeights:
    """Gives the stored weights at `path` another card; the weights stay as they are, bit by bit."""
    return ShippedWeights(*_store(registry.get(path.stem), safetensors.torch.load_file(path), path, card))


def import_checkpoint(path: Path, target_dir: Path) -> ImportedWeights:
    """Converts the authors' checkpoint at `path` to safetensors in `target_dir`, where `load` finds it by its key.

    The weights keep their precision, and a card that they bear. Raises `CheckpointError` and its subclasses; then
    nothing was written.
    """
    spec, state = read_foreign(path)
    own = _card(path)
    card = replace(own, source=path.name, source_sha256=_sha256(path), licence=own.licence or "as its authors say")
    return ImportedWeights(*_store(spec, state, target_dir / f"{spec.key}.safetensors", card))


def remove_imported(key: str, weights_dir: Path) -> None:
    """Forgets what was imported into `weights_dir` for this network. Raises `WeightsMissing` if nothing was."""
    sums = _read_sums(weights_dir)
    name = f"{key}.safetensors"
    if name not in sums:
        raise WeightsMissing(f"No weights were imported for {key!r}.", "See `harmonize models list`.")
    # First the sums: a file that is not listed is not loaded, a file that is listed and missing would be complained of.
    _write_sums(weights_dir, {other: digest for other, digest in sums.items() if other != name})
    (weights_dir / name).unlink(missing_ok=True)


def _assemble(
    spec: NetworkSpec, state: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
) -> HarmonizationNetwork:
    """A network with these weights, without first filling it with random ones (which takes longer than loading)."""
    cast = {name: _cast(tensor, device, dtype) for name, tensor in state.items()}
    with torch.device("meta"):
        network = spec.build()
    network.load_state_dict(cast, assign=True)
    if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
        # A buffer that is not in the state dict: only a real build can fill it.
        network = spec.build().to(device, dtype)
        network.load_state_dict(cast)
    return network.requires_grad_(False).eval()


def _cast(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.to(device)
    tensor = tensor.to(device, dtype)
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def _store(
    spec: NetworkSpec, state: Mapping[str, Tensor], path: Path, card: WeightsCard
) -> tuple[str, Path, str, WeightsCard]:
    """Writes the weights, then their sum; each beside its place first, then renamed. Makes the folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = {name: tensor.contiguous().clone() for name, tensor in state.items()}
    data = safetensors.torch.save(own, metadata={"key": spec.key, "card": card.to_json()})
    digest = hashlib.sha256(data).hexdigest()
    _replace(path, data)
    _write_sums(path.parent, {**_read_sums(path.parent), path.name: digest})
    return spec.key, path, digest, card


def _rows(weights_dir: Path) -> list[tuple[str, Path, str, WeightsCard]]:
    rows = []
    for name, digest in sorted(_read_sums(weights_dir).items()):
        path = weights_dir / name
        if path.is_file():
            rows.append((path.stem, path, digest, _card(path)))
    return rows


def _card(path: Path) -> WeightsCard:
    """The file's card; an empty one if the file is damaged, which `load` will say: one bad file hides no other."""
    try:
        return WeightsCard.from_json(read_safetensors_metadata(path).get("card", "{}"))
    except (CheckpointError, ValueError, TypeError, AttributeError, OSError):
        return WeightsCard()


def _read_sums(weights_dir: Path) -> dict[str, str]:
    path = weights_dir / SUMS
    if not path.is_file():
        return {}
    lines = [line.split() for line in path.read_text("utf-8").splitlines()]
    return {line[1].lstrip("*"): line[0] for line in lines if len(line) == 2}


def _write_sums(weights_dir: Path, sums: Mapping[str, str]) -> None:
    _replace(weights_dir / SUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode())


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _replace(path: Path, data: bytes) -> None:
    """Beside its place and onto the disk, then renamed: a power failure leaves the old file or the new one."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
