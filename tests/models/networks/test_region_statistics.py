"""The measured part of SceneFit: what regions are, and what is counted in them."""

from __future__ import annotations

import torch
from harmonize_models.networks.region_statistics import (
    BINS,
    PER_REGION,
    REGIONS,
    color_planes,
    region_statistics,
    region_weights,
)
from torch import Tensor


def square_mask(side: int = 48) -> Tensor:
    mask = torch.zeros(1, 1, side, side)
    mask[..., side // 4 : side // 2, side // 4 : side // 2] = 1
    return mask


def test_grey_pixels_have_no_color() -> None:
    grey = torch.rand(1, 1, 8, 8).expand(1, 3, 8, 8)
    planes = color_planes(grey)
    assert torch.allclose(planes[:, 3], grey[:, 0], atol=1e-6)
    assert torch.allclose(planes[:, 4:6], torch.full((1, 2, 8, 8), 0.5), atol=1e-6)
    assert (planes[:, 6] == 0).all()


def test_regions_lie_where_their_names_say() -> None:
    mask = square_mask()
    foreground, inner, ring, background = region_weights(mask)[0]
    assert torch.equal(foreground, mask[0, 0])
    assert torch.equal(background, 1 - mask[0, 0])
    assert (inner[mask[0, 0] == 0] == 0).all()
    assert (ring[mask[0, 0] == 1] == 0).all()
    assert ring[24, 13] > 0.5
    assert ring[40, 40] == 0


def test_cumulative_histograms_and_means_are_those_of_the_region() -> None:
    mask = square_mask()
    pixels = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    found = region_statistics(pixels, region_weights(mask))
    assert found.shape == (1, REGIONS, PER_REGION)
    red = pixels[0, 0][mask[0, 0] == 1]
    above = torch.stack([(red * BINS - threshold).clamp(0, 1).mean() for threshold in range(BINS)])
    assert torch.allclose(found[0, 0, :BINS], above, atol=0.01)
    mean_red = found[0, 0, 6 * BINS]
    assert torch.allclose(mean_red, red.mean(), atol=0.01)


def test_region_without_pixels_gives_finite_numbers() -> None:
    found = region_statistics(torch.rand(1, 3, 32, 32), region_weights(torch.zeros(1, 1, 32, 32)))
    assert found.isfinite().all()
    assert (found[0, 0, : 6 * BINS] == 0).all()


def test_a_little_more_light_changes_the_statistics_a_little() -> None:
    pixels, mask = torch.rand(1, 3, 48, 48) * 0.9, square_mask()
    weights = region_weights(mask)
    small = (region_statistics(pixels + 0.001, weights) - region_statistics(pixels, weights)).abs().max()
    assert 0 < small < 0.1
