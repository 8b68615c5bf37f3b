"""SceneFit's losses, its second looks and its settled results."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from harmonize_models.data.composites import Batch
from harmonize_models.errors import BadSettings
from harmonize_models.networks.plan import Plan
from harmonize_models.networks.scenefit import CELLS, DEPTH, INPUT_SIZE, PIECES, SceneFit
from harmonize_models.training.config import preset
from harmonize_models.training.losses import LossWeights
from harmonize_models.training.scenefit import (
    LOOKED_AT_AGAIN,
    SETTLED,
    Looks,
    Planner,
    SceneFitTrainer,
    certainty_loss,
    following_no_batch,
    foreground_error,
    in_place_of_the_first,
    plan_loss,
    settled,
    settled_count,
)


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
    sure, doubting = 3.0, -3.0
    assert certainty_loss(plan_of(1.25, certainty=sure), batch) < certainty_loss(
        plan_of(1.25, certainty=doubting), batch
    )
    assert certainty_loss(plan_of(0.8, certainty=sure), batch) > certainty_loss(plan_of(0.8, certainty=doubting), batch)


def test_error_counts_the_foreground_alone() -> None:
    batch = batch_of(2)
    spoilt = torch.where(batch.mask > 0, batch.target, 1 - batch.target)
    assert torch.allclose(foreground_error(spoilt, batch.target, batch.mask), torch.zeros(2))


@pytest.fixture(scope="module")
def looks() -> Looks:
    torch.manual_seed(0)
    batch = batch_of(2 * LOOKED_AT_AGAIN)
    looks: Looks = Planner(SceneFit().train())(batch.composite, batch.mask)
    return looks


def test_second_look_sees_what_the_first_one_makes_of_a_third_of_the_composites(looks: Looks) -> None:
    batch = batch_of(2 * LOOKED_AT_AGAIN)
    done = looks.first.part(slice(2)).carried_out(batch.composite[:2], batch.mask[:2])
    assert len(looks.first.curves) == 2 * LOOKED_AT_AGAIN
    assert len(looks.second.curves) == 2
    assert torch.equal(looks.result, done)


def test_both_looks_together_only_teach_the_certainty(looks: Looks) -> None:
    assert looks.first.curves.requires_grad
    assert looks.second.grid.requires_grad
    assert not looks.together.curves.requires_grad
    assert looks.together.certainty.requires_grad


def test_second_look_leaves_what_the_norms_have_gathered() -> None:
    network = SceneFit().train()
    before = network.standardise.running_mean.clone()
    with following_no_batch(network):
        assert not network.standardise.training
        batch = batch_of(2)
        network.look(batch.composite, network.framing(batch.mask))
    assert torch.equal(network.standardise.running_mean, before)
    assert network.standardise.training


def test_norms_that_were_held_before_a_second_look_stay_so() -> None:
    network = SceneFit().train()
    network.standardise.eval()
    with following_no_batch(network):
        assert not network.standardise_pools.training
    assert not network.standardise.training
    assert network.standardise_pools.training


def test_settled_results_are_in_8_bits_and_their_own_targets() -> None:
    batch = batch_of(SETTLED)
    nothing = plan_of(1.0, SETTLED)
    looks = Looks(nothing, batch.composite, nothing, plan_of(1.25, SETTLED))
    few = settled(looks, batch, count=1, before=1)
    assert few is not None
    assert len(few.composite) == 1
    assert torch.equal(few.composite, few.target)
    assert (few.composite - batch.target[1:2]).abs().max() < 0.6 / 255
    mixed = in_place_of_the_first(few, batch)
    assert torch.equal(mixed.composite[:1], few.composite)
    assert torch.equal(mixed.target[1:], batch.target[1:])


def test_what_was_settled_before_is_not_taken_again() -> None:
    batch, nothing = batch_of(4), plan_of(1.0, 4)
    looks = Looks(nothing, batch.composite[:2], nothing, nothing)
    few = settled(looks, batch, count=3, before=1)
    assert few is not None
    assert few.label.tolist() == [1]  # the third was not looked at twice
    assert settled(looks, batch, count=1, before=2) is None
    assert settled(looks, batch, count=0) is None


@pytest.mark.parametrize("count", [16, 24, 32, 33, 66])
def test_every_batch_size_has_the_same_share_of_settled_results(count: int) -> None:
    chances = torch.rand(20_000, generator=torch.Generator().manual_seed(0)).tolist()
    mean = sum(settled_count(count, chance) for chance in chances) / len(chances)
    assert mean == pytest.approx(count / SETTLED, abs=0.02)


@pytest.mark.parametrize("setting", ["loss", "compile"])
def test_settings_that_would_do_nothing_are_refused(setting: str) -> None:
    values = {"loss": LossWeights(l1=1.0), "compile": True}
    with pytest.raises(BadSettings, match=f"--{setting}"):
        SceneFitTrainer.check(replace(preset("scenefit"), **{setting: values[setting]}))  # type: ignore[arg-type]
    SceneFitTrainer.check(preset("scenefit"))


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
