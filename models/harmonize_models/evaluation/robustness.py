"""Composites under conditions that a network should survive: odd masks, odd scenes, damaged pictures.

A condition changes a batch of composites before the network sees it. What belongs to the scene (a cast, the night)
changes the target too; what is damage or a wrong mask does not, and the result is measured under the true mask.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from ..colorspace import luma
from ..data.composites import Batch
from ..networks.base import HarmonizationNetwork
from .cases import Cases
from .metrics import Metrics, measure

Change = Callable[[Batch], Batch]


@dataclass(frozen=True)
class Condition:
    """A name for people, the change, and which cases it applies to by their foreground share."""

    name: str
    change: Change
    shares: tuple[float, float] = (0.0, 1.0)
    reversed: bool = False
    """The mask is inverted first: the scene is matched to its object."""


@dataclass(frozen=True)
class RobustnessRow:
    """How a network does under one condition; means over the cases."""

    name: str
    cases: int
    psnr_before: float
    psnr_after: float
    fmse_before: float
    fmse_after: float
    worse: float
    """The share of cases whose foreground error grew."""


def of_scene(look: Callable[[Tensor], Tensor]) -> Change:
    """Composite and target alike: the whole scene looks like that."""

    def change(batch: Batch) -> Batch:
        return replace(batch, composite=_levels(look(batch.composite)), target=_levels(look(batch.target)))

    return change


def pasted_into(look: Callable[[Tensor], Tensor]) -> Change:
    """The scene looks like that, but for its foreground, which is as it was photographed: pasted from elsewhere."""

    def change(batch: Batch) -> Batch:
        scene = _levels(look(batch.target))
        return replace(batch, composite=_levels(torch.lerp(scene, batch.target, batch.mask)), target=scene)

    return change


def of_composite(damage: Callable[[Tensor], Tensor]) -> Change:
    """The composite alone: the network should see through it."""

    def change(batch: Batch) -> Batch:
        return replace(batch, composite=_levels(damage(batch.composite)))

    return change


def of_mask(error: Callable[[Tensor], Tensor]) -> Change:
    """The mask that the network is given is not the object's."""

    def change(batch: Batch) -> Batch:
        return replace(batch, mask=error(batch.mask).clamp(0, 1))

    return change


def grey(pictures: Tensor) -> Tensor:
    """No color at all."""
    return luma(pictures).expand_as(pictures)


def flat(pictures: Tensor) -> Tensor:
    """Fog: a quarter of the contrast, around light grey."""
    return 0.6 + (pictures - 0.5) / 4


def night(pictures: Tensor) -> Tensor:
    """Dark and bluish."""
    return pictures**2.2 * pictures.new_tensor([0.40, 0.45, 0.60]).view(1, 3, 1, 1)


def orange(pictures: Tensor) -> Tensor:
    """Sodium light."""
    return pictures * pictures.new_tensor([1.0, 0.72, 0.35]).view(1, 3, 1, 1)


def blue(pictures: Tensor) -> Tensor:
    """Under water."""
    return pictures * pictures.new_tensor([0.45, 0.80, 1.0]).view(1, 3, 1, 1)


def posterized(pictures: Tensor) -> Tensor:
    """Painted: six levels a channel over smoothed areas."""
    return (F.avg_pool2d(pictures, 5, 1, 2, count_include_pad=False) * 5).round() / 5


def noisy(pictures: Tensor) -> Tensor:
    """Gaussian noise of 10 levels, the same at every call."""
    noise = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0))
    return pictures + noise.to(pictures.device) * (10 / 255)


def jpeg(pictures: Tensor, quality: int = 20) -> Tensor:
    """Through a JPEG file of that quality."""
    results = []
    for picture in (pictures * 255).round().to(torch.uint8).cpu():
        file = io.BytesIO()
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
        results.append(torch.from_numpy(np.asarray(Image.open(file)).copy()).permute(2, 0, 1))
    return torch.stack(results).to(pictures.device).float() / 255


