"""What SceneFit decides: tone curves and a color grid for each composite of a batch, as tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from harmonize_models.networks.rendering import apply_curves, apply_grid, composed_curves

COMPOSED_PIECES = 64
"""Pieces of the curve that several curves make together."""
GUARD_WIDTH = 1.5
"""The guard opens between its threshold divided by this and its threshold multiplied by this."""


@dataclass(frozen=True)
class Plan:
    """What SceneFit decides about a batch, before anything is rendered and before the guard."""

    curves: Tensor
    """[B, 3, P + 1]: monotone tone curves of P pieces from 0 to 1."""
    grid: Tensor
    """[B, D, GH, GW, 3, 4]: affine color transforms, applied after the curves."""
    change: Tensor
    """[B]: how much all that changes the foreground, in levels of 255 (root mean square). Without gradient."""
    certainty: Tensor
    """[B]: the log-odds that the change helps."""

    def scaled(self, share: Tensor) -> Plan:
        """The same plan carried out by `share` [B] in [0, 1]: 0 changes nothing."""
        straight = torch.linspace(0, 1, self.curves.shape[-1], device=self.curves.device)
        curves = straight + share[:, None, None] * (self.curves - straight)
        still = torch.eye(3, 4, device=self.grid.device)
        grid = still + share[:, None, None, None, None, None] * (self.grid - still)
        return Plan(curves, grid, self.change, self.certainty)

    def let_through(self, threshold: Tensor | float) -> Tensor:
        """[B] in [0, 1]: the share of the change that a guard at `threshold` (levels of 255) lets through; smooth.

        The expected gain of a network that predicts the mean of what is possible is the square of its own change: small
        changes have little to win, and are as often wrong as right.
        """
        ratio = (self.change + 1e-3) / torch.as_tensor(threshold, device=self.change.device).float().clamp(min=1e-6)
        open_by = (ratio.log() / (2 * math.log(GUARD_WIDTH)) + 0.5).clamp(0, 1)
        return open_by * open_by * (3 - 2 * open_by)

    def then(self, later: Plan) -> Plan:
        """This plan and after it another one, as one plan; of the size of the change and the certainty, the later's.

        The later curves are applied before this one's grid instead of after it. What they change in each other's place
        is the product of two small changes, and not to be seen.
        """
        curves = composed_curves([self.curves, later.curves], COMPOSED_PIECES)
        bottom = self.grid.new_tensor([0, 0, 0, 1]).expand(*self.grid.shape[:-2], 1, 4)
        earlier = torch.cat([self.grid, bottom], dim=-2)
        # Written out, because autocast would round a matrix product to eight bits.
        grid = (later.grid[..., None] * earlier[..., None, :, :]).sum(dim=-2)
        return Plan(curves, grid, later.change, later.certainty)

    def part(self, part: slice) -> Plan:
        """The plan of some of the composites, without gradients."""
        return Plan(*(each[part].detach() for each in (self.curves, self.grid, self.change, self.certainty)))

    def render(self, pixels: Tensor) -> Tensor:
        """[B, 3, H, W] in [0, 1] -> the changed colors of every pixel, not clamped."""
        return apply_grid(self.grid, apply_curves(self.curves, pixels))

    def change_of(self, pixels: Tensor) -> Tensor:
        """What that adds to the color of every pixel of [B, 3, H, W] in [0, 1]; the sum stays in [0, 1]."""
        return self.render(pixels).clamp(0, 1).to(pixels.dtype) - pixels

    def carried_out(self, composite: Tensor, mask: Tensor) -> Tensor:
        """The composite [B, 3, H, W] with the changed colors within the mask [B, 1, H, W]."""
        return torch.addcmul(composite, self.change_of(composite), mask)

    @torch.no_grad()
    def size_of_change(self, composite: Tensor, mask: Tensor) -> Tensor:
        """[B]: root mean square of the change within the mask, levels of 255."""
        composite, mask = composite.float(), mask.float()
        square = self.change_of(composite).square() * mask
        return (square.sum(dim=(1, 2, 3)) / (3 * mask.sum(dim=(1, 2, 3)) + 1e-3)).sqrt() * 255
