"""Plans: joined, guarded, rendered."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.networks.plan import Plan
from harmonize_models.networks.scenefit import CELLS, DEPTH, GUARD_OFF, PIECES

from .scenes import scene


@torch.no_grad()
def test_one_plan_after_another_is_both_where_only_curves_or_only_grids_change() -> None:
    composite, _ = scene()
    straight = torch.linspace(0, 1, PIECES + 1).expand(2, 3, -1)
    still = torch.eye(3, 4).expand(2, DEPTH, CELLS, CELLS, 3, 4)
    none = torch.zeros(2)
    bent, darker = Plan(straight**1.3, still, none, none), Plan(straight, still * 0.8, none, none)
    for first, second in ((bent, bent), (darker, darker), (bent, darker)):
        expected = second.render(first.render(composite))
        assert (first.then(second).render(composite) - expected).abs().max() < 0.01


def test_guard_opens_smoothly_with_the_size_of_the_change() -> None:
    change = torch.linspace(0, 10, 1001)
    plan = Plan(torch.zeros(1001, 3, 2), torch.zeros(1001, 1, 1, 1, 3, 4), change, change)
    share = plan.let_through(3.0)
    assert (share[change < 1.9] == 0).all()
    assert (share[change > 4.6] == 1).all()
    assert share[300] == pytest.approx(0.5, abs=0.01)
    assert (share.diff() >= 0).all()
    assert share.diff().max() < 0.02
    assert (plan.let_through(GUARD_OFF) == 1).all()


def test_size_of_a_change_is_measured_in_levels_of_the_foreground() -> None:
    composite, mask = scene()
    grid = torch.eye(3, 4).expand(2, DEPTH, CELLS, CELLS, 3, 4).clone()
    grid[..., 3] = 10 / 255
    curves = torch.linspace(0, 1, PIECES + 1).expand(2, 3, -1)
    plan = Plan(curves, grid, torch.zeros(2), torch.zeros(2))
    found = plan.size_of_change(composite * 0.5, mask)
    assert torch.allclose(found, torch.full((2,), 10.0), atol=0.05)


@torch.no_grad()
def test_what_is_carried_out_changes_the_foreground_alone() -> None:
    composite, mask = scene()
    curves = torch.linspace(0, 1, PIECES + 1).expand(2, 3, -1) ** 1.5
    grid = torch.eye(3, 4) + 0.1 * torch.randn(2, DEPTH, CELLS, CELLS, 3, 4, generator=torch.Generator().manual_seed(0))
    plan = Plan(curves, grid, torch.zeros(2), torch.zeros(2))
    result = plan.carried_out(composite, mask)
    outside, inside = ((mask == share).expand_as(composite) for share in (0, 1))
    assert torch.equal(result[outside], composite[outside])
    assert torch.allclose(result[inside], plan.render(composite).clamp(0, 1)[inside], atol=1e-6)
    assert (result - composite)[inside].abs().mean() > 0.01
