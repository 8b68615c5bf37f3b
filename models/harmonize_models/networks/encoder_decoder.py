"""What DIH, SSAM and their improved versions share: normalized colors, places to join features, the blending head.

Source: Sofiiuk, Popenova, Konushin, "Foreground-aware Semantic Representations for Image Harmonization" (2021).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .base import HarmonizationNetwork, Prediction
from .blocks import denormalize, mix, normalize
from .carrying import read_mask, read_picture

PAPER = "Sofiiuk, Popenova, Konushin: Foreground-aware Semantic Representations for Image Harmonization (2021)"
FIRST_JOIN = 2
"""The block of the encoder whose input is the first to be joined with features of a backbone (at stride 4)."""


class PixelTranslator(HarmonizationNetwork, ABC):
    """A network that works on pictures in ImageNet's normalization, perhaps helped by features of a backbone."""

    @abstractmethod
    def translate(self, picture: Tensor, mask: Tensor, features: Sequence[Tensor] = ()) -> Tensor:
        """The harmonized picture, normalized like `picture` [B, 3, H, W].

        features: of a backbone; the i-th is joined to the input of the encoder's block 2 + i, at stride 4 * 2^i.
        """

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        return Prediction(denormalize(self.translate(normalize(composite), mask)))


class Encoder(nn.Module, ABC):
    """Blocks one after the other; before block 2 and the following ones, features of a backbone are concatenated.

    Called with picture and mask [B, 4, H, W] and those features, it returns the outputs of all blocks, finest first.
    """

    block0: nn.Module
    block1: nn.Module
    widths: tuple[int, ...]
    """Channels of each block's output."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks_connected = nn.ModuleDict()

    def add_block(self, index: int, block: nn.Module) -> None:
        """Keep block `index` under its published name."""
        if index < FIRST_JOIN:
            self.add_module(f"block{index}", block)
        else:
            self.blocks_connected[f"block{index}"] = block

    @abstractmethod
    def keep_pixels(self) -> None:
        """Let the first block keep picture and mask in its first channels (`carrying.py`)."""

    def blocks(self) -> list[nn.Module]:
        """From the finest to the coarsest."""
        return [self.block0, self.block1, *self.blocks_connected.values()]

    @staticmethod
    def joined(x: Tensor, block: int, features: Sequence[Tensor]) -> Tensor:
        """What `block` gets: `x`, and the features that belong there."""
        index = block - FIRST_JOIN
        return torch.cat([x, features[index]], dim=1) if 0 <= index < len(features) else x


def extra_channels(block: int, joins: Sequence[int]) -> int:
    """How many channels of a backbone come to the input of `block`; joins: channels at blocks 2, 3, ..."""
    index = block - FIRST_JOIN
    return joins[index] if 0 <= index < len(joins) else 0


class Decoder(nn.Module):
    """Ends in the picture: directly, or blended with the input by an attention map of its own (equation 1).

    Called with the encoder's outputs, the picture [B, 3, H, W] and the mask, it returns the output picture.
    """

    def __init__(self, width: int, blends: bool) -> None:
        super().__init__()
        self.conv_attention = nn.Conv2d(width, 1, 1) if blends else None
        self.to_rgb = nn.Conv2d(width, 3, 1)

    def start_at_identity(self) -> None:
        """Take the predicted picture from what is carried, and the input outside the mask."""
        if self.conv_attention is None:
            raise ValueError("Without an attention map of its own, a network has no start that changes nothing.")
        read_picture(self.to_rgb)
        read_mask(self.conv_attention)

    def picture(self, features: Tensor, original: Tensor) -> Tensor:
        """[B, width, H, W] features and the input picture -> the output picture."""
        predicted: Tensor = self.to_rgb(features)
        if self.conv_attention is None:
            return predicted
        kept = torch.sigmoid(3.0 * self.conv_attention(features))
        return mix(predicted, original, kept)


class EncoderDecoder(PixelTranslator):
    """The base networks, and the inner part of those with a backbone."""

    encoder: Encoder
    decoder: Decoder

    def start_at_identity(self) -> None:
        """Carry picture and mask from the first block over its skip to the last one, and blend by the mask.

        The foreground's colors come out as they went in, by way of the predicted picture, so that every gradient
        passes. Exact in evaluation mode, or while norms are frozen.
        """
        self.decoder.start_at_identity()
        self.encoder.keep_pixels()

    def translate(self, picture: Tensor, mask: Tensor, features: Sequence[Tensor] = ()) -> Tensor:
        encoded = self.encoder(torch.cat([picture, mask], dim=1), features)
        translated: Tensor = self.decoder(encoded, picture, mask)
        return translated
