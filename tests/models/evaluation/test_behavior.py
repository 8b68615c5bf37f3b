"""Robustness, stability and the guard, on small cases made here and networks whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from harmonize_models.evaluation.behavior import gain_line
from harmonize_models.evaluation.cases import Cases
from harmonize_models.evaluation.guard import GuardPoint, choose, halves, trade_off, trade_off_by_confidence
from harmonize_models.evaluation.robustness import CONDITIONS, feathered, orange, robustness
from harmonize_models.evaluation.stability import stability
from harmonize_models.networks.base import HarmonizationNetwork, Prediction
from harmonize_models.networks.scenefit import GUARD_OFF, SceneFit
from torch import Tensor


class Nothing(HarmonizationNetwork):
    """Leaves every picture as it is."""

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        return Prediction(composite)


class Brighter(HarmonizationNetwork):
    """Adds ten levels to the foreground, always."""

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        return Prediction(composite + mask * 10 / 255)


class Orange(HarmonizationNetwork):
    """Puts what the mask covers into orange light, always."""

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        return Prediction(torch.lerp(composite, orange(composite), mask))


def dark_foregrounds(count: int = 4, side: int = 64) -> Cases:
    """The composite is ten levels darker than the target within a square."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(60, 200, (count, 3, side, side), generator=generator, dtype=torch.uint8)
    masks = torch.zeros(count, 1, side, side, dtype=torch.uint8)
    masks[..., 16:40, 16:40] = 255
    composites = torch.where(masks > 0, targets - 10, targets)
    names = tuple(f"photo{i}.mask0#0" for i in range(count))
    return Cases(
        composites, masks, targets, torch.zeros(count).long(), torch.full((count,), -1), names, torch.arange(count)
    )


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_every_condition_keeps_shapes_and_ranges(condition: object) -> None:
    batch = next(dark_foregrounds().batches(4))
    changed = condition.change(batch)  # type: ignore[attr-defined]
    assert changed.composite.shape == batch.composite.shape
    assert changed.mask.shape == batch.mask.shape
    for picture in (changed.composite, changed.mask, changed.target):
        assert picture.min() >= 0
        assert picture.max() <= 1


def test_right_answer_scores_as_such_under_robustness() -> None:
    rows = {row.name: row for row in robustness(Brighter().eval(), dark_foregrounds())}
    plain = rows["as they are"]
    assert plain.fmse_before == pytest.approx(100, rel=0.01)
    assert plain.fmse_after < 1e-3
    assert plain.worse == 0
    assert "foreground below 2 %" not in rows
    assert rows["mask: displaced"].fmse_after > 10


def test_scenes_are_matched_to_their_objects_under_the_inverted_mask() -> None:
    rows = {row.name: row for row in robustness(Orange().eval(), dark_foregrounds())}
    scene = rows["scene to an object in orange light"]
    assert scene.fmse_before > 100
    assert scene.fmse_after < 1
    assert rows["as they are"].fmse_after > 100


def test_doing_nothing_is_perfectly_stable() -> None:
    found = stability(Nothing().eval(), dark_foregrounds(), 64)
    assert (found.change, found.identity, found.twice, found.shifted, found.identity_kept) == (0, 0, 0, 0, 1)


def test_constant_change_is_neither_identity_nor_idempotent() -> None:
    found = stability(Brighter().eval(), dark_foregrounds(), 64)
    assert found.change == pytest.approx(10, abs=0.1)
    assert found.identity == pytest.approx(10, abs=0.1)
    assert found.twice == pytest.approx(10, abs=0.1)
    assert found.shifted < 0.1
    assert found.identity_kept == 0


def test_guard_wide_open_and_shut_are_the_ends_of_the_curve() -> None:
    torch.manual_seed(0)
    network = SceneFit()
    torch.nn.init.normal_(network.affine_head.weight, std=0.02)
    cases = dark_foregrounds()
    opened, shut = trade_off(network, cases, [GUARD_OFF, 1e6])
    assert opened.untouched == 0
    assert shut.untouched == 1
    assert shut.worse == shut.harmed == 0
    assert shut.fmse == pytest.approx(100, rel=0.01)
    assert opened.fmse != pytest.approx(100, rel=0.01)


def test_chosen_threshold_gains_most_among_the_careful() -> None:
    points = [
        GuardPoint(-1, psnr=31, fmse=1, worse=0.3, harmed=0, untouched=0),
        GuardPoint(0, psnr=30.5, fmse=1, worse=0.02, harmed=0, untouched=0.4),
        GuardPoint(1, psnr=30.1, fmse=1, worse=0.01, harmed=0, untouched=0.8),
    ]
    assert choose(points, 0.02).threshold == 0
    assert choose(points, 0.5).threshold == -1
    assert choose(points, 0.001).threshold == 1


def test_halves_share_no_photo() -> None:
    first, second = halves(dark_foregrounds(12))
    assert len(first) + len(second) == 12
    assert not {name.split(".")[0] for name in first.names} & {name.split(".")[0] for name in second.names}


def test_halves_share_no_photo_whatever_their_composites_are_called() -> None:
    names = tuple(f"c{photo}_1_{variant}.jpg" for photo in range(6) for variant in range(4))  # as iHarmony4's
    cases = replace(dark_foregrounds(24), names=names, photos=torch.arange(6).repeat_interleave(4))
    first, second = halves(cases)
    assert len(first) + len(second) == 24
    assert min(len(first), len(second)) > 0
    assert not set(first.photos.tolist()) & set(second.photos.tolist())


def test_asking_for_certainty_leaves_everything_alone_and_asking_for_none_what_the_guard_lets_through() -> None:
    torch.manual_seed(0)
    network = SceneFit()
    torch.nn.init.normal_(network.affine_head.weight, std=0.02)
    cases = dark_foregrounds()
    anything, certain = trade_off_by_confidence(network, cases, [0.0, 1.0])
    assert certain.untouched == 1
    assert certain.worse == 0
    (guarded,) = trade_off(network, cases, [GUARD_OFF])
    assert (anything.psnr, anything.fmse, anything.untouched) == (guarded.psnr, guarded.fmse, 0)


def test_a_feathered_mask_that_covers_all_covers_all() -> None:
    assert torch.allclose(feathered(torch.ones(1, 1, 60, 60)), torch.ones(1, 1, 60, 60), atol=1e-5)


def test_the_gain_is_told_with_how_far_other_photos_could_move_it() -> None:
    line = gain_line("brighter", Brighter(), dark_foregrounds())
    assert "fMSE 100 -100 ± 0 = 0 " in line
    assert "+0.00 ± 0.00 = " in gain_line("nothing", Nothing(), dark_foregrounds())
