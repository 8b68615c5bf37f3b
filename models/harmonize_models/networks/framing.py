"""How a mask frames a composite for SceneFit: where it looks, and how much each thing it sees there counts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the name that everyone knows)

from harmonize_models.networks.region_statistics import REGIONS, region_weights
from harmonize_models.networks.s2crnet import crop

SEEN = 5
"""Cells along each side of what is seen of a region: one token each."""
LEAST = 0.02
"""What a cell counts of which the region holds nothing."""
WAVES = 3
"""Frequencies in which a token's place in the scene is told, each twice the one before."""


def waves(rows: Tensor, columns: Tensor) -> Tensor:
    """Places in [-1, 1], [B, M] and [B, N] -> [B, M * N, 4 WAVES]: sines and cosines that tell each pair's place."""
    frequencies = math.pi / 2 * 2 ** torch.arange(WAVES, device=rows.device, dtype=torch.float32)

    def told(places: Tensor) -> Tensor:
        angles = places.float()[..., None] * frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    down = told(rows)[:, :, None].expand(-1, -1, columns.shape[1], -1)
    across = told(columns)[:, None].expand(-1, rows.shape[1], -1, -1)
    return torch.cat([down, across], dim=-1).flatten(1, 2).to(rows.dtype)


def centers(count: int, like: Tensor) -> Tensor:
    """The centers of `count` cells along one side of the scene, [B, count] in [-1, 1], for the batch of `like`."""
    places = (torch.arange(count, device=like.device, dtype=like.dtype) + 0.5) * (2 / count) - 1
    return places.expand(like.shape[0], -1)


def seen_from(box: Tensor, places: Tensor) -> Tensor:
    """Places in the scene [B, N] as places in the frame over which `box` [B, S] spreads the foreground; [-1, 1]."""
    first, last = box[:, :1], box[:, -1:]
    return ((places - first) / (last - first).clamp(min=1e-3) * 2 - 1).clamp(-1, 1)


@dataclass(frozen=True)
class View:
    """One region as the encoder shows it: what counts there, and where it is."""

    counted: Tensor
    """[B, 1, M, M]: what each cell of the encoder's maps counts."""
    shares: Tensor
    """[B, SEEN ** 2]: how much of its region each token holds."""
    places: Tensor
    """[B, SEEN ** 2, 4 WAVES]: where each token is in the scene."""

    @classmethod
    def of(cls, held: Tensor, rows: Tensor, columns: Tensor) -> View:
        """held: how much of each pixel looked at is the region's, [B, 1, S, S]; its tokens' places, [B, SEEN] each."""
        shares = counted_in(held)
        return cls(shares + LEAST, F.adaptive_avg_pool2d(shares, SEEN).flatten(1), waves(rows, columns))

    def gathered(self, features: Tensor) -> Tensor:
        """Features [B, C, M, M] -> [B, SEEN ** 2, C]: means over the cells that a token covers, as those count."""
        counted = self.counted.to(features.dtype)
        weighed = F.adaptive_avg_pool2d(features * counted, SEEN) / F.adaptive_avg_pool2d(counted, SEEN)
        return weighed.flatten(2).transpose(1, 2)


@dataclass(frozen=True)
class Framing:
    """What the mask alone decides: where to look, and what counts there. Both looks share it."""

    mask: Tensor
    """[B, 1, S, S]."""
    half: Tensor
    """[B, 1, S / 2, S / 2]: the mask at half its size."""
    regions: Tensor
    """[B, 4, S / 2, S / 2]: `region_weights`."""
    rows: Tensor
    """[B, S] in [-1, 1]: with `columns`, the places that fill the frame in which the foreground is seen."""
    columns: Tensor
    near: View
    """The foreground in its frame."""
    again: View
    """The same, as a second look shows it, in a frame of `again_side`."""
    far: View
    """The background."""
    bias: Tensor
    """[B, REGIONS + 2 SEEN ** 2]: what is added to the logits of the keys; statistics always count."""

    @classmethod
    def of(cls, mask: Tensor, rows: Tensor, columns: Tensor) -> Framing:
        """mask: [B, 1, S, S]; rows, columns: [B, S] in [-1, 1]."""
        close = crop(mask, rows, columns)
        near = View.of(close, *(F.adaptive_avg_pool1d(each, SEEN) for each in (rows, columns)))
        far = View.of(1 - mask, centers(SEEN, rows), centers(SEEN, columns))
        again = F.adaptive_avg_pool2d(close, again_side(mask.shape[2]))
        held = torch.cat([near.shares, far.shares], dim=1)
        half = F.avg_pool2d(mask, 2)
        return cls(
            mask=mask,
            half=half,
            regions=region_weights(half.float()),
            rows=rows,
            columns=columns,
            near=near,
            again=replace(near, counted=counted_in(again) + LEAST),
            far=far,
            bias=F.pad((held.float() + LEAST).log(), (REGIONS, 0)),
        )

    def close(self, picture: Tensor) -> Tensor:
        """The foreground's frame of a picture [B, C, N, N], for a first look: [B, C, S, S]."""
        return crop(picture, self.rows, self.columns)

    def closer(self, picture: Tensor) -> Tensor:
        """The same for a second look: [B, C, A, A] with the `again_side` A."""
        side = again_side(self.rows.shape[1])
        return crop(picture, *(F.adaptive_avg_pool1d(each, side) for each in (self.rows, self.columns)))


def again_side(side: int) -> int:
    """Pixels along a side of the frame in which a second look sees the foreground: it is a sketch anyway."""
    return side * 2 // 3


def counted_in(held: Tensor) -> Tensor:
    """Pixels [B, 1, S, S] -> [B, 1, M, M]: the same for the cells of the encoder's maps."""
    return F.adaptive_avg_pool2d(held, encoded_side(held.shape[2]))


def encoded_side(side: int) -> int:
    """Cells along a side of what SqueezeNet makes of a picture: one convolution and three poolings, in steps of 2."""
    side = (side - 3) // 2 + 1
    for _ in range(3):
        side = -(-(side - 3) // 2) + 1
    return side
