"""The composites that everything is compared on: fixed by the photos and a seed, and known by a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..data.composites import Batch, CompositeMaker, Recipe, resize, seeded
from ..data.photos import PhotoSet
from .defaults import SEED, VARIANTS

TRIES = 5
"""Changes drawn for each composite until one is plausible."""


@dataclass(frozen=True)
class Cases:
    """K composites with masks and targets at one size."""

    composites: Tensor
    """[K, 3, T, T] uint8."""
    masks: Tensor
    """[K, 1, T, T] uint8."""
    targets: Tensor
    """[K, 3, T, T] uint8."""
    labels: Tensor
    """[K] int64."""
    kinds: Tensor
    """[K] int64: what changed the foreground, a number of `data.composites.KINDS`; -1 = not known."""
    names: tuple[str, ...]
    photos: Tensor
    """[K] int64: a number for the photo of each case; one photo may have several masks, and more composites."""

    def __len__(self) -> int:
        return len(self.labels)

    def digest(self) -> str:
        """The first 16 hex digits of a SHA-256 over all pictures."""
        sha = hashlib.sha256()
        for tensor in (self.composites, self.masks, self.targets):
            sha.update(tensor.contiguous().numpy().tobytes())
        return sha.hexdigest()[:16]

    def some(self, count: int) -> Cases:
        """At most `count` of them, evenly spread."""
        if count >= len(self):
            return self
        return self.pick(torch.linspace(0, len(self) - 1, count).round().long())

    def pick(self, index: Tensor) -> Cases:
        """The cases at `index` [K] int64."""
        return Cases(
            self.composites[index],
            self.masks[index],
            self.targets[index],
            self.labels[index],
            self.kinds[index],
            tuple(self.names[i] for i in index.tolist()),
            self.photos[index],
        )

    def batches(self, count: int, device: torch.device | None = None) -> Iterator[Batch]:
        """Float batches of at most `count` on `device`."""
        for start in range(0, len(self), count):
            part = slice(start, start + count)
            yield Batch(
                self.composites[part].to(device).float() / 255,
                self.masks[part].to(device).float() / 255,
                self.targets[part].to(device).float() / 255,
                self.labels[part].to(device),
            )


def build_cases(
    photos: PhotoSet, side: int = 256, seed: int = SEED, variants: int = VARIANTS, recipe: Recipe | None = None
) -> Cases:
    """Composites of every mask of `photos` (held on the CPU), or the ones that the data brings with it.

    Whole pictures, exact masks, no case that needs no change: what is measured is harmonization alone.
    """
    if photos.composites is not None:
        return _ready_made(photos, side)
    recipe = replace(recipe or Recipe(), identity_share=0.0, vary_masks=False)
    maker = CompositeMaker(photos, recipe)
    parts = [_variant(maker, side, seeded(seed, number)) for number in range(variants)]
    names = tuple(f"{name}#{number}" for number in range(variants) for name in photos.names)
    composites, masks, targets, labels, kinds = (torch.cat(items) for items in zip(*parts, strict=True))
    return Cases(composites, masks, targets, labels, kinds, names, photos.photo_of.repeat(variants))


def _variant(maker: CompositeMaker, side: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """One composite of every mask, in the fields of `Cases`: of several changes drawn, the first plausible one."""
    photos = maker.photos
    count = len(photos)
    drawn = torch.cat([torch.randperm(count, generator=generator) for _ in range(TRIES)])
    changes, fine, kinds = maker.changes(drawn, generator)
    # `changes` deals its kinds out in order of position: who comes first is drawn, so that all kinds come.
    position = torch.randperm(len(drawn), generator=generator)
    place = torch.empty_like(position)
    place[position] = torch.arange(len(drawn))
    rank = place + (~fine).long() * len(drawn)
    first = position[torch.full((count,), 2 * len(drawn)).scatter_reduce(0, drawn, rank, "amin") % len(drawn)]
    done = []
    for index in torch.split(torch.arange(count), 64):
        target = resize(photos.photos[photos.photo_of[index]].permute(0, 3, 1, 2), side)
        alpha = resize(photos.masks[index].unsqueeze(1), side)
        batch = maker.compose(target, alpha.float() / 255, changes.pick(first[index]), photos.labels[index], generator)
        done.append(((batch.composite * 255).round().to(torch.uint8), alpha, target, batch.label))
    composites, masks, targets, labels = (torch.cat(items) for items in zip(*done, strict=True))
    return composites, masks, targets, labels, kinds[first]


def _ready_made(photos: PhotoSet, side: int) -> Cases:
    assert photos.composites is not None
    return Cases(
        resize(photos.composites.permute(0, 3, 1, 2), side),
        resize(photos.masks.unsqueeze(1), side),
        resize(photos.photos[photos.photo_of].permute(0, 3, 1, 2), side),
        photos.labels,
        torch.full((len(photos),), -1),
        photos.names,
        photos.photo_of,
    )
