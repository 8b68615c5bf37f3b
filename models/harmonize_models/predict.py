"""From a thumbnail to an adjustment: what a network sees, and what is made of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .adjustments.adjustment import Adjustment
from .adjustments.curves import MAX_VALUE, Curves
from .adjustments.edges import EdgeColors
from .adjustments.fit import GridFit, fit_grid
from .adjustments.grid import ColorGrid
from .baselines import Baseline, curves_of, harmonize
from .layer import Place
from .networks.base import Decision, ForegroundClass, HarmonizationNetwork, NetworkSpec, Prediction
from .thumbnail import network_input

EMPTY_MASK = "The mask is empty: there is nothing to harmonize."
FULL_MASK = "The mask covers the whole picture: there is no background to match."
ALREADY_FITS = "The network changes nothing: the foreground fits already, or the network is not sure enough to help."
NO_ANSWER = "The network had no usable answer for this picture and changes nothing."

BASELINE_SIDE = 256
"""Side of the square on which baselines take their statistics."""
BASELINE_GRID = GridFit(shape=(8, 2, 2), smoothness=1e4)
"""Baselines change color everywhere alike: a grid that only luma varies along."""
INSET = 0.6
"""Share of each side of the reference that a foreground without any background takes."""


class Predicted(NamedTuple):
    """What should change, what people should know about it, and how sure the network is (0 ... 1, if it says)."""

    adjustment: Adjustment
    notes: tuple[str, ...]
    confidence: float | None


@dataclass(frozen=True)
class Scene:
    """A composite as a thumbnail."""

    composite: NDArray[np.uint8]
    """[H, W, 3], sRGB: the scene with the layer on it."""
    mask: NDArray[np.uint8]
    """[H, W]: 255 = foreground."""
    reference: NDArray[np.uint8] | None = None
    """[h, w, 3], sRGB: another scene, to take light and color from instead of the composite's own background."""
    label: ForegroundClass | None = None
    """For networks with a semantic head."""

    def __post_init__(self) -> None:
        for picture in (self.composite, self.reference):
            if picture is not None and (picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8):
                raise ValueError(f"A picture is [H, W, 3] uint8, not {list(picture.shape)} {picture.dtype}.")
        if self.mask.shape != self.composite.shape[:2] or self.mask.dtype != np.uint8:
            raise ValueError(f"The mask is {list(self.mask.shape)} {self.mask.dtype}, not uint8 of the picture's size.")


def predict(
    network: HarmonizationNetwork,
    spec: NetworkSpec,
    composite: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    reference: NDArray[np.uint8] | None = None,
    label: ForegroundClass | None = None,
    device: torch.device | str = "cpu",
) -> Predicted:
    """The adjustment for one composite, see `Scene`; `network` is on `device`, in eval mode, of any float dtype."""
    return predict_batch(network, spec, [Scene(composite, mask, reference, label)], device)[0]


def predict_batch(
    network: HarmonizationNetwork, spec: NetworkSpec, scenes: Sequence[Scene], device: torch.device | str = "cpu"
) -> list[Predicted]:
    """The adjustments for several composites (of any sizes), with one pass through the network.

    Curves and grids come as the network predicts them; a network that answers in pixels gets a grid fitted to them.
    An empty mask gives the identity. Without a background to match, the network decides what to make of it.
    A semantic network answers scenes without a class by other layers, so these are a pass of their own.
    """
    views = [_View.of(scene, spec.input_size) for scene in scenes]
    labels = [scene.label if spec.semantic else None for scene in scenes]
    results = [Predicted(Adjustment(network=spec.key), (EMPTY_MASK,), None) for _ in scenes]
    asked = [number for number, view in enumerate(views) if bool(view.mask.any())]
    for labelled in (False, True):
        numbers = [number for number in asked if (labels[number] is not None) == labelled]
        if numbers:
            answer = _ask(
                network, [views[number] for number in numbers], [labels[number] for number in numbers], device
            )
            for place, number in enumerate(numbers):
                results[number] = _with_edges(_conclude(answer, place, views[number], spec), scenes[number])
    return results


def _ask(
    network: HarmonizationNetwork,
    views: Sequence[_View],
    labels: Sequence[ForegroundClass | None],
    device: torch.device | str,
) -> Decision:
    """One pass; all views have a label or none has one."""
    dtype = next((parameter.dtype for parameter in network.parameters()), torch.float32)
    values = [label.value for label in labels if label is not None]
    with torch.inference_mode():
        return network.decide(
            torch.cat([view.composite for view in views]).to(device, dtype, memory_format=torch.channels_last),
            torch.cat([view.mask for view in views]).to(device, dtype, memory_format=torch.channels_last),
            torch.tensor(values, device=device) if values else None,
        )


