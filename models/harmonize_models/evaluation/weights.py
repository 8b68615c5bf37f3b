"""Networks by what people type: a key (the shipped weights) or KEY=FILE (weights of one's own)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..checkpoints import SHIPPED_DIR, load
from ..errors import BadSettings
from ..networks import registry
from ..networks.base import HarmonizationNetwork, NetworkSpec
from ..networks.folding import folded
from ..weight_files import load_weights


def network_of(name: str, weights_dir: Path = SHIPPED_DIR) -> tuple[NetworkSpec, HarmonizationNetwork]:
    """The network, in evaluation mode on the CPU, and what the registry knows about it.

    weights_dir: where the weights of a mere key lie. Raises a ModelError if there are none, or others.
    """
    key, _, file = name.partition("=")
    spec = registry.get(key)
    if not file:
        return spec, load(key, weights_dir=weights_dir)
    network = spec.build()
    try:
        network.load_state_dict(folded(load_weights(Path(file))))
    except RuntimeError as error:
        raise BadSettings(f"{file} does not hold a {key}: {error}", "Name its own KEY=FILE.") from error
    return spec, network.eval()


def titles_of(names: Sequence[str]) -> list[str]:
    """What rows and columns are called: keys, and where one network comes with several weights, their files as well."""
    of_key = Counter(name.partition("=")[0] for name in names)
    titles = []
    for name in names:
        key, _, file = name.partition("=")
        titles.append(f"{key} ({'/'.join(Path(file).parts[-2:])})" if file and of_key[key] > 1 else key)
    return titles
