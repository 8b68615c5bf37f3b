"""Differentiable curves and grids agree with the product's definition."""

from __future__ import annotations

import numpy as np
import torch
from harmonize_models.adjustments.grid import ColorGrid
from harmonize_models.networks.rendering import apply_curves, apply_grid, monotone_curves


def test_equal_logits_are_the_identity() -> None:
    curves = monotone_curves(torch.zeros(1, 3, 16))
    assert torch.allclose(curves[0, 0], torch.linspace(0, 1, 17), atol=1e-6)


def test_any_logits_give_rising_curves() -> None:
    curves = monotone_curves(torch.randn(8, 3, 16, generator=torch.Generator().manual_seed(0)) * 20)
    assert (curves.diff(dim=-1) > 0).all()
    assert torch.allclose(curves[..., -1], torch.ones(8, 3), atol=1e-5)


def test_curves_interpolate_linearly() -> None:
    curves = torch.tensor([[[0.0, 0.8, 1.0]] * 3])
    pixels = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]).expand(1, 3, 1, 5)
    assert torch.allclose(apply_curves(curves, pixels)[0, 0, 0], torch.tensor([0.0, 0.4, 0.8, 0.9, 1.0]))


def test_grid_equals_the_product_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    grid = torch.eye(3, 4) + 0.3 * torch.randn(1, 4, 5, 6, 3, 4, generator=generator)
    pixels = torch.rand(1, 3, 20, 31, generator=generator)
    found = apply_grid(grid, pixels)[0].permute(1, 2, 0).numpy()
    color = pixels[0].permute(1, 2, 0).numpy()
    luma = color @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    v, u = np.meshgrid((np.arange(20) + 0.5) / 20, (np.arange(31) + 0.5) / 31, indexing="ij")
    transforms = ColorGrid(grid[0].numpy()).slice(u, v, luma)
    expected = np.einsum("hwij,hwj->hwi", transforms, np.concatenate([color, np.ones((20, 31, 1))], axis=2))
    assert np.abs(found - expected).max() < 1e-4


def test_gradients_reach_curves_grid_and_pixels() -> None:
    curves = torch.linspace(0, 1, 9).expand(1, 3, 9).clone().requires_grad_()
    grid = torch.eye(3, 4).expand(1, 2, 3, 3, 3, 4).clone().requires_grad_()
    pixels = torch.rand(1, 3, 6, 6).requires_grad_()
    apply_grid(grid, apply_curves(curves, pixels)).square().sum().backward()
    for leaf in (curves, grid, pixels):
        assert leaf.grad is not None
        assert leaf.grad.abs().sum() > 0
