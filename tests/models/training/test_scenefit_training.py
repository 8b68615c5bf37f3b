"""SceneFit's losses and replay."""

from __future__ import annotations

import torch
from harmonize_models.networks.scenefit import CELLS, DEPTH, INPUT_SIZE, PIECES, Plan, SceneFit
from harmonize_models.training.composites import Batch
from harmonize_models.training.scenefit import REPLAYED, Replay, foreground_error, plan_loss


def batch_of(count: int = 8) -> Batch:
    """Foregrounds that are a fifth too dark."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(count, 3, INPUT_SIZE, INPUT_SIZE, generator=generator)
    mask = torch.zeros(count, 1, INPUT_SIZE, INPUT_SIZE)
    mask[..., 20:60, 20:60] = 1
    return Batch(target * (1 - 0.2 * mask), mask, target, torch.arange(count))


def plan_of(gain: float, count: int = 8, certainty: float = 0.0) -> Plan:
    """Straight curves, and a grid that multiplies by `gain`."""
    curves = torch.linspace(0, 1, PIECES + 1).expand(count, 3, -1)
    grid = (torch.eye(3, 4) * gain).expand(count, DEPTH, CELLS, CELLS, 3, 4)
    return Plan(curves, grid, torch.ones(count), torch.full((count,), certainty))


def test_right_plan_costs_least() -> None:
    batch = batch_of()
    right, nothing, wrong = (float(plan_loss(plan_of(gain), batch)) for gain in (1.25, 1.0, 0.8))
    assert right < nothing < wrong


def test_being_sure_of_the_right_plan_costs_less_than_doubting_it() -> None:
    batch = batch_of()
    assert plan_loss(plan_of(1.25, certainty=3.0), batch) < plan_loss(plan_of(1.25, certainty=-3.0), batch)
    assert plan_loss(plan_of(0.8, certainty=3.0), batch) > plan_loss(plan_of(0.8, certainty=-3.0), batch)


def test_error_counts_the_foreground_alone() -> None:
    batch = batch_of(2)
    spoilt = torch.where(batch.mask > 0, batch.target, 1 - batch.target)
    assert torch.allclose(foreground_error(spoilt, batch.target, batch.mask), torch.zeros(2))


def test_replayed_composites_are_the_results_of_the_step_before() -> None:
    batch = batch_of(2 * REPLAYED)
    replay = Replay.of(plan_of(1.25, 2 * REPLAYED), batch)
    count = len(batch.composite) // REPLAYED
    assert len(replay.composite) == count
    assert (replay.composite - batch.target[:count]).abs().max() < 0.6 / 255
    mixed = replay.into(batch)
    assert torch.equal(mixed.composite[:-count], batch.composite[:-count])
    assert torch.equal(mixed.composite[-count:], replay.composite)
    assert torch.equal(mixed.target[-count:], batch.target[:count])


def test_a_few_steps_on_one_batch_learn_it() -> None:
    torch.manual_seed(0)
    network, batch = SceneFit().train(), batch_of(4)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    errors = []
    for _ in range(12):
        plan = network.plan(batch.composite, batch.mask)
        optimizer.zero_grad()
        plan_loss(plan, batch, (1, 2)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        errors.append(float(foreground_error(plan.render(batch.composite).detach(), batch.target, batch.mask).mean()))
    assert min(errors[-3:]) < 0.5 * errors[0]
