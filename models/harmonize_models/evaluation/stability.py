"""What a network does where nothing should happen: to real photos, to its own results, to a moved picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.base import HarmonizationNetwork
from .cases import Cases


@dataclass(frozen=True)
class Stability:
    """Mean absolute differences within the mask, in 8-bit levels, averaged over the cases."""

    change: float
    """How much the network changes composites at all, for comparison."""
    identity: float
    """How much it changes the untouched photo under the same mask; 0 would be perfect."""
    identity_kept: float
    """The share of untouched photos that it changes by less than one level."""
    twice: float
    """How much it changes its own result when it is run again; 0 would be perfect."""
    shifted: float
    """How much its result differs when scene and mask are moved by one pixel of its input; 0 would be perfect."""


@torch.inference_mode()
def stability(network: HarmonizationNetwork, cases: Cases, input_size: int) -> Stability:
    """Measure a network whose thumbnails have `input_size` pixels a side."""
    columns: dict[str, list[Tensor]] = {name: [] for name in ("change", "identity", "twice", "shifted")}
    for batch in cases.batches(32):
        composite, mask, target = batch.composite, batch.mask, batch.target
        once = _picture(network, composite, mask)
        columns["change"].append(_difference(once, composite, mask))
        columns["identity"].append(_difference(_picture(network, target, mask), target, mask))
        columns["twice"].append(_difference(_picture(network, once, mask), once, mask))
        step = max(1, round(composite.shape[-1] / input_size))
        here, there = slice(0, -step), slice(step, None)
        common = (slice(None), slice(None), there, there)
        first = _picture(network, composite[..., here, here], mask[..., here, here])[..., step:, step:]
        second = _picture(network, composite[..., there, there], mask[..., there, there])[..., :-step, :-step]
        inner = mask[common][..., :-step, :-step]
        columns["shifted"].append(_difference(first, second, inner))
    found = {name: torch.cat(parts) for name, parts in columns.items()}
    means = {name: float(values.double().mean()) for name, values in found.items()}
    return Stability(identity_kept=float((found["identity"] < 1).double().mean()), **means)


def _picture(network: HarmonizationNetwork, composite: Tensor, mask: Tensor) -> Tensor:
    harmonized = network(composite.contiguous(), mask.contiguous()).harmonized
    return (harmonized.clamp(0, 1) * 255).round() / 255


def _difference(first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
    """[B]: mean absolute difference within the mask in levels."""
    total = ((first - second).abs() * mask).sum(dim=(1, 2, 3))
    return total / (3 * mask.sum(dim=(1, 2, 3)) + 1e-6) * 255
