"""Statistical color transfer: the moments and distributions that each promises."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.color_transfer import (
    covariance,
    fit_quadratic,
    match_histograms,
    mkl,
    quadratic_terms,
    random_rotations,
    reinhard,
    transfer_distribution,
)
from harmonize_models.colorspace import lab_from_srgb
from torch import Tensor


def two_regions() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.tensor([[0.5, 0.1, 0.0], [0.2, 0.4, 0.1], [0.0, 0.2, 0.3]])
    own = mixing @ torch.rand(2, 3, 800, generator=generator)
    return own, 0.3 + 0.4 * torch.rand(2, 3, 800, generator=generator)


def test_reinhard_gives_mean_and_spread_in_lab() -> None:
    own, reference = two_regions()
    moved, wanted = lab_from_srgb(reinhard(own, own, reference)), lab_from_srgb(reference)
    assert torch.allclose(moved.mean(dim=2), wanted.mean(dim=2), atol=0.01)
    assert torch.allclose(moved.std(dim=2), wanted.std(dim=2), rtol=0.01)


def test_mkl_gives_mean_and_covariance_in_rgb() -> None:
    own, reference = two_regions()
    moved = mkl(own, own, reference)
    assert torch.allclose(moved.mean(dim=2), reference.mean(dim=2), atol=1e-4)
    assert torch.allclose(covariance(moved), covariance(reference), atol=1e-4)


def test_histogram_matching_gives_the_distribution_of_each_channel() -> None:
    own, reference = two_regions()
    moved = match_histograms(own, own, reference)
    assert torch.allclose(moved.sort(dim=2).values, reference.sort(dim=2).values, atol=0.01)


def test_iterated_transfer_gives_the_joint_distribution() -> None:
    own, reference = two_regions()
    moved = transfer_distribution(own, reference, random_rotations(12, torch.Generator().manual_seed(1)))
    assert torch.allclose(covariance(moved), covariance(reference), atol=1e-3)
    with pytest.raises(ValueError, match="one shape"):
        transfer_distribution(own, reference[:, :, :10], random_rotations(1, torch.Generator()))


def test_rotations_are_orthogonal() -> None:
    rotations = random_rotations(5, torch.Generator().manual_seed(0))
    assert torch.allclose(rotations @ rotations.mT, torch.eye(3).expand(5, 3, 3), atol=1e-5)


def test_quadratic_fit_finds_a_quadratic_map_and_leaves_the_identity_alone() -> None:
    own, _ = two_regions()
    truth = torch.zeros(2, 3, 10)
    truth[:, 0, 1], truth[:, 1, 5], truth[:, 2, 0] = 0.8, 1.1, 0.2
    after = truth @ quadratic_terms(own)
    assert torch.allclose(fit_quadratic(own, after, ridge=1e-7) @ quadratic_terms(own), after, atol=2e-3)
    assert torch.allclose(fit_quadratic(own, own) @ quadratic_terms(own), own, atol=1e-5)
