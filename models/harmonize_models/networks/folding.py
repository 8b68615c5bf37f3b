"""Batch norm in training: inserted behind convolutions and folded into them for use, or held as it is.

Networks without norms (SqueezeNet in S²CRNet) hardly learn from scratch; the published ones start from ImageNet.
A norm in evaluation mode is a factor and an addend per channel, so that weights trained with it become plain weights
exactly.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping

import torch
from torch import Tensor, nn

_NORM = ".norm."


class NormedConv2d(nn.Conv2d):
    """A convolution whose output is normalized; its own weights keep their names."""

    norm: nn.BatchNorm2d
    calibrating: bool = False

    @classmethod
    def around(cls, plain: nn.Conv2d) -> NormedConv2d:
        """Take over a convolution, its weights included."""
        normed = cls.__new__(cls)
        nn.Module.__init__(normed)
        normed.__dict__.update({k: v for k, v in plain.__dict__.items() if k not in ("_parameters", "_modules")})
        normed._parameters, normed._modules = plain._parameters, dict(plain._modules)
        normed.norm = nn.BatchNorm2d(plain.out_channels)
        return normed

    def forward(self, x: Tensor) -> Tensor:
        plain = super().forward(x)
        if self.calibrating:
            self.calibrating = False  # the first pass counts: a network may look again, at less
            variance, mean = torch.var_mean(plain, dim=(0, 2, 3), correction=0)
            self.norm.weight.copy_((variance + self.norm.eps).sqrt())
            self.norm.bias.copy_(mean)
            self.norm.running_mean, self.norm.running_var = mean, variance
        normalized: Tensor = self.norm(plain)
        return normalized


def insert_norms(network: nn.Module, names: str = "") -> int:
    """Put a norm behind every convolution with a bias whose full name matches `names`; returns how many."""
    wanted = re.compile(names)
    count = 0
    for prefix, module in list(network.named_modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Conv2d and child.bias is not None and wanted.search(f"{prefix}.{name}"):
                setattr(module, name, NormedConv2d.around(child))
                count += 1
    return count


@torch.no_grad()
def calibrate(network: nn.Module, composite: Tensor, mask: Tensor) -> None:
    """Set fresh norms so that they change nothing on this batch: for weights that were trained elsewhere, or folded."""
    norms = [module for module in network.modules() if isinstance(module, NormedConv2d)]
    for module in norms:
        module.calibrating = True
    network(composite, mask)


@torch.no_grad()
def settle(network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Set the running statistics of all batch norms to those of a few batches of composites and masks."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    network.train()
    for composite, mask in batches:
        network(composite, mask)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def freeze_norms(network: nn.Module, names: str) -> None:
    """Let batch norms whose name matches use their running statistics in training mode too, and never change them."""
    wanted = re.compile(names)
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and wanted.search(name):
            module.eval()


def folded(state: Mapping[str, Tensor], keep: Container[str] = (), epsilon: float = 1e-5) -> dict[str, Tensor]:
    """The state dict with inserted norms multiplied into the weights before them, except those named in `keep`."""
    plain = dict(state)
    for name in state:
        if not name.endswith(_NORM + "running_var") or name in keep:
            continue
        conv = name.removesuffix(_NORM + "running_var")
        mean, shift = state[f"{conv}{_NORM}running_mean"], state[f"{conv}{_NORM}bias"]
        factor = state[f"{conv}{_NORM}weight"] * torch.rsqrt(state[name] + epsilon)
        plain[f"{conv}.weight"] = state[f"{conv}.weight"] * factor.view(-1, 1, 1, 1)
        plain[f"{conv}.bias"] = (state[f"{conv}.bias"] - mean) * factor + shift
        for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            del plain[f"{conv}{_NORM}{part}"]
    return plain
