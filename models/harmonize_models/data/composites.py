"""Batches of composites made on the fly: crop, flip, change the foreground, vary the mask. All on the device.

Every random decision is drawn on the CPU from a generator seeded by (seed, step, rank): the batch of a step is the same
after a resume, on another machine and on another device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .edits import ColorChange, EditRanges, apply, identity, random_edits
from .light import random_light
from .masks import vary_masks
from .photos import CELLS, PhotoSet
from .transfers import Transfer, concatenate, plausible, transfer, weaken


@dataclass(frozen=True)
class Batch:
    """B composites with what they should become."""

    composite: Tensor
    """[B, 3, T, T] float in [0, 1], rounded to 8 bits."""
    mask: Tensor
    """[B, 1, T, T] float in [0, 1]: the mask that the network is given."""
    target: Tensor
    """[B, 3, T, T] float in [0, 1]."""
    label: Tensor
    """[B] int64, values of `ForegroundClass`."""

    def part(self, part: slice) -> Batch:
        """Some of the composites."""
        return Batch(self.composite[part], self.mask[part], self.target[part], self.label[part])


KINDS = ("nothing", "edit by hand", *(f"transfer: {kind.value}" for kind in Transfer))
"""What changed a foreground, as `CompositeMaker.changes` numbers it."""


@dataclass(frozen=True)
class Recipe:
    """How composites are made. Shares are in [0, 1]."""

    identity_share: float = 0.1
    """Of composites that need no change: a network must learn to leave well alone."""
    edit_share: float = 0.45
    """Of edits as an expert makes them by hand (`edits.py`); the rest are transfers from another foreground."""
    same_category: float = 0.85
    """How often the other foreground shows the same kind of thing."""
    light_share: float = 0.25
    """Of foregrounds whose light also differs from place to place (`light.py`)."""
    graded_share: float = 0.0
    """Of photos that are graded a little first, target and composite alike, as another camera would have shown them."""
    scene_share: float = 0.0
    """Of photos whose whole look is changed first, target and composite alike: fog, dusk, casts."""
    pasted_share: float = 0.0
    """Of foregrounds from another light: strong looks like those, of the background alone or the foreground alone."""
    reversed_share: float = 0.0
    """Of the pasted ones, those whose mask is inverted: the scene is to be matched to its object."""
    vary_masks: bool = True
    """Whether the masks that composites are blended by, and those that networks are given, may be a little wrong."""
    crop: tuple[float, float] = (0.5, 1.0)
    """Smallest and largest share of the photo's area that a crop keeps."""
    spare: float = 1.3
    """Candidates per composite; implausible ones are dropped."""


SCENE_LOOKS = EditRanges(exposure=1.0, temperature=0.45, tint=0.12, contrast=0.35, saturation=0.4, fade=0.15)
"""How far the look of a whole scene goes: about twice as far as an edit of a foreground."""
GRADES = EditRanges(
    exposure=0.25, temperature=0.1, tint=0.04, contrast=0.12, gamma=0.1, saturation=0.18, tone=0.02, fade=0.03
)
"""How far a photo is graded: no further than it could have been taken so."""


