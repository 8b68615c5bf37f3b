"""The papers' losses, and mixtures of them, over every stage of a prediction."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ..networks.base import Prediction
from ..networks.blocks import IMAGENET_STD


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts; 0 leaves it out."""

    relative_l1: float = 0.0
    """S²CRNet: absolute difference within the mask, over the mask's area."""
    fn_mse: float = 0.0
    """iDIH, iSSAM, GKNet: squared difference over the mask's area, at least `least_area` pixels."""
    least_area: float = 100.0
    """"A_min" of FN-MSE."""
    l2: float = 0.0
    """DIH, S²AM, FB-FMM: mean squared difference over the whole picture."""
    l1: float = 0.0
    """Mean absolute difference over the whole picture."""
    rmse: float = 0.0
    """Root of the mean squared difference within the mask, picture by picture: near to what PSNR measures."""
    found_masks: float = 0.0
    """S²AM without a mask: squared difference of each mask that the network found from the true one (equation 4)."""
    adversarial: float = 0.0
    """LSGAN's generator term on the last stage (`discriminators.py`)."""

    def used(self) -> dict[str, float]:
        """The terms that count."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) and f.name != "least_area"}


def pixel_loss(weights: LossWeights, prediction: Prediction, target: Tensor, mask: Tensor) -> Tensor:
    """The weighted sum of all pixel terms over all stages, a scalar; the mean over the batch."""
    total = target.new_zeros(())
    for picture in (*prediction.stages, prediction.harmonized):
        difference = picture.float() - target
        for name, term in _TERMS.items():
            weight = getattr(weights, name)
            if weight:
                total = total + weight * term(difference, mask, weights)
    if weights.found_masks:
        total = total + weights.found_masks * found_masks(prediction, mask)
    return total


def found_masks(prediction: Prediction, mask: Tensor) -> Tensor:
    """Cun & Pun 2020, equation 4: the sum over scales of the mean squared difference from the mask of that size."""
    total = mask.new_zeros(())
    for found in prediction.found_masks:
        total = total + (found.float() - adaptive_avg_pool2d(mask, (found.shape[2], found.shape[3]))).square().mean()
    return total


def relative_l1(difference: Tensor, mask: Tensor, _: LossWeights) -> Tensor:
    """Liang 2021, "Loss functions": sum |M (prediction - real)| / sum M for each picture."""
    return ((difference * mask).abs().sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3)).clamp(min=1)).mean()


def fn_mse(difference: Tensor, mask: Tensor, weights: LossWeights) -> Tensor:
    """Sofiiuk 2021, equation 2: the sum runs over all pixels, only the divisor over the mask.

    In ImageNet-normalized colors and divided by three channels, as in their code.
    """
    normalized = difference / difference.new_tensor(IMAGENET_STD).view(1, 3, 1, 1)
    area = mask.sum(dim=(1, 2, 3)).clamp(min=weights.least_area)
    return (normalized.square().sum(dim=(1, 2, 3)) / (3 * area)).mean()


def rmse(difference: Tensor, mask: Tensor, _: LossWeights) -> Tensor:
    """Root mean square within the mask; the small addend bounds the slope at zero."""
    square = (mask * difference.square()).sum(dim=(1, 2, 3)) / (3 * mask.sum(dim=(1, 2, 3))).clamp(min=1)
    return (square + 1e-6).sqrt().mean()


_TERMS = {
    "relative_l1": relative_l1,
    "fn_mse": fn_mse,
    "l2": lambda difference, mask, weights: difference.square().mean(),
    "l1": lambda difference, mask, weights: difference.abs().mean(),
    "rmse": rmse,
}


def generator_loss(verdict: Tensor) -> Tensor:
    """LSGAN: the discriminator should take the prediction for real."""
    return (verdict.float() - 1).square().mean()


def discriminator_loss(on_real: Tensor, on_predicted: Tensor) -> Tensor:
    """LSGAN: 1 for real pictures, 0 for predicted ones."""
    return (on_real.float() - 1).square().mean() + on_predicted.float().square().mean()


def parse_loss(text: str) -> LossWeights:
    """`relative_l1=1,rmse=0.5` -> weights. Raises ValueError for names that do not exist."""
    known = {f.name for f in fields(LossWeights)}
    values: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name not in known:
            raise ValueError(f"no loss named {name!r}; there are {', '.join(sorted(known))}")
        values[name] = float(value or 1)
    return LossWeights(**values)
