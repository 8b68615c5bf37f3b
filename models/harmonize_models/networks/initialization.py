"""How the papers' networks are filled with random weights before training.

Networks on the `meta` device, which are about to be given weights, are left as they are: random numbers that nobody
sees would be half of the time it takes to build them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import nn

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def xavier_gaussian(network: nn.Module, magnitude: float) -> None:
    """Normal weights of variance magnitude / mean(fan in, fan out), biases 0 (Sofiiuk 2021).

    magnitude: 2 for the DIH family and with a backbone, 1 for SSAM and iSSAM.
    """
    for module in _on_a_device(network):
        if isinstance(module, (*_CONVOLUTIONS, nn.Linear)):
            fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(module.weight)
            nn.init.normal_(module.weight, std=math.sqrt(magnitude / ((fan_in + fan_out) / 2)))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def kaiming_fan_in(network: nn.Module) -> None:
    """Kaiming's normal weights by fan in, batch normalization's factors around 1 (Cun & Pun 2020)."""
    for module in _on_a_device(network):
        if isinstance(module, (*_CONVOLUTIONS, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, mode="fan_in")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, mean=1.0, std=0.02)
            nn.init.zeros_(module.bias)


def _on_a_device(network: nn.Module) -> Iterator[nn.Module]:
    for module in network.modules():
        if not any(parameter.is_meta for parameter in module.parameters(recurse=False)):
            yield module
