"""What a network costs: parameters, multiply-accumulates, milliseconds."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..networks.base import HarmonizationNetwork, NetworkSpec


@dataclass(frozen=True)
class Cost:
    """For one picture at the network's input size."""

    parameters: int
    """Effective ones, as the registry counts them."""
    gmac: float
    """Billions of multiply-accumulates in convolutions and matrix products."""
    milliseconds: float
    """The fastest of a few (others may be busy on the machine), batch of one, threads as torch was told."""
    side: int
    """Of that picture, in pixels."""


@torch.inference_mode()
def cost_of(network: HarmonizationNetwork, spec: NetworkSpec, repeats: int = 20) -> Cost:
    """Measure on the network's own device."""
    device = next(network.parameters()).device
    side = spec.input_size
    composite = torch.rand(1, 3, side, side, device=device)
    mask = torch.zeros(1, 1, side, side, device=device)
    mask[:, :, side // 4 : side // 2, side // 4 : side // 2] = 1
    label = torch.zeros(1, dtype=torch.long, device=device) if spec.semantic else None
    with FlopCounterMode(display=False) as counter:
        network(composite, mask, label)
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        network(composite, mask, label)
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return Cost(spec.parameters, counter.get_total_flops() / 2e9, 1000 * min(times[2:]), side)
