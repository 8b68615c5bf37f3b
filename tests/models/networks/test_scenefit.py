"""SceneFit on pictures made here: what holds for any weights."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.adjustments.adjustment import Adjustment
from harmonize_models.adjustments.curves import Curves
from harmonize_models.adjustments.grid import ColorGrid
from harmonize_models.adjustments.look import Look
from harmonize_models.layer import Depth, LayerFormat, Layout
from harmonize_models.networks import registry
from harmonize_models.networks.plan import COMPOSED_PIECES
from harmonize_models.networks.scenefit import (
    CELLS,
    DEPTH,
    INPUT_SIZE,
    SceneFit,
)
from harmonize_models.predict import ALREADY_FITS, predict
from harmonize_models.render import render
from torch import Tensor

from .scenes import scene

SIDE = INPUT_SIZE


def random_network(seed: int = 0) -> SceneFit:
    """A network with weights at random, heads included: its changes are large and mean nothing."""
    torch.manual_seed(seed)
    network = SceneFit()
    for head in (network.curve_head, network.affine_head, network.local_head):
        torch.nn.init.normal_(head.weight, std=0.01)
    for block in network.deeper:
        torch.nn.init.normal_(block.wide.weight, std=0.02)
    return network.eval()


def test_size_is_what_the_registry_says() -> None:
    spec = registry.get("scenefit")
    network = spec.build()
    assert sum(p.numel() for p in network.parameters()) == spec.parameters <= 3_000_000
    assert spec.input_size == INPUT_SIZE
    assert registry.detect({name: value.shape for name, value in network.state_dict().items()}).key == "scenefit"


def test_prediction_has_the_documented_shapes() -> None:
    composite, mask = scene()
    prediction = random_network()(composite, mask)
    assert prediction.harmonized.shape == composite.shape
    assert prediction.curves is not None
    assert prediction.curves.shape == (2, 3, COMPOSED_PIECES + 1)
    assert prediction.grid is not None
    assert prediction.grid.shape == (2, DEPTH, CELLS, CELLS, 3, 4)
    assert prediction.confidence is not None
    assert ((prediction.confidence > 0) & (prediction.confidence < 1)).all()


def test_fresh_network_changes_almost_nothing() -> None:
    torch.manual_seed(0)
    composite, mask = scene()
    harmonized = SceneFit().eval()(composite, mask).harmonized
    assert (harmonized - composite).abs().max() < 0.1


@torch.no_grad()
def test_second_look_sees_the_result_of_the_first() -> None:
    composite, mask = scene()
    network = random_network()
    for head in (network.curve_head, network.affine_head, network.local_head):
        head.weight.mul_(0.05)
    both = network.plan(composite, mask).render(composite)
    network.looks = 1
    once = network.plan(composite, mask).render(composite)
    result = torch.lerp(composite, once.clamp(0, 1), mask)
    twice = network.plan(result, mask).render(result)
    inside = (mask == 1).expand_as(composite)
    assert (both - once)[inside].abs().mean() > 0.002
    # One plan for both differs from one after the other by the product of two small changes.
    assert (both - twice.clamp(0, 1))[inside].abs().mean() < 0.3 * (both - once)[inside].abs().mean()


def test_background_stays_bit_for_bit() -> None:
    composite, mask = scene()
    harmonized = random_network()(composite, mask).harmonized
    outside = (mask == 0).expand_as(composite)
    assert torch.equal(harmonized[outside], composite[outside])
    assert not torch.equal(harmonized, composite)


def test_curves_rise_from_zero_to_one() -> None:
    curves = random_network()(*scene()).curves
    assert curves is not None
    assert (curves.diff(dim=-1) > 0).all()
    assert torch.allclose(curves[..., 0], torch.zeros(2, 3))
    assert torch.allclose(curves[..., -1], torch.ones(2, 3), atol=1e-6)


def test_result_equals_the_product_renderer_but_for_rounding() -> None:
    composite, mask = scene()
    prediction = random_network()(composite, mask)
    assert prediction.curves is not None
    assert prediction.grid is not None
    for number in range(2):
        adjustment = Adjustment(
            Curves(prediction.curves[number].detach().numpy()),
            ColorGrid(prediction.grid[number].detach().numpy()),
            "scenefit",
        )
        pixels = (composite[number].permute(1, 2, 0) * 255).round().to(torch.uint8).contiguous().numpy()
        alpha = (mask[number, 0] * 255).round().to(torch.uint8).contiguous().numpy()
        out = pixels.copy()
        render(adjustment, Look(), LayerFormat(SIDE, SIDE, Layout.RGB, Depth.U8), pixels, alpha, out)
        expected = prediction.harmonized[number].detach().clamp(0, 1).permute(1, 2, 0) * 255
        # Both the result and the mask are rounded, and where the mask is soft that counts times the change.
        assert (torch.from_numpy(out).float() - expected).abs().max() <= 1.25


def test_same_input_gives_same_bytes_alone_or_in_a_batch() -> None:
    network = random_network()
    composite, mask = scene(4)
    with torch.no_grad():
        first, second = network(composite, mask).harmonized, network(composite, mask).harmonized
        alone = network(composite[2:3], mask[2:3]).harmonized
    assert torch.equal(first, second)
    assert torch.allclose(alone, first[2:3], atol=1e-4)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_empty_and_full_masks_give_finite_results(share: float) -> None:
    composite, mask = scene()
    prediction = random_network()(composite, torch.full_like(mask, share))
    assert prediction.harmonized.isfinite().all()
    assert prediction.confidence is not None
    assert prediction.confidence.isfinite().all()


def test_closed_guard_changes_no_bit() -> None:
    network = random_network()
    network.guard.fill_(1e6)
    composite, mask = scene()
    with torch.no_grad():
        prediction = network(composite, mask)
    assert (prediction.harmonized - composite).abs().max() < 1e-6
    assert prediction.grid is not None
    assert torch.equal(prediction.grid, torch.eye(3, 4).expand_as(prediction.grid))


def test_shifting_the_picture_by_one_pixel_changes_the_curves_far_less_than_another_picture() -> None:
    network = random_network()
    composite, mask = scene(4, SIDE + 1)
    with torch.no_grad():
        here = network(composite[..., :-1, :-1], mask[..., :-1, :-1]).curves
        there = network(composite[..., 1:, 1:], mask[..., 1:, 1:]).curves
        other = network(composite.flip(0)[..., :-1, :-1], mask[..., :-1, :-1]).curves
    assert here is not None
    assert there is not None
    assert other is not None
    assert (here - there).abs().mean() < 0.35 * (here - other).abs().mean()


def test_local_part_can_be_switched_off_in_training() -> None:
    network = random_network().train()
    network.local_share = 0.0
    grid = network.plan(*scene()).grid
    assert torch.equal(grid, grid[:, :1, :1, :1].expand_as(grid))


def test_every_parameter_learns() -> None:
    network = random_network().train()
    network.local_share = 1.0
    prediction = network(*scene(4))
    assert prediction.confidence is not None
    (prediction.harmonized.square().mean() + prediction.confidence.mean()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []


def test_certainty_does_not_steer_the_rest() -> None:
    network = random_network().train()
    network.plan(*scene()).certainty.sum().backward()
    touched = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert touched == {"certainty_head"}


def test_exported_program_gives_the_same_result() -> None:
    network = random_network()
    composite, mask = scene(1)

    class Answer(torch.nn.Module):
        def forward(self, composite: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            prediction = network(composite, mask)
            assert prediction.curves is not None
            assert prediction.grid is not None
            return prediction.harmonized, prediction.curves, prediction.grid

        def __init__(self) -> None:
            super().__init__()
            self.network = network

    program = torch.export.export(Answer().eval(), (composite, mask))
    with torch.no_grad():
        for found, expected in zip(program.module()(composite, mask), Answer()(composite, mask), strict=True):
            assert torch.allclose(found, expected, atol=1e-5)


def test_onnx_runtime_gives_the_same_result(tmp_path: object) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    network = random_network()
    composite, mask = scene(1)

    class Answer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, composite: Tensor, mask: Tensor) -> Tensor:
            prediction = self.network(composite, mask)
            return prediction.harmonized

    path = f"{tmp_path}/scenefit.onnx"
    torch.onnx.export(Answer().eval(), (composite, mask), path, dynamo=True, input_names=["composite", "mask"])
    run = onnxruntime.InferenceSession(path)
    (found,) = run.run(None, {"composite": composite.numpy(), "mask": mask.numpy()})
    with torch.no_grad():
        expected = network(composite, mask).harmonized
    assert torch.allclose(torch.from_numpy(found), expected, atol=1e-4)


def test_larger_pictures_are_planned_at_the_input_size_and_rendered_at_their_own() -> None:
    network = random_network()
    composite, mask = scene(1, 3 * SIDE)
    small, small_mask = network.thumbnail(composite, mask)
    assert small.shape[2:] == (SIDE, SIDE)
    with torch.no_grad():
        large, expected = network(composite, mask), network(small, small_mask)
    assert large.harmonized.shape == composite.shape
    assert large.curves is not None
    assert expected.curves is not None
    assert torch.equal(large.curves, expected.curves)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_gives_nearly_the_same(dtype: torch.dtype) -> None:
    network, composite, mask = random_network(), *scene()
    with torch.no_grad():
        expected = network(composite, mask).harmonized
        found = network.to(dtype)(composite.to(dtype), mask.to(dtype)).harmonized
    assert (found.float() - expected).abs().mean() < 0.02


def test_closed_guard_is_an_answer_that_people_can_read() -> None:
    network = random_network()
    composite, mask = scene(1, 2 * SIDE)
    picture = (composite[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    alpha = (mask[0, 0] * 255).round().to(torch.uint8).numpy()
    spec = registry.get("scenefit")
    opened = predict(network, spec, picture, alpha)
    network.guard.fill_(1e6)
    closed = predict(network, spec, picture, alpha)
    assert not opened.adjustment.is_identity
    assert opened.notes == ()
    assert closed.adjustment.is_identity
    assert closed.notes == (ALREADY_FITS,)
    assert closed.confidence == opened.confidence