def seeded(*numbers: int) -> torch.Generator:
    """A CPU generator whose state depends on all the numbers."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = ((state ^ number) * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) % 2**64
        state ^= state >> 31
    return torch.Generator().manual_seed(state % 2**63)


class CompositeMaker:
    """Makes batches from a `PhotoSet` that lies on the device."""

    def __init__(self, photos: PhotoSet, recipe: Recipe | None = None) -> None:
        self.photos = photos
        self.recipe = recipe or Recipe()
        self.device = photos.masks.device

    def batch(self, count: int, side: int, generator: torch.Generator) -> Batch:
        """`count` composites of side x side pixels, drawn with `generator`."""
        recipe = self.recipe
        if self.photos.composites is not None:
            chosen = torch.randint(len(self.photos), (count,), generator=generator)
            return self._ready_made(chosen, side, generator)
        candidates = math.ceil(count * recipe.spare)
        chosen = torch.randint(len(self.photos), (candidates,), generator=generator)
        changes, fine, _ = self.changes(chosen, generator)
        # Who stays is drawn among the plausible: `changes` deals its kinds out in order, and each has its share.
        chance = torch.rand(candidates, generator=generator).to(self.device)
        best = torch.argsort(chance + (~fine).float())[:count]
        index = chosen.to(self.device)[best]
        target, alpha = self._crop(self.photos.photos[self.photos.photo_of[index]], index, side, generator)
        if recipe.graded_share > 0:
            target = self.relit(target, generator, recipe.graded_share, GRADES)
        if recipe.scene_share > 0:
            target = self.relit(target, generator, recipe.scene_share, SCENE_LOOKS)
        batch = self.compose(target, alpha, changes.pick(best), self.photos.labels[index], generator)
        return self.pasted(batch, alpha, generator) if recipe.pasted_share > 0 else batch

    def relit(self, photos: Tensor, generator: torch.Generator, share: float, looks: EditRanges) -> Tensor:
        """Some of the photos [B, 3, T, T] uint8 in another light: edits of the whole picture."""
        chosen = self._some(share, len(photos), generator)
        return photos.index_copy(0, chosen, self._in_another_light(photos[chosen], generator, looks))

    def pasted(self, batch: Batch, alpha: Tensor, generator: torch.Generator) -> Batch:
        """The batch with some of its foregrounds exchanged for ones that seem to be from another light.

        Either the photo's background gets a new look, which the target's foreground shares and the composite's does
        not, or the composite's foreground alone gets it. These changes are as strong as they come: plausible or not,
        the scene tells what is right. Of some the mask is inverted first.
        """
        chosen = self._some(self.recipe.pasted_share, len(batch.target), generator)
        given = batch.mask
        if self.recipe.reversed_share > 0:
            inverted = chosen[self._some(self.recipe.reversed_share, len(chosen), generator)]
            alpha = alpha.index_copy(0, inverted, 1 - alpha[inverted])
            given = given.index_copy(0, inverted, 1 - given[inverted])
        photographed = batch.target[chosen]
        eight_bits = (photographed * 255).round().to(torch.uint8)
        looked = self._in_another_light(eight_bits, generator, SCENE_LOOKS).float() / 255
        whole_scene = (torch.rand(len(chosen), 1, 1, 1, generator=generator) < 0.5).to(self.device)
        target = torch.where(whole_scene, looked, photographed)
        foreground = torch.where(whole_scene, photographed, looked)
        composite = (torch.lerp(target, foreground, alpha[chosen]) * 255).round() / 255
        return Batch(
            batch.composite.index_copy(0, chosen, composite),
            given,
            batch.target.index_copy(0, chosen, target),
            batch.label,
        )

    def _in_another_light(self, photos: Tensor, generator: torch.Generator, looks: EditRanges) -> Tensor:
        """[B, 3, T, T] uint8, edited as a whole."""
        looked = apply(random_edits(len(photos), generator, looks).to(self.device), photos)
        return (looked * 255).round().to(torch.uint8)

    def _some(self, share: float, count: int, generator: torch.Generator) -> Tensor:
        """[K] int64: about that share of the places in a batch."""
        return (torch.rand(count, generator=generator) < share).nonzero()[:, 0].to(self.device)

    def compose(
        self, target: Tensor, alpha: Tensor, changes: ColorChange, labels: Tensor, generator: torch.Generator
    ) -> Batch:
        """Change the foreground of `target` [B, 3, T, T] uint8 under `alpha` [B, 1, T, T] float in [0, 1]."""
        count, size = len(target), (target.shape[2], target.shape[3])
        changed = apply(changes, target)
        if self.recipe.light_share > 0:
            gain = random_light(count, size, generator, self.recipe.light_share, device=self.device)
            changed = (changed * gain).clamp(0, 1)
        given = alpha
        if self.recipe.vary_masks:
            alpha = vary_masks(alpha, generator, unchanged=0.7)
            given = vary_masks(alpha, generator)
        original = target.float() / 255
        composite = torch.lerp(original, changed, alpha)
        return Batch((composite * 255).round() / 255, given, original, labels)

    def changes(self, chosen: Tensor, generator: torch.Generator) -> tuple[ColorChange, Tensor, Tensor]:
        """A color change for each mask `chosen` [C] (on the CPU), which are plausible, [C] bool, and their `KINDS`."""
        recipe, count = self.recipe, len(chosen)
        untouched, edited = round(count * recipe.identity_share), round(count * recipe.edit_share)
        own = self._samples(chosen)
        parts = [identity(untouched, self.device), random_edits(edited, generator).to(self.device)]
        sorts = torch.tensor([0] * untouched + [1] * (count - untouched))
        reference = self._samples(self._references(chosen, generator))
        start = untouched + edited
        kinds = list(Transfer)
        # Whoever's turn is first changes from batch to batch, so that small batches are fair as well.
        turn = int(torch.randint(len(kinds), (), generator=generator))
        bounds = torch.linspace(start, count, len(kinds) + 1).round().long().tolist()
        for number, (low, high) in enumerate(pairwise(bounds)):
            if high > low:
                kind = (number + turn) % len(kinds)
                parts.append(transfer(kinds[kind], own[low:high], reference[low:high], generator))
                sorts[low:high] = kind + 2
        changes = concatenate(parts)
        strength = 0.4 + 0.6 * torch.rand(count, generator=generator)
        strength[:start] = 1
        changes = weaken(changes, strength.to(self.device))
        fine = plausible(own, apply(changes, (own * 255).round().to(torch.uint8)))
        fine[:untouched] = True
        return changes, fine, sorts

    def _samples(self, chosen: Tensor) -> Tensor:
        return self.photos.samples[chosen.to(self.device)].transpose(1, 2).float() / 255

    def _references(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """For each mask another one, mostly of the same category."""
        photos = self.photos
        anywhere = torch.randint(len(photos), chosen.shape, generator=generator)
        share = torch.rand(chosen.shape, generator=generator)
        alike = torch.rand(chosen.shape, generator=generator) < self.recipe.same_category
        index = chosen.to(self.device)
        among = photos.peer_start[index] + (share.to(self.device) * photos.peer_count[index]).long()
        return torch.where(alike.to(self.device), photos.peers[among], anywhere.to(self.device))

    def _ready_made(self, chosen: Tensor, side: int, generator: torch.Generator) -> Batch:
        photos, index = self.photos, chosen.to(self.device)
        assert photos.composites is not None
        pair = torch.cat([photos.photos[photos.photo_of[index]], photos.composites[index]], dim=3)
        both, alpha = self._crop(pair, index, side, generator)
        target, composite = both.float().div(255).tensor_split(2, dim=1)
        given = vary_masks(alpha, generator) if self.recipe.vary_masks else alpha
        return Batch(composite, given, target, photos.labels[index])

    def _crop(self, pictures: Tensor, index: Tensor, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Cut crops of one size (for all) at places with foreground (for each), flip half of them, resize.

        pictures: [B, S, S, C] uint8, with the masks at `index` [B]. Returns [B, C, T, T] uint8 and [B, 1, T, T] float.
        """
        whole = pictures.shape[1]
        height, width = _crop_size(whole, self.recipe.crop, generator)
        top, left = self._places(index, whole, height, width, generator)
        rows = (top[:, None] + torch.arange(height, device=self.device))[:, :, None]
        columns = left[:, None] + torch.arange(width, device=self.device)
        flipped = (torch.rand(len(index), 1, generator=generator) < 0.5).to(self.device)
        columns = torch.where(flipped, columns.flip(1), columns)[:, None, :]
        number = torch.arange(len(index), device=self.device)[:, None, None]
        cut = pictures[number, rows, columns].permute(0, 3, 1, 2)
        mask = self.photos.masks[index[:, None, None], rows, columns].unsqueeze(1)
        return resize(cut, side), resize(mask, side).float() / 255

    def _places(
        self, index: Tensor, whole: int, height: int, width: int, generator: torch.Generator, tries: int = 6
    ) -> tuple[Tensor, Tensor]:
        """Of a few random places for each crop, the first that holds most of the foreground, or else the best."""
        count = len(index)
        tops = torch.randint(whole - height + 1, (count, tries), generator=generator).to(self.device)
        lefts = torch.randint(whole - width + 1, (count, tries), generator=generator).to(self.device)
        table = self.photos.coverage[index]
        number = torch.arange(count, device=self.device)[:, None]

        def corner(row: Tensor, column: Tensor) -> Tensor:
            return table[number, row * CELLS // whole, column * CELLS // whole]

        held = (
            corner(tops + height, lefts + width)
            - corner(tops, lefts + width)
            - corner(tops + height, lefts)
            + corner(tops, lefts)
        ).float()
        share = held / table[:, -1:, -1].clamp(min=1)
        score = torch.where(share > 0.6, 2 - torch.arange(tries, device=self.device) / tries, share)
        best = score.argmax(dim=1, keepdim=True)
        return tops.gather(1, best)[:, 0], lefts.gather(1, best)[:, 0]


def _crop_size(whole: int, crop: Sequence[float], generator: torch.Generator) -> tuple[int, int]:
    area, ratio = torch.rand(2, generator=generator).tolist()
    share = crop[0] + (crop[1] - crop[0]) * area
    aspect = (3 / 4) ** (1 - 2 * ratio) if crop[0] < 1 else 1.0
    height, width = math.sqrt(share * aspect), math.sqrt(share / aspect)
    return min(whole, round(whole * height)), min(whole, round(whole * width))


def resize(pictures: Tensor, side: int) -> Tensor:
    """[B, C, H, W] uint8 -> [B, C, side, side] uint8, bilinear with antialiasing (as the product's thumbnails)."""
    if pictures.shape[2:] == (side, side):
        return pictures.contiguous()
    if pictures.device.type != "cpu":  # which alone resizes bytes
        smooth = F.interpolate(pictures.float(), (side, side), mode="bilinear", antialias=True)
        return smooth.round().to(torch.uint8)
    return F.interpolate(pictures, (side, side), mode="bilinear", antialias=True).contiguous()