def predict_baseline(
    baseline: Baseline,
    composite: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    reference: NDArray[np.uint8] | None = None,
) -> Predicted:
    """The adjustment that a statistical baseline wants. Without a background there are no statistics: the identity."""
    scene = Scene(composite, mask, reference)
    view = _View.of(scene, BASELINE_SIDE)
    if not bool(view.mask.any()):
        return Predicted(Adjustment(network=baseline.value), (EMPTY_MASK,), None)
    if not view.has_background:
        return _with_edges(Predicted(Adjustment(network=baseline.value), (FULL_MASK,), None), scene)
    before, alpha = _picture(view.composite), view.mask[0, 0].numpy()
    if baseline is Baseline.HISTOGRAM:
        adjustment = Adjustment(Curves(curves_of(baseline, before, alpha).astype(np.float32)), None, baseline.value)
    else:
        grid = fit_grid(before, harmonize(baseline, before, alpha), alpha, BASELINE_GRID)
        adjustment = Adjustment(Curves.identity(), view.in_scene(grid), baseline.value)
    return _with_edges(Predicted(adjustment, (), None), scene)


@dataclass(frozen=True)
class _View:
    """What a network sees of a scene: a square, into which the composite is squeezed, all of it or as an inset."""

    composite: Tensor
    """[1, 3, S, S] float32."""
    mask: Tensor
    """[1, 1, S, S] float32."""
    frame: Place
    """The square, in fractions of the composite."""

    @classmethod
    def of(cls, scene: Scene, side: int) -> _View:
        composite, mask = network_input(scene.composite, side), network_input(scene.mask, side)
        if scene.reference is None:
            return cls(composite, mask, Place())
        background = network_input(scene.reference, side)
        frame = Place()
        if not _has_background(mask):
            # Nothing of the reference would be seen: show the foreground smaller, in the middle of it.
            small = max(1, round(side * INSET))
            edge = (side - small) // 2
            inset = slice(edge, edge + small)
            whole, whole_mask = composite, mask
            composite, mask = background.clone(), torch.zeros_like(mask)
            composite[..., inset, inset] = _resized(whole, small)
            mask[..., inset, inset] = _resized(whole_mask, small)
            frame = Place(-edge / small, -edge / small, (side - edge) / small, (side - edge) / small)
        return cls(mask * composite + (1 - mask) * background, mask, frame)

    @property
    def has_background(self) -> bool:
        return _has_background(self.mask)

    def in_scene(self, grid: ColorGrid) -> ColorGrid:
        """A grid whose extent is in fractions of the square, in fractions of the composite."""
        frame, extent = self.frame, grid.extent
        width, height = frame.right - frame.left, frame.bottom - frame.top
        return ColorGrid(
            grid.coefficients,
            Place(
                frame.left + extent.left * width,
                frame.top + extent.top * height,
                frame.left + extent.right * width,
                frame.top + extent.bottom * height,
            ),
        )


def _conclude(answer: Decision, place: int, view: _View, spec: NetworkSpec) -> Predicted:
    notes = () if view.has_background else (FULL_MASK,)
    confidence = None if answer.confidence is None else float(answer.confidence[place])
    harmonized = answer.harmonized if isinstance(answer, Prediction) else None
    parts = [part[place].float() for part in (answer.curves, answer.grid, harmonized) if part is not None]
    if not all(bool(part.sum().isfinite()) for part in parts):  # one number that is not finite spoils the sum
        return Predicted(Adjustment(network=spec.key), (*notes, NO_ANSWER), confidence)
    curves, grid = Curves.identity(), None
    if answer.curves is not None:
        curves = Curves(_bounded(answer.curves[place]))
    if answer.grid is not None:
        grid = view.in_scene(ColorGrid(_bounded(answer.grid[place])))
        if np.array_equal(grid.coefficients, ColorGrid.identity(grid.shape).coefficients):
            grid = None
    if answer.curves is None and answer.grid is None:
        assert harmonized is not None
        after = _picture(harmonized[place : place + 1])
        grid = view.in_scene(fit_grid(_picture(view.composite), after, view.mask[0, 0].numpy()))
    adjustment = Adjustment(curves, grid, spec.key)
    if adjustment.is_identity and confidence is not None:
        notes = (*notes, ALREADY_FITS)
    return Predicted(adjustment, notes, confidence)


def _with_edges(predicted: Predicted, scene: Scene) -> Predicted:
    """Whether or not anything else changes, a look may clean the foreground's edges."""
    edges = EdgeColors.of(scene.composite, scene.mask)
    return predicted._replace(adjustment=replace(predicted.adjustment, edges=edges))


def _has_background(mask: Tensor) -> bool:
    """Whether a thousandth of the picture is not foreground."""
    return float(1 - mask.mean()) >= 1e-3


def _resized(picture: Tensor, side: int) -> Tensor:
    return torch.nn.functional.interpolate(picture, (side, side), mode="bilinear", align_corners=False, antialias=True)


def _picture(batch: Tensor) -> NDArray[np.float32]:
    """[1, 3, S, S] -> [S, S, 3] float32 on the CPU."""
    picture: NDArray[np.float32] = batch[0].float().permute(1, 2, 0).cpu().numpy()
    return picture


def _bounded(values: Tensor) -> NDArray[np.float32]:
    bounded: NDArray[np.float32] = values.float().clamp(-MAX_VALUE, MAX_VALUE).cpu().numpy()
    return bounded