def feathered(masks: Tensor) -> Tensor:
    """Blurred over a tenth of the picture."""
    radius = masks.shape[-1] // 20
    for _ in range(2):
        masks = F.avg_pool2d(masks, 2 * radius + 1, 1, radius, count_include_pad=False)
    return masks


def too_wide(masks: Tensor) -> Tensor:
    """Grown by a twentieth of the picture: a ring of background is taken for the object."""
    radius = masks.shape[-1] // 20
    return F.max_pool2d(masks, 2 * radius + 1, 1, radius)


def outline(masks: Tensor) -> Tensor:
    """Only a thin band inside the object's edge."""
    radius = max(1, masks.shape[-1] // 64)
    return (masks + F.max_pool2d(-masks, 2 * radius + 1, 1, radius)).clamp(min=0)


def displaced(masks: Tensor) -> Tensor:
    """Moved by a sixteenth of the picture to the lower right."""
    step = masks.shape[-1] // 16
    return F.pad(masks, (step, -step, step, -step))


CONDITIONS: tuple[Condition, ...] = (
    Condition("as they are", lambda batch: batch),
    Condition("foreground below 2 %", lambda batch: batch, (0.0, 0.02)),
    Condition("foreground above 40 %", lambda batch: batch, (0.40, 1.0)),
    Condition("mask: feathered", of_mask(feathered)),
    Condition("mask: too wide", of_mask(too_wide)),
    Condition("mask: outline only", of_mask(outline)),
    Condition("mask: displaced", of_mask(displaced)),
    Condition("scene: grey", of_scene(grey)),
    Condition("scene: fog", of_scene(flat)),
    Condition("scene: night", of_scene(night)),
    Condition("scene: orange cast", of_scene(orange)),
    Condition("scene: blue cast", of_scene(blue)),
    Condition("scene: painted", of_scene(posterized)),
    Condition("pasted into fog", pasted_into(flat)),
    Condition("pasted into the night", pasted_into(night)),
    Condition("pasted into an orange cast", pasted_into(orange)),
    Condition("pasted into a blue cast", pasted_into(blue)),
    Condition("scene to an object in the night", pasted_into(night), reversed=True),
    Condition("scene to an object in orange light", pasted_into(orange), reversed=True),
    Condition("scene to an object in blue light", pasted_into(blue), reversed=True),
    Condition("damage: JPEG 20", of_composite(jpeg)),
    Condition("damage: noise", of_composite(noisy)),
)


@torch.inference_mode()
def robustness(
    network: HarmonizationNetwork, cases: Cases, conditions: tuple[Condition, ...] = CONDITIONS
) -> list[RobustnessRow]:
    """A row for each condition that any case meets."""
    share = cases.masks.float().mean(dim=(1, 2, 3)) / 255
    rows = []
    for condition in conditions:
        low, high = condition.shares
        chosen = ((share >= low) & (share <= high)).nonzero()[:, 0]
        if len(chosen):
            rows.append(_row(network, cases.pick(chosen), condition))
    return rows


def _row(network: HarmonizationNetwork, cases: Cases, condition: Condition) -> RobustnessRow:
    before, after = [], []
    for batch in cases.batches(32):
        if condition.reversed:
            batch = replace(batch, mask=1 - batch.mask)
        changed = condition.change(batch)
        harmonized = network(changed.composite, changed.mask).harmonized
        before.append(measure(changed.composite, changed.target, batch.mask))
        after.append(measure(harmonized, changed.target, batch.mask))
    start, end = Metrics.concatenate(before), Metrics.concatenate(after)
    first, last = start.means(), end.means()
    return RobustnessRow(
        name=condition.name,
        cases=len(cases),
        psnr_before=first["psnr"],
        psnr_after=last["psnr"],
        fmse_before=first["fmse"],
        fmse_after=last["fmse"],
        worse=end.worse_than(start),
    )


def _levels(pictures: Tensor) -> Tensor:
    return (pictures.clamp(0, 1) * 255).round() / 255
