"""Prediction with small networks whose answer is known; shipped ones are tested with their weights elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from harmonize_models.adjustments import Look
from harmonize_models.baselines import Baseline, harmonize
from harmonize_models.layer import LayerFormat, Layout, Place
from harmonize_models.networks.base import ForegroundClass, HarmonizationNetwork, Kind, NetworkSpec, Prediction
from harmonize_models.predict import (
    EMPTY_MASK,
    FULL_MASK,
    NO_ANSWER,
    Predicted,
    Scene,
    predict,
    predict_baseline,
    predict_batch,
)
from harmonize_models.render import render
from torch import Tensor

GAIN = torch.tensor([0.8, 1.0, 1.1]).view(1, 3, 1, 1)
Array = np.ndarray[Any, Any]


class Known(HarmonizationNetwork):
    """Answers in every kind with the same gains; remembers what it saw."""

    def __init__(self, kind: Kind, broken: bool = False) -> None:
        super().__init__()
        self.kind, self.broken = kind, broken
        self.unused = torch.nn.Parameter(torch.zeros(1))
        self.saw: list[tuple[Tensor, Tensor, Tensor | None]] = []

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        self.saw.append((composite, mask, label))
        changed = composite * GAIN.to(composite.dtype) * (float("nan") if self.broken else 1)
        harmonized = mask * changed + (1 - mask) * composite
        batch = len(composite)
        curves = (torch.linspace(0, 1, 9) * GAIN.view(3, 1)).expand(batch, 3, 9)
        grid = torch.eye(3, 4).expand(batch, 2, 3, 3, 3, 4)
        if self.kind is Kind.PIXELS:
            return Prediction(harmonized)
        if self.kind is Kind.CURVES:
            return Prediction(harmonized, curves=curves)
        return Prediction(harmonized, curves=curves, grid=grid, confidence=torch.full((batch,), 0.75))


def spec(kind: Kind, semantic: bool = False) -> NetworkSpec:
    return NetworkSpec("known", "Known", "none", kind, 64, 1, lambda: Known(kind), lambda shapes: False, semantic)


def picture(height: int = 90, width: int = 120, seed: int = 0) -> Array:
    y, x = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(seed)
    base = np.stack([100 + 90 * np.sin(x / 19 + 7 * k * rng.random()) * np.cos(y / 23) for k in range(3)], axis=-1)
    return base.astype(np.uint8)


def box(height: int = 90, width: int = 120) -> Array:
    mask = np.zeros((height, width), np.uint8)
    mask[20:70, 30:90] = 255
    return mask


def applied(predicted: Predicted, composite: Array, mask: Array) -> Array:
    height, width = mask.shape
    out = np.empty_like(composite)
    render(predicted.adjustment, Look(), LayerFormat(width, height, Layout.RGB), composite, mask, out, place=Place())
    return out


def wanted(composite: Array, mask: Array) -> Array:
    inside = mask[..., None] > 0
    return np.where(inside, composite * GAIN.view(3).numpy(), composite)


def assert_as_wanted(predicted: Predicted, composite: Array, mask: Array) -> None:
    """Within a level; a fit may be a few off in a corner of the mask, where the 64-px mask is soft."""
    error = np.abs(applied(predicted, composite, mask) - wanted(composite, mask))
    assert error[mask > 0].mean() <= 0.7
    assert error.max() <= 4


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_network_gives_an_adjustment_that_does_what_it_says(kind: Kind) -> None:
    composite, mask = picture(), box()
    predicted = predict(Known(kind), spec(kind), composite, mask)
    assert predicted.adjustment.network == "known"
    assert predicted.notes == ()
    assert predicted.confidence == (0.75 if kind is Kind.ADJUSTMENT else None)
    assert_as_wanted(predicted, composite, mask)


def test_the_network_sees_the_whole_scene_squeezed_to_its_square() -> None:
    network = Known(Kind.CURVES)
    predict(network, spec(Kind.CURVES), picture(), box())
    composite, mask, label = network.saw[0]
    assert composite.shape == (1, 3, 64, 64)
    assert mask.shape == (1, 1, 64, 64)
    assert label is None
    assert float(mask.mean()) == pytest.approx(box().mean() / 255, abs=0.02)
    assert float(composite.mean()) == pytest.approx(picture().mean() / 255, abs=0.02)


@pytest.mark.parametrize("kind", Kind)
def test_an_empty_mask_gives_the_identity_and_asks_no_network(kind: Kind) -> None:
    network = Known(kind)
    predicted = predict(network, spec(kind), picture(), np.zeros_like(box()))
    assert predicted.adjustment.is_identity
    assert predicted.notes == (EMPTY_MASK,)
    assert network.saw == []


@pytest.mark.parametrize("kind", Kind)
def test_a_full_mask_gives_a_finite_result_and_says_so(kind: Kind) -> None:
    composite, mask = picture(), np.full_like(box(), 255)
    predicted = predict(Known(kind), spec(kind), composite, mask)
    assert predicted.notes == (FULL_MASK,)
    assert_as_wanted(predicted, composite, mask)


@pytest.mark.parametrize("kind", [Kind.PIXELS])
def test_an_answer_that_is_not_finite_changes_nothing_and_says_so(kind: Kind) -> None:
    predicted = predict(Known(kind, broken=True), spec(kind), picture(), box())
    assert predicted.adjustment.is_identity
    assert predicted.notes == (NO_ANSWER,)


def test_a_reference_takes_the_place_of_the_background() -> None:
    network = Known(Kind.PIXELS)
    red = np.zeros((40, 50, 3), np.uint8)
    red[..., 0] = 255
    composite, mask = picture(), box()
    predicted = predict(network, spec(Kind.PIXELS), composite, mask, reference=red)
    seen, alpha, _ = network.saw[0]
    outside = (alpha[0, 0] == 0).numpy()
    assert (seen[0, 0].numpy()[outside] == 1).all()
    assert (seen[0, 1:].numpy()[:, outside] == 0).all()
    assert_as_wanted(predicted, composite, mask)


def test_a_foreground_without_background_is_set_into_the_reference() -> None:
    network = Known(Kind.PIXELS)
    red = np.zeros((40, 50, 3), np.uint8)
    red[..., 0] = 255
    composite, mask = picture(), np.full_like(box(), 255)
    predicted = predict(network, spec(Kind.PIXELS), composite, mask, reference=red)
    seen, alpha, _ = network.saw[0]
    assert predicted.notes == ()
    assert 0.3 < float(alpha.mean()) < 0.4
    assert seen[0, :, 0, 0].tolist() == [1, 0, 0]
    # ... and its grid still spans the whole composite.
    grid = predicted.adjustment.grid
    assert grid is not None
    assert grid.extent.left <= 0.01
    assert grid.extent.right >= 0.99
    assert_as_wanted(predicted, composite, mask)


def test_several_scenes_share_one_pass_and_get_what_each_gets_alone() -> None:
    network = Known(Kind.PIXELS)
    scenes = [
        Scene(picture(seed=1), box()),
        Scene(picture(seed=2), np.zeros_like(box())),
        Scene(picture(50, 70, seed=3), box()[:50, :70]),
    ]
    together = predict_batch(network, spec(Kind.PIXELS), scenes)
    assert len(network.saw) == 1
    assert network.saw[0][0].shape == (2, 3, 64, 64)
    for scene, predicted in zip(scenes, together, strict=True):
        alone = predict(network, spec(Kind.PIXELS), scene.composite, scene.mask)
        assert alone.notes == predicted.notes
        assert alone.adjustment == predicted.adjustment


def test_only_semantic_networks_are_told_the_class() -> None:
    told, untold = Known(Kind.CURVES), Known(Kind.CURVES)
    predict(told, spec(Kind.CURVES, semantic=True), picture(), box(), label=ForegroundClass.VEHICLE)
    predict(untold, spec(Kind.CURVES), picture(), box(), label=ForegroundClass.VEHICLE)
    label = told.saw[0][2]
    assert label is not None
    assert label.tolist() == [ForegroundClass.VEHICLE.value]
    assert untold.saw[0][2] is None


def test_a_scene_without_a_class_is_asked_about_without_one_beside_others_that_have_one() -> None:
    network, classes = Known(Kind.CURVES), (None, ForegroundClass.FOOD, None, ForegroundClass.PERSON)
    scenes = [Scene(picture(seed=seed), box(), label=label) for seed, label in enumerate(classes)]
    together = predict_batch(network, spec(Kind.CURVES, semantic=True), scenes)
    told = {None if label is None else tuple(label.tolist()): composite for composite, _, label in network.saw}
    assert set(told) == {None, (ForegroundClass.FOOD.value, ForegroundClass.PERSON.value)}
    assert [len(composite) for composite in told.values()] == [2, 2]
    for scene, predicted in zip(scenes, together, strict=True):
        assert predicted == predict(
            network, spec(Kind.CURVES, semantic=True), scene.composite, scene.mask, None, scene.label
        )


def test_half_precision_networks_get_half_precision_pictures() -> None:
    network = Known(Kind.PIXELS).to(torch.bfloat16)
    composite, mask = picture(), box()
    predicted = predict(network, spec(Kind.PIXELS), composite, mask)
    assert network.saw[0][0].dtype == torch.bfloat16
    assert np.abs(applied(predicted, composite, mask) - wanted(composite, mask)).max() <= 4


@pytest.mark.parametrize("baseline", Baseline)
def test_baselines_become_adjustments(baseline: Baseline) -> None:
    composite, mask = picture(256, 256), np.zeros((256, 256), np.uint8)
    mask[60:200, 80:180] = 255
    composite[mask > 0] = composite[mask > 0] // 2 + 20
    predicted = predict_baseline(baseline, composite, mask)
    raw = harmonize(baseline, composite / np.float32(255), mask / np.float32(255)) * 255
    out = applied(predicted, composite, mask)
    assert np.abs(out - np.clip(raw, 0, 255))[mask > 0].mean() < 2
    assert np.array_equal(out[mask == 0], composite[mask == 0])
    assert np.abs(out.astype(int) - composite)[mask > 0].mean() > 5


@pytest.mark.parametrize("baseline", Baseline)
def test_baselines_without_statistics_change_nothing(baseline: Baseline) -> None:
    empty = predict_baseline(baseline, picture(), np.zeros_like(box()))
    full = predict_baseline(baseline, picture(), np.full_like(box(), 255))
    assert empty.adjustment.is_identity
    assert full.adjustment.is_identity
    assert empty.notes == (EMPTY_MASK,)
    assert full.notes == (FULL_MASK,)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (600, 1)])
@pytest.mark.parametrize("value", [0, 1, 255])
def test_scenes_of_any_size_have_a_finite_answer(size: tuple[int, int], value: int) -> None:
    composite, mask = picture(*size), np.full(size, value, np.uint8)
    for kind in Kind:
        predict(Known(kind), spec(kind), composite, mask)
    for baseline in Baseline:
        predict_baseline(baseline, composite, mask)


def test_pictures_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="mask"):
        Scene(picture(), box()[1:])
    with pytest.raises(ValueError, match="mask"):
        Scene(picture(), box() / 255)
    with pytest.raises(ValueError, match="picture"):
        Scene(picture()[..., :2], box())
    with pytest.raises(ValueError, match="picture"):
        Scene(picture(), box(), reference=picture() / 255)
