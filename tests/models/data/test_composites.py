"""Composites made on the fly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from harmonize_models.data.composites import Batch, CompositeMaker, Recipe, resize, seeded
from harmonize_models.data.edits import apply, identity, random_edits
from harmonize_models.data.light import random_light
from harmonize_models.data.masks import vary_masks
from harmonize_models.data.photos import PhotoSet, load_photos
from harmonize_models.data.sources import Skipped
from harmonize_models.data.transfers import Transfer, plausible, transfer, weaken

PLAIN = Recipe(vary_masks=False, light_share=0)


@pytest.fixture(scope="module")
def photos(photo_folder: Path) -> PhotoSet:
    return load_photos([photo_folder], "train", 72, Skipped())


def a_batch(photos: PhotoSet, recipe: Recipe, seed: int = 1, count: int = 20) -> Batch:
    return CompositeMaker(photos, recipe).batch(count, 64, seeded(seed))


def changed(batch: Batch) -> torch.Tensor:
    """Mean change within the mask of each picture, in 8-bit levels."""
    change = ((batch.composite - batch.target).abs() * batch.mask).sum(dim=(1, 2, 3))
    return 255 * change / (3 * batch.mask.sum(dim=(1, 2, 3)))


def test_the_same_seed_gives_the_same_batch_and_another_one_another(photos: PhotoSet) -> None:
    first, again, other = (a_batch(photos, Recipe(), seed) for seed in (1, 1, 2))
    for field in ("composite", "mask", "target", "label"):
        assert torch.equal(getattr(first, field), getattr(again, field))
    assert not torch.equal(first.composite, other.composite)


def test_batches_are_pictures_of_8_bits_in_range(photos: PhotoSet) -> None:
    batch = a_batch(photos, Recipe())
    assert batch.composite.shape == batch.target.shape == (20, 3, 64, 64)
    assert batch.mask.shape == (20, 1, 64, 64)
    levels = batch.composite * 255
    assert torch.allclose(levels, levels.round(), atol=1e-3)
    assert float(levels.min()) >= 0
    assert float(levels.max()) <= 255


def test_only_the_foreground_changes(photos: PhotoSet) -> None:
    batch = a_batch(photos, PLAIN)
    outside = (batch.mask == 0).expand_as(batch.target)
    assert (batch.composite - batch.target)[outside].abs().max() < 1e-6


def test_every_crop_has_foreground(photos: PhotoSet) -> None:
    assert (a_batch(photos, PLAIN, count=60).mask.sum(dim=(1, 2, 3)) > 40).all()


def test_some_composites_need_no_change_and_the_others_do(photos: PhotoSet) -> None:
    change = changed(a_batch(photos, replace(PLAIN, identity_share=0.25), count=40))
    assert 8 <= int((change < 0.3).sum()) <= 20
    assert int((change > 2).sum()) >= 20


def test_kinds_of_change_keep_their_shares_when_the_implausible_are_dropped(photos: PhotoSet) -> None:
    recipe = replace(PLAIN, identity_share=0.5, edit_share=0.25, spare=3.0)
    unchanged = sum(int((changed(a_batch(photos, recipe, seed, 40)) < 0.3).sum()) for seed in range(4))
    assert 60 <= unchanged <= 120  # of 160; whoever stands first in the list would have all places


def test_pasted_foregrounds_are_in_another_light_than_their_scene(photos: PhotoSet) -> None:
    untouched = replace(PLAIN, identity_share=1.0, edit_share=0.0)
    plain = a_batch(photos, untouched)
    pasted = a_batch(photos, replace(untouched, pasted_share=1.0))
    outside = (pasted.mask == 0).expand_as(pasted.target)
    assert (pasted.composite - pasted.target)[outside].abs().max() < 1e-6
    assert (changed(pasted) > 2).float().mean() > 0.8
    new_scene = (pasted.target - plain.target).abs().mean(dim=(1, 2, 3)) > 1e-3
    assert 4 <= int(new_scene.sum()) <= 16
    inside = (pasted.mask == 1).expand_as(pasted.target)
    kept = torch.where(new_scene[:, None, None, None], plain.target - pasted.composite, 0.0)
    assert kept[inside].abs().max() < 1e-6  # the foreground stays as it was photographed


def test_scenes_in_another_light_change_composite_and_target_alike(photos: PhotoSet) -> None:
    plain = a_batch(photos, replace(PLAIN, identity_share=1.0, edit_share=0.0))
    relit = a_batch(photos, replace(PLAIN, identity_share=1.0, edit_share=0.0, scene_share=0.5))
    assert torch.equal(relit.composite, relit.target)
    different = (relit.target - plain.target).abs().mean(dim=(1, 2, 3)) > 2 / 255
    assert 4 <= int(different.sum()) <= 16


def test_graded_photos_differ_a_little_from_what_was_photographed(photos: PhotoSet) -> None:
    untouched = replace(PLAIN, identity_share=1.0, edit_share=0.0)
    plain, graded = a_batch(photos, untouched), a_batch(photos, replace(untouched, graded_share=1.0))
    difference = (graded.target - plain.target).abs().mean(dim=(1, 2, 3))
    assert torch.equal(graded.composite, graded.target)
    assert 1 / 255 < difference.mean() < 25 / 255


def test_reversed_composites_are_changed_where_their_object_is_not(photos: PhotoSet) -> None:
    pasted = replace(PLAIN, identity_share=1.0, edit_share=0.0, pasted_share=1.0)
    plain, reversed_ = a_batch(photos, pasted), a_batch(photos, replace(pasted, reversed_share=1.0))
    assert torch.equal(reversed_.mask, 1 - plain.mask)
    outside = (reversed_.mask == 0).expand_as(reversed_.target)
    assert (reversed_.composite - reversed_.target)[outside].abs().max() < 1e-6
    assert (changed(reversed_) > 2).float().mean() > 0.8


def test_references_are_mostly_of_the_same_category(shard_folder: Path) -> None:
    photos = load_photos([shard_folder], "train", 32, Skipped())
    maker = CompositeMaker(photos, Recipe(same_category=1.0))
    chosen = torch.arange(len(photos))
    references = maker._references(chosen, seeded(1))
    assert torch.equal(photos.labels[references], photos.labels[chosen])


def test_the_identity_changes_nothing() -> None:
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(apply(identity(2), pixels), pixels.float() / 255, atol=1e-6)


def test_edits_have_monotone_curves_nearly_always() -> None:
    edits = random_edits(200, seeded(1))
    falling = (edits.curve.diff(dim=2) < -1e-4).any(dim=2).any(dim=1)
    assert float(falling.float().mean()) < 0.1
    assert float(edits.curve.min()) >= 0
    assert float(edits.curve.max()) <= 1


@pytest.mark.parametrize("kind", Transfer)
def test_transfers_move_the_mean_to_the_references(kind: Transfer) -> None:
    generator = torch.Generator().manual_seed(0)
    own = 0.2 + 0.3 * torch.rand(3, 3, 512, generator=generator)
    reference = 0.4 + 0.3 * torch.rand(3, 3, 512, generator=generator)
    moved = apply(transfer(kind, own, reference, generator), (own * 255).round().to(torch.uint8))
    assert torch.allclose(moved.mean(dim=2), reference.mean(dim=2), atol=0.02)


def test_a_change_of_no_strength_is_none() -> None:
    edits = weaken(random_edits(4, seeded(3)), torch.zeros(4))
    assert torch.allclose(edits.curve, identity(4).curve)
    assert torch.allclose(edits.quadratic, identity(4).quadratic)


def test_implausible_changes_are_told_from_plausible_ones() -> None:
    before = 0.2 + 0.5 * torch.rand(1, 3, 500, generator=torch.Generator().manual_seed(0))
    verdicts = [bool(plausible(before, after)[0]) for after in (before * 0.8, before, before * 0.05, before * 0 + 0.5)]
    assert verdicts == [True, False, False, False]


def test_masks_vary_but_stay_sure_far_from_the_edge() -> None:
    masks = torch.zeros(30, 1, 64, 64)
    masks[:, :, 16:48, 16:48] = 1
    varied = vary_masks(masks, seeded(1), unchanged=0.3)
    same = (varied == masks).flatten(1).all(dim=1)
    assert 0 < int(same.sum()) < 25
    assert (varied[:, :, 30:34, 30:34] == 1).all()
    assert (varied[:, :, :8] == 0).all()
    assert ((varied > 0.05) & (varied < 0.95)).any()


def test_light_falls_on_a_share_of_the_pictures() -> None:
    gain = random_light(200, (16, 16), seeded(1), share=0.25)
    lit = (gain - 1).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert 20 < int(lit.sum()) < 80


def test_resizing_is_by_area() -> None:
    pictures = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    pictures[:, :, ::2] = 200
    assert (resize(pictures, 2).float() - 100).abs().max() < 30
