"""What each form of change could do at best: fitted to the target, which no network knows."""

from __future__ import annotations

from enum import Enum

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from ..adjustments.adjustment import Adjustment
from ..adjustments.curves import Curves
from ..adjustments.fit import GridFit, fit_grid
from ..adjustments.look import Look
from ..data.composites import Batch
from ..layer import Depth, LayerFormat, Layout
from ..networks.rendering import apply_curves

PIECES = 16
"""Pieces of the curves, as many as SceneFit's have."""
GRID = GridFit(shape=(4, 8, 8), smoothness=0.5, luma_smoothness=0.5)
"""A grid of SceneFit's shape, fitted closely."""
DOUBT = 1e-3
"""Weight of changing nothing, in pixels; keeps systems solvable where there are no pixels."""


class Oracle(Enum):
    """The forms, by their names on the results page."""

    CURVES = "oracle: a curve per channel"
    AFFINE = "oracle: one affine map"
    GRID = "oracle: a color grid of 4 x 8 x 8"


def ask(oracle: Oracle, batch: Batch) -> Tensor:
    """[B, 3, H, W] in [0, 1]: the composites changed as well as the form allows, by least squares within the mask."""
    if oracle is Oracle.GRID:
        return torch.stack([_grid(batch, number) for number in range(len(batch.composite))])
    change = _curves if oracle is Oracle.CURVES else _affine
    return torch.lerp(batch.composite, change(batch.composite, batch.target, batch.mask).clamp(0, 1), batch.mask)


def _curves(composite: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    position = composite.flatten(2) * PIECES
    hats = (1 - (position[..., None] - torch.arange(PIECES + 1)).abs()).clamp(min=0)  # [B, 3, N, knots]
    weighted = hats * mask.flatten(2)[..., None]
    normal = weighted.transpose(2, 3) @ hats + DOUBT * torch.eye(PIECES + 1)
    straight = torch.linspace(0, 1, PIECES + 1)
    rest = (target - composite).flatten(2)[..., None]
    knots = straight + torch.linalg.solve(normal, weighted.transpose(2, 3) @ rest)[..., 0]
    return apply_curves(knots, composite)


def _affine(composite: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    terms = F.pad(composite.flatten(2), (0, 0, 0, 1), value=1.0)  # [B, 4, N]
    weighted = terms * mask.flatten(2)
    normal = weighted @ terms.transpose(1, 2) + DOUBT * torch.eye(4)
    change = torch.linalg.solve(normal, weighted @ (target - composite).flatten(2).transpose(1, 2))
    moved: Tensor = change.transpose(1, 2) @ terms
    return composite + moved.view_as(composite)


def _grid(batch: Batch, number: int) -> Tensor:
    """Rendered in 8 bits, as the product renders grids."""
    from ..render import render  # compiles kernels, which the other two do not need

    before, after = (p[number].permute(1, 2, 0).double().numpy() for p in (batch.composite, batch.target))
    mask = batch.mask[number, 0].numpy()
    pixels, alpha = (np.round(values * 255).astype(np.uint8) for values in (before, mask))
    adjustment = Adjustment(Curves.identity(), fit_grid(before, after, mask, GRID), "oracle")
    layer = LayerFormat(mask.shape[1], mask.shape[0], Layout.RGB, Depth.U8)
    out = np.empty(pixels.shape, np.uint8)
    render(adjustment, Look(), layer, pixels.tobytes(), alpha.tobytes(), out)
    return torch.from_numpy(out).permute(2, 0, 1).float() / 255
