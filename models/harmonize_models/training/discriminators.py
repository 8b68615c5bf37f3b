"""The papers' discriminators for the adversarial term (LSGAN)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .choices import Discriminator
from .distributed import unwrapped

SMALLEST_JUDGED = 80
"""Side in pixels below which a discriminator has no pixel left to judge."""


def build_discriminator(kind: Discriminator) -> nn.Module | None:
    """A fresh discriminator: pictures [B, 3, H, W] (for `PATCH` also the composite) -> verdicts [B, 1, h, w]."""
    if kind is Discriminator.S2CRNET:
        return _liang()
    return PatchDiscriminator() if kind is Discriminator.PATCH else None


def _liang() -> nn.Sequential:
    """Liang 2021: 5x5 convolutions of stride 2 to 512 channels, then 4x4 to one verdict a place."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 5, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
    for inputs, outputs in ((64, 128), (128, 256), (256, 512)):
        layers += [nn.Conv2d(inputs, outputs, 5, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.Conv2d(512, 1, 4))


class PatchDiscriminator(nn.Module):
    """Cun & Pun 2020 (mask-free S²AM): PatchGAN that sees the picture together with the composite it came from.

    Both are given in [0, 1] and seen in [-1, 1].
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(6, 64, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for inputs, outputs in ((64, 128), (128, 256), (256, 512)):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.InstanceNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(512, 1, 4, padding=1, bias=False))

    def forward(self, picture: Tensor, composite: Tensor) -> Tensor:
        verdict: Tensor = self.layers(torch.cat([picture, composite], dim=1) * 2 - 1)
        return verdict


def judge(discriminator: nn.Module, picture: Tensor, composite: Tensor) -> Tensor:
    """The verdict on `picture`, whichever discriminator it is."""
    sees_composite = isinstance(unwrapped(discriminator), PatchDiscriminator)
    verdict: Tensor = discriminator(picture, composite) if sees_composite else discriminator(picture)
    return verdict
