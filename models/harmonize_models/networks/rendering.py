"""Tone curves and color grids as differentiable tensor code: what `harmonize_models.render` does, for training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harmonize_models.colorspace import luma


def monotone_curves(logits: Tensor) -> Tensor:
    """[B, C, P] -> [B, C, P + 1]: curves that rise from 0 to 1; equal logits are the identity.

    Increments are softplus, divided by their sum (end points as in S²CRNet, equation 1; rising by construction).
    """
    increments = torch.nn.functional.softplus(logits.float() + 1) + 1e-3
    shares = increments / increments.sum(dim=-1, keepdim=True)
    return torch.nn.functional.pad(shares.cumsum(dim=-1), (1, 0))


def apply_curves(values: Tensor, pixels: Tensor) -> Tensor:
    """Send [B, C, ...], clamped to [0, 1], through piecewise linear curves [B, C, P + 1]; differentiable in both."""
    pieces = values.shape[-1] - 1
    flat = pixels.flatten(2)
    position = flat.clamp(0, 1) * pieces
    index = position.detach().floor().clamp(max=pieces - 1)
    lower = index.long()
    start = values.gather(2, lower)
    slope = values.diff(dim=-1).gather(2, lower)
    return (start + slope * (position - index)).view_as(pixels)


def composed_curves(stages: Sequence[Tensor], pieces: int) -> Tensor:
    """Curves that are applied one after the other, [B, C, P + 1] each, sampled as one, [B, C, pieces + 1]."""
    values = torch.linspace(0, 1, pieces + 1, device=stages[0].device).expand(*stages[0].shape[:2], -1)
    for curves in stages:
        values = apply_curves(curves, values)
    return values


def _tent(positions: Tensor, cells: int) -> Tensor:
    """Positions in [0, 1] of any shape -> weights [..., cells] of linear interpolation between cell centers."""
    place = (positions * cells - 0.5).clamp(0, cells - 1)
    centers = torch.arange(cells, device=positions.device, dtype=positions.dtype)
    return (1 - (place[..., None] - centers).abs()).clamp(min=0)


def apply_grid(grid: Tensor, pixels: Tensor) -> Tensor:
    """Send [B, 3, H, W] through a bilateral grid [B, D, GH, GW, 3, 4] that spans the picture; differentiable in both.

    The guide is luma; between the centers of the cells coefficients are interpolated linearly in all three directions.
    """
    batch, depth, rows, columns = grid.shape[:4]
    height, width = pixels.shape[2:]
    device, dtype = pixels.device, pixels.dtype
    down = _tent((torch.arange(height, device=device, dtype=dtype) + 0.5) / height, rows)
    across = _tent((torch.arange(width, device=device, dtype=dtype) + 0.5) / width, columns)
    # Interpolation in space is a product with two constant matrices. Only what differs from the identity goes through
    # them, so that under autocast a short mantissa costs nothing visible.
    change = grid - torch.eye(3, 4, device=device, dtype=grid.dtype)
    cells = change.permute(0, 4, 5, 1, 2, 3).reshape(batch, 3 * 4 * depth, rows, columns)
    coefficients = torch.einsum("hr,bkrc,wc->bkhw", down, cells, across).to(dtype).view(batch, 3, 4 * depth, -1)
    level = _tent(luma(pixels).flatten(1).clamp(0, 1), depth).transpose(1, 2)
    color = torch.cat([pixels, torch.ones_like(pixels[:, :1])], dim=1).flatten(2)
    terms = (color[:, :, None] * level[:, None]).flatten(1, 2)  # [B, 4 * D, HW]
    return pixels + (coefficients * terms[:, None]).sum(dim=2).view_as(pixels)
