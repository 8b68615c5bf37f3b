"""The networks have the parameters of the authors' checkpoints, and the sizes of the papers.

`published_parameters.txt` has for each published checkpoint the key of its network, the number of its entries, and the
SHA-256 over the sorted lines "name (shape)" of its state dict. To see what differs, list a checkpoint's parameters in
such lines and compare them with a network:

    python tests/models/networks/test_published_parameters.py LINES.txt idih
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import torch
from harmonize_models.networks import registry
from harmonize_models.networks.exact import shapes_of
from torch.utils.flop_counter import FlopCounterMode

PUBLISHED = [line.split() for line in Path(__file__).with_name("published_parameters.txt").read_text().splitlines()]

GIGA_MACS = {
    "s2am-asc": 13.31,
    "s2am-ad": 35.06,
    "dih": 1.65,
    "idih": 1.66,
    "ssam": 88.35,
    "issam": 14.88,
    "idih-hrnet18s": 5.51,
    "idih-hrnet18": 7.72,
    "idih-hrnet32": 14.73,
    "idih-hrnet18s-v2p": 9.34,
    "idih-hrnet18-v2p": 11.54,
    "idih-deeplab34": 29.77,
    "issam-hrnet18s": 19.07,
    "issam-hrnet18": 21.28,
    "fbfmm": 22.28,
}
"""Multiply-accumulates of the authors' own code at 256 px, in 10^9 (where there is code of theirs)."""

PIXEL_KEYS = [spec.key for spec in registry.all_specs() if not spec.key.startswith(("s2crnet", "scenefit"))]


@pytest.mark.parametrize(("key", "entries", "expected"), PUBLISHED)
def test_names_and_shapes_equal_those_of_the_published_checkpoint(key: str, entries: str, expected: str) -> None:
    lines = parameter_lines(key)
    assert len(lines) == int(entries)
    assert digest(lines) == expected, "the docstring of this file says how to print the difference"


@pytest.mark.parametrize("key", PIXEL_KEYS)
def test_size_and_cost_are_those_of_the_authors_code(key: str) -> None:
    spec = registry.get(key)
    with torch.device("meta"):
        network = spec.build().eval()
        with FlopCounterMode(display=False) as counter:
            prediction = network(torch.zeros(1, 3, 256, 256), torch.zeros(1, 1, 256, 256))
    assert sum(parameter.numel() for parameter in network.parameters()) == spec.parameters
    assert prediction.harmonized.shape == (1, 3, 256, 256)
    if key in GIGA_MACS:
        assert counter.get_total_flops() / 2e9 == pytest.approx(GIGA_MACS[key], abs=0.006)


def test_the_digest_notices_a_changed_shape() -> None:
    lines = parameter_lines("idih")
    assert digest([lines[0].replace("(", "(1, "), *lines[1:]]) != digest(lines)


def parameter_lines(key: str) -> list[str]:
    """The sorted lines "name (shape)" of the network `key`."""
    return sorted(f"{name} {tuple(shape)}" for name, shape in shapes_of(registry.get(key).build).items())


def digest(lines: list[str]) -> str:
    """SHA-256 over sorted lines."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def main(path: Path, key: str) -> int:
    """Prints what only one of the two has; returns 1 if they differ."""
    theirs = {line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()}
    ours = set(parameter_lines(key))
    for line in sorted(theirs - ours):
        print(f"- {line}")
    for line in sorted(ours - theirs):
        print(f"+ {line}")
    return int(theirs != ours)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2]))
