"""Statistical color transfer between two sets of pixels, batched: Reinhard, MKL, histogram matching, IDT.

Every function takes `pixels` [B, 3, N] to be changed, `own` [B, 3, K] (drawn from the region they belong to) and
`reference` [B, 3, M] (drawn from the region whose colors are wanted), all float, sRGB-encoded in [0, 1], and returns
changed pixels [B, 3, N], which may leave [0, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor

from .colorspace import lab_from_srgb, mix_channels, srgb_from_lab

LEVELS = 256
_TINY = 1e-5


def reinhard(pixels: Tensor, own: Tensor, reference: Tensor) -> Tensor:
    """Match mean and standard deviation of each Lab channel (Reinhard et al., "Color transfer between images", 2001).

    CIE Lab stands for the paper's lαβ, as is usual.
    """
    source, target = lab_from_srgb(own), lab_from_srgb(reference)
    ratio = target.std(dim=2, keepdim=True) / source.std(dim=2, keepdim=True).clamp(min=_TINY)
    moved = (lab_from_srgb(pixels) - source.mean(dim=2, keepdim=True)) * ratio + target.mean(dim=2, keepdim=True)
    return srgb_from_lab(moved)


def mkl(pixels: Tensor, own: Tensor, reference: Tensor) -> Tensor:
    """The linear Monge-Kantorovitch map in RGB (Pitié & Kokaram, "The linear Monge-Kantorovitch ... mapping", 2007)."""
    matrix = mkl_matrix(covariance(own), covariance(reference))
    return mix_channels(matrix, pixels - own.mean(dim=2, keepdim=True)) + reference.mean(dim=2, keepdim=True)


def covariance(pixels: Tensor) -> Tensor:
    """[B, C, N] -> [B, C, C], with a trace of noise so that flat color stays invertible."""
    centered = pixels - pixels.mean(dim=2, keepdim=True)
    eye = torch.eye(pixels.shape[1], device=pixels.device, dtype=pixels.dtype)
    return centered @ centered.mT / pixels.shape[2] + _TINY * eye


def mkl_matrix(source: Tensor, target: Tensor) -> Tensor:
    """S^-1/2 (S^1/2 T S^1/2)^1/2 S^-1/2 for covariances S, T [B, 3, 3]: the symmetric map that sends S to T."""
    root, inverse = _power(source, 0.5), _power(source, -0.5)
    result: Tensor = inverse @ _power(root @ target @ root, 0.5) @ inverse
    return result


def _power(matrix: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    power: Tensor = vectors * values.clamp(min=_TINY**2).pow(exponent).unsqueeze(-2) @ vectors.mT
    return power


def histogram_curve(own: Tensor, reference: Tensor, levels: int = LEVELS) -> Tensor:
    """The monotone curve per channel that gives `own` the histogram of `reference`: [B, C, levels] over [0, 1]."""
    inputs = torch.linspace(0, 1, levels, device=own.device, dtype=own.dtype).expand(*own.shape[:2], -1).contiguous()
    ordered = own.sort(dim=2).values.contiguous()
    rank = torch.searchsorted(ordered, inputs) + torch.searchsorted(ordered, inputs, right=True)
    return _quantile(reference.sort(dim=2).values, rank / (2 * own.shape[2]))


def match_histograms(pixels: Tensor, own: Tensor, reference: Tensor) -> Tensor:
    """Give each RGB channel the reference's distribution (classical histogram specification)."""
    return apply_curve(histogram_curve(own, reference), pixels)


def apply_curve(curve: Tensor, pixels: Tensor) -> Tensor:
    """Look `pixels` [B, C, ...] up in `curve` [B, C, P] over [0, 1], linearly interpolated; inputs are clamped."""
    return _quantile(curve, pixels.flatten(2).clamp(0, 1)).view_as(pixels)


def _quantile(ordered: Tensor, share: Tensor) -> Tensor:
    position = share * (ordered.shape[2] - 1)
    low = position.floor().clamp(0, ordered.shape[2] - 2)
    index = low.long()
    return torch.lerp(ordered.gather(2, index), ordered.gather(2, index + 1), position - low)


def transfer_distribution(own: Tensor, reference: Tensor, rotations: Tensor) -> Tensor:
    """Iterative distribution transfer (Pitié, Kokaram, Dahyot, "Automated colour grading ...", 2007) of `own` itself.

    rotations: [R, 3, 3], one random rotation for each iteration. Returns the moved `own` [B, 3, K]. Equal numbers of
    pixels (K = M) make the one-dimensional matching exact: the sorted values change places.
    """
    if own.shape != reference.shape:
        raise ValueError(f"own and reference must have one shape, not {tuple(own.shape)} and {tuple(reference.shape)}")
    moved = own
    for rotation in rotations:
        source, target = mix_channels(rotation, moved), mix_channels(rotation, reference)
        order = source.argsort(dim=2)
        moved = mix_channels(rotation.mT, torch.empty_like(source).scatter_(2, order, target.sort(dim=2).values))
    return moved


def random_rotations(count: int, generator: torch.Generator) -> Tensor:
    """[count, 3, 3] rotations, uniformly distributed, drawn on the CPU."""
    matrix, upper = torch.linalg.qr(torch.randn(count, 3, 3, generator=generator))
    rotations: Tensor = matrix * upper.diagonal(dim1=1, dim2=2).sign().unsqueeze(1)
    return rotations


def quadratic_terms(pixels: Tensor) -> Tensor:
    """[B, 3, N] -> [B, 10, N]: 1, r, g, b, rr, gg, bb, rg, rb, gb."""
    red, green, blue = pixels.unbind(1)
    return torch.stack(
        [
            torch.ones_like(red),
            *(red, green, blue),
            *(red * red, green * green, blue * blue),
            *(red * green, red * blue, green * blue),
        ],
        dim=1,
    )


def fit_quadratic(before: Tensor, after: Tensor, ridge: float = 1e-3) -> Tensor:
    """The quadratic map [B, 3, 10] nearest to `before` -> `after`, both [B, 3, K]; `ridge` draws it to the identity."""
    terms = quadratic_terms(before)
    identity = terms.new_zeros(3, 10)
    identity[0, 1] = identity[1, 2] = identity[2, 3] = 1
    count = before.shape[2]
    normal = terms @ terms.mT / count + ridge * torch.eye(10, device=before.device)
    change = (after - before) @ terms.mT / count
    fitted: Tensor = torch.linalg.solve(normal, change.mT).mT + identity
    return fitted
