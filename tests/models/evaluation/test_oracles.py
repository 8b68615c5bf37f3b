"""What each form of change could do at best."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.data.composites import Batch
from harmonize_models.evaluation.oracles import Oracle, ask
from torch import Tensor

SIDE = 48


def batch_of(changed: Tensor, original: Tensor) -> Batch:
    mask = torch.zeros(len(changed), 1, SIDE, SIDE)
    mask[..., 8:40, 8:40] = 1
    composite = torch.lerp(original, changed, mask)
    return Batch((composite * 255).round() / 255, mask, original, torch.zeros(len(changed)).long())


def photos() -> Tensor:
    coarse = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(3)) * 0.6 + 0.2
    return torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear")


def error(picture: Tensor, batch: Batch) -> float:
    return float(((picture - batch.target) * 255).square().mean())


CHANGES = {
    Oracle.CURVES: lambda photo: photo**1.6,
    Oracle.AFFINE: lambda photo: photo @ torch.eye(SIDE) * 0.8 + photo.roll(1, 1) * 0.15,
    Oracle.GRID: lambda photo: photo * torch.linspace(0.7, 1.1, SIDE),
}


@pytest.mark.parametrize("oracle", Oracle)
def test_each_form_undoes_a_change_of_its_own_kind(oracle: Oracle) -> None:
    batch = batch_of(CHANGES[oracle](photos()), photos())
    assert error(ask(oracle, batch), batch) < 0.02 * error(batch.composite, batch)


@pytest.mark.parametrize("oracle", Oracle)
def test_outside_the_mask_nothing_changes(oracle: Oracle) -> None:
    batch = batch_of(CHANGES[oracle](photos()), photos())
    outside = (batch.mask == 0).expand_as(batch.composite)
    assert torch.allclose(ask(oracle, batch)[outside], batch.composite[outside], atol=1e-6)


def test_no_curve_can_do_what_a_grid_does() -> None:
    batch = batch_of(CHANGES[Oracle.GRID](photos()), photos())
    assert error(ask(Oracle.CURVES, batch), batch) > 5 * error(ask(Oracle.GRID, batch), batch)
