"""What every network takes and gives, and what the registry knows about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor, nn


class Kind(Enum):
    """How a network says what should change."""

    CURVES = "curves"
    """It predicts tone curves: exact at any resolution."""
    PIXELS = "pixels"
    """It predicts a picture of its input's size: a color grid is fitted to that for other resolutions."""
    ADJUSTMENT = "adjustment"
    """It predicts curves and a color grid itself."""


class ForegroundClass(Enum):
    """What the foreground shows, as S²CRNet's semantic head counts it (Liang 2021, "Semantic CRM").

    The authors published the numbers of all but the vehicle, which must be the one that is left.
    """

    PERSON = 0
    ANIMAL = 1
    FOOD = 2
    VEHICLE = 3
    OTHER = 4


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a network says of a batch of B composites where it answers in an adjustment: no picture is rendered."""

    curves: Tensor | None = None
    """[B, 3, P + 1] float: the whole tone curve of R, G and B at inputs 0, 1/P, ..., 1 (cascades already composed)."""
    grid: Tensor | None = None
    """[B, D, GH, GW, 3, 4] float: luma x rows x columns of affine color transforms, applied after `curves`."""
    confidence: Tensor | None = None
    """[B] float in [0, 1]: how sure the network is that its change helps."""


@dataclass(frozen=True)
class Prediction(Decision):
    """What a network makes of a batch of B composites at its input size H x W."""

    harmonized: Tensor
    """[B, 3, H, W] float, sRGB-encoded, nominally [0, 1]: the network's own output picture, as its paper defines it."""
    stages: tuple[Tensor, ...] = ()
    """Earlier stages of a cascade, each like `harmonized` (for the loss); without the last one."""
    found_masks: tuple[Tensor, ...] = ()
    """[B, 1, h, w] each, in [0, 1], coarse to fine: where a network that is given no mask sees the foreground."""


class HarmonizationNetwork(nn.Module, ABC):
    """A network of the registry. Its state-dict names equal those of the authors' published checkpoint."""

    @abstractmethod
    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        """Harmonize a batch.

        composite: [B, 3, H, W] float, sRGB-encoded in [0, 1] (a network normalizes for itself).
        mask: [B, 1, H, W] float in [0, 1], 1 = foreground; soft edges allowed.
        label: [B] int64, values of `ForegroundClass`, or None; networks without a semantic head ignore it.
        """

    def decide(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Decision:
        """The answer alone: quicker than `forward`, whose picture nobody looks at where there are curves or a grid."""
        return self(composite, mask, label)

    def pretrained_parameters(self) -> list[nn.Parameter]:
        """Those that start from ImageNet's weights and therefore learn more slowly (`TrainConfig.backbone_rate`)."""
        return []

    def start_at_identity(self) -> None:
        """Make a fresh network change next to nothing, so that even a short training is not worse than none.

        Raises ValueError where a network has no such start.
        """
        raise ValueError(f"{type(self).__name__} has no start that changes nothing.")

    def __call__(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        prediction: Prediction = super().__call__(composite, mask, label)
        return prediction


@dataclass(frozen=True)
class NetworkSpec:
    """One row of the registry."""

    key: str
    """The name users type, such as `s2crnet-cs`."""
    title: str
    """The name artists read."""
    paper: str
    """Authors, title, year."""
    kind: Kind
    input_size: int
    """Side in pixels of the square thumbnail that the network sees."""
    parameters: int
    """Effective number of parameters."""
    build: Callable[[], HarmonizationNetwork]
    """Makes the network with fresh weights."""
    recognises: Callable[[Mapping[str, torch.Size]], bool]
    """Whether a state dict with these names and shapes (wrappers and `module.` removed) belongs to this network."""
    semantic: bool = False
    """Whether the network uses a foreground class."""
