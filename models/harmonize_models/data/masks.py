"""Masks as artists and datasets have them: exact, feathered, too wide, too narrow, a little wrong."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def vary_masks(masks: Tensor, generator: torch.Generator, unchanged: float = 0.4) -> Tensor:
    """Dilate, erode, feather or bend some masks of a batch at random; about a share `unchanged` stays as it is.

    masks: [B, 1, H, W] float in [0, 1].
    """
    chosen = (torch.rand(len(masks), generator=generator) >= unchanged).nonzero()[:, 0].to(masks.device)
    if not len(chosen):
        return masks
    return masks.index_copy(0, chosen, _bend(masks[chosen], generator))


def _bend(masks: Tensor, generator: torch.Generator) -> Tensor:
    """A blurred mask under a ramp is the mask with its edge moved (the ramp's center) and softened (its width).

    A center that wanders over the picture makes the edge wrong here and there. One blur radius serves the whole batch,
    which keeps this to a few passes.
    """
    count, _, height, width = masks.shape
    radius = int(torch.randint(1, max(2, height // 40), (), generator=generator))

    def draw(*shape: int) -> Tensor:
        return torch.randn(count, 1, *shape, generator=generator)

    wander = draw(6, 6) * 0.15 * (draw(1, 1) > 0.5)
    center, softness = 0.5 + draw(1, 1) * 0.2, draw(1, 1).abs() * 0.25
    wander, center, softness = wander.to(masks.device), center.to(masks.device), softness.to(masks.device)
    center = (center + F.interpolate(wander, (height, width), mode="bilinear")).clamp(0.1, 0.9)
    # No wider than the way to 0 and to 1, so that what is surely outside stays 0 and what is surely inside stays 1.
    half_width = torch.minimum(softness.clamp(min=0.02), torch.minimum(center, 1 - center))
    return ((_box_blur(masks, radius) - center) / (2 * half_width) + 0.5).clamp(0, 1)


def _box_blur(masks: Tensor, radius: int) -> Tensor:
    padded = F.pad(masks, (radius, radius, radius, radius), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, (2 * radius + 1, 1), 1), (1, 2 * radius + 1), 1)
