"""Made-up composites for tests of SceneFit."""

from __future__ import annotations

import torch
from harmonize_models.networks.scenefit import INPUT_SIZE
from torch import Tensor


def scene(count: int = 2, side: int = INPUT_SIZE, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Soft blobs of color under a soft round mask."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    picture = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(0, 1)
    place = (torch.arange(side) + 0.5) / side - 0.5
    distance = (place[:, None].square() + place.square()).sqrt()
    mask = ((0.3 - distance) * 40).clamp(0, 1).expand(count, 1, side, side)
    return (picture * 255).round() / 255, mask
