"""Networks by what people type: a key (the shipped weights) or KEY=FILE (weights of one's own)."""

from __future__ import annotations

from pathlib import Path

from ..checkpoints import load
from ..networks import registry
from ..networks.base import HarmonizationNetwork
from ..training.checkpoint import load_weights
from ..training.folding import folded


def network_of(name: str) -> tuple[str, HarmonizationNetwork]:
    """The key and the network, in evaluation mode on the CPU."""
    key, _, file = name.partition("=")
    if not file:
        return key, load(key)
    network = registry.get(key).build()
    network.load_state_dict(folded(load_weights(Path(file))))
    return key, network.eval()
