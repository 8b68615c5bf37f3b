"""What a mask decides about where SceneFit looks."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.networks.framing import SEEN, Framing, again_side, centers, encoded_side
from harmonize_models.networks.region_statistics import REGIONS
from harmonize_models.networks.s2crnet import places_in_mask
from harmonize_models.networks.scenefit import INPUT_SIZE, SceneFit
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

SIDE = 24 * SEEN


def framed(mask: Tensor) -> Framing:
    return Framing.of(mask, *places_in_mask(mask))


def left_half() -> Tensor:
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., : SIDE // 2] = 1
    return mask


@torch.no_grad()
@pytest.mark.parametrize("side", [96, 128, 191, INPUT_SIZE, 256])
def test_framing_knows_the_size_of_the_encoders_maps(side: int) -> None:
    features = SceneFit().squeezenet1_1(torch.zeros(1, 3, side, side))
    assert features.shape[2:] == (encoded_side(side), encoded_side(side))


def test_a_foreground_fills_its_own_frame_and_leaves_a_hole_in_the_background() -> None:
    framing = framed(left_half())
    background = framing.far.shares.view(SEEN, SEEN)
    assert torch.allclose(framing.near.shares, torch.ones(1, SEEN**2))
    assert (background[:, 0] == 0).all()
    assert (background[:, -1] == 1).all()


def test_tokens_know_their_places_in_the_scene() -> None:
    framing = framed(left_half())
    whole = Framing.of(left_half(), *(centers(SIDE, torch.zeros(1, SIDE)) for _ in range(2)))
    assert not torch.allclose(framing.near.places, framing.far.places)
    assert torch.allclose(whole.near.places, framing.far.places, atol=1e-5)


def test_features_are_gathered_from_the_cells_that_hold_the_region() -> None:
    framing = framed(left_half())
    side = encoded_side(SIDE)
    features = torch.zeros(1, 1, side, side)
    features[..., : side // 2] = 100  # where there is no background
    gathered = framing.far.gathered(features).view(SEEN, SEEN)
    assert gathered[:, -1].abs().max() < 1e-3
    assert gathered[:, SEEN // 2].max() < 10


def test_holes_hardly_count_as_keys_and_statistics_always_do() -> None:
    bias = framed(left_half()).bias[0]
    assert bias.shape == (REGIONS + 2 * SEEN**2,)
    assert (bias[:REGIONS] == 0).all()
    background = bias[REGIONS + SEEN**2 :].view(SEEN, SEEN)
    assert background[:, 0].max() < -3
    assert background[:, -1].min() > -0.1


@pytest.mark.parametrize("side", [96, INPUT_SIZE])
def test_a_second_look_reads_the_same_places_in_a_smaller_frame(side: int) -> None:
    mask = torch.zeros(1, 1, side, side)
    mask[..., side // 4 : side // 2, side // 3 : -2] = 1
    framing = framed(mask)
    picture = torch.linspace(0, 1, side).expand(1, 1, side, side)
    small = F.avg_pool2d(picture, 2)
    again = framing.closer(picture)
    assert again.shape[2:] == (again_side(side), again_side(side))
    assert torch.allclose(again, framing.closer(small), atol=2 / side)
    assert torch.allclose(again, F.adaptive_avg_pool2d(framing.close(picture), again_side(side)), atol=0.5 / side)
    assert framing.again.counted.shape[2] == encoded_side(again_side(side))
