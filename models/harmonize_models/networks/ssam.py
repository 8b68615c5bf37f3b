"""SSAM and iSSAM: a U-Net with spatially separated attention at full resolution.

Source: Sofiiuk 2021, the base network "S²AM" of its section 4 (after Cun & Pun 2020) and its improved version.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .base import NetworkSpec
from .blocks import ChannelGate, ConvBlock, MaskBlur, mix, upsample
from .carrying import HALVING_GATE, PLANES, carry, lift_colors, pass_through, settle_gate, silence
from .encoder_decoder import PAPER, Decoder, Encoder, EncoderDecoder, extra_channels
from .exact import pixel_spec
from .initialization import xavier_gaussian

WIDEST = 512


class DoubleConv(nn.Module):
    """Two 3x3 convolutions."""

    def __init__(self, inputs: int, outputs: int, norm: bool) -> None:
        super().__init__()
        self.block = nn.Sequential(ConvBlock(inputs, outputs, norm=norm), ConvBlock(outputs, outputs, norm=norm))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.block(x)
        return result


class DownBlock(nn.Module):
    """A double convolution under the name that the published checkpoints give it."""

    def __init__(self, inputs: int, outputs: int, norm: bool) -> None:
        super().__init__()
        self.convs = DoubleConv(inputs, outputs, norm)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.convs(x)
        return result


class UNetEncoder(Encoder):
    """`depth` double convolutions with 2x2 max pooling between them; each doubles the width."""

    def __init__(self, depth: int, width: int, norm_from: int, joins: Sequence[int] = (), widest: int = WIDEST) -> None:
        super().__init__()
        self.widths = tuple(min(width * 2**block, widest) for block in range(depth))
        inputs = 4
        for block, outputs in enumerate(self.widths):
            module = DownBlock(inputs + extra_channels(block, joins), outputs, norm=block >= norm_from)
            self.add_block(block, module)
            inputs = outputs

    def keep_pixels(self) -> None:
        for index in range(2):
            conv = self.block0.get_submodule(f"convs.block.{index}.block.0")
            assert isinstance(conv, nn.Conv2d)
            carry(conv)
            if index == 0:
                lift_colors(conv)

    def forward(self, x: Tensor, features: Sequence[Tensor] = ()) -> list[Tensor]:
        """[B, 4, H, W] picture and mask -> the outputs of all blocks (before pooling), finest first."""
        outputs: list[Tensor] = []
        for index, block in enumerate(self.blocks()):
            pooled = F.max_pool2d(x, 2) if index > 0 else x
            x = block(self.joined(pooled, index, features))
            outputs.append(x)
        return outputs


class SeparatedAttention(nn.Module):
    """Spatially separated attention with a soft, blurred mask of full resolution.

    middle: channels between the two convolutions of the learning block.
    """

    def __init__(self, channels: int, middle: int) -> None:
        super().__init__()
        hidden = max(channels // 16, 8)
        self.background_gate = ChannelGate(channels, hidden, "attention_transform")
        self.foreground_gate = ChannelGate(channels, hidden, "attention_transform")
        self.mix_gate = ChannelGate(channels, hidden, "attention_transform")
        self.learning_block = nn.Sequential(
            ConvBlock(channels, middle, bias=False), ConvBlock(middle, channels, bias=False)
        )
        self.mask_blurring = MaskBlur(7, std=1.0, padding="constant")

    def halve(self, channels: int) -> None:
        """Let the first channels out by half, foreground and background alike."""
        for gate in (self.background_gate, self.mix_gate):
            settle_gate(gate.perceptron(), channels)
        norm = self.learning_block.get_submodule("1.block.1")
        assert isinstance(norm, nn.BatchNorm2d)
        silence(norm, channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        mask = self.mask_blurring(upsample(mask, x.shape[-2:]))
        foreground = self.learning_block(self.foreground_gate(x)) + self.mix_gate(x)
        return mix(self.background_gate(x), foreground, mask)


class UpBlock(nn.Module):
    """Doubles the size, joins the encoder's output of that size, then perhaps attention, then a double convolution.

    outputs: channels that come out, which are also those of the encoder's output.
    """

    def __init__(self, inputs: int, outputs: int, attention: nn.Module | None) -> None:
        super().__init__()
        self.upconv = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), ConvBlock(inputs, outputs, norm=False)
        )
        self.attention = attention
        self.convs = DoubleConv(2 * outputs, outputs, norm=True)

    def write_pixels(self) -> None:
        """Put out the encoder's first channels as they are (`carrying.py`)."""
        if isinstance(self.attention, SeparatedAttention):
            self.attention.halve(PLANES)
        for index in range(2):
            conv, norm = (self.convs.get_submodule(f"block.{index}.block.{layer}") for layer in range(2))
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            carry(conv, gain=1 / HALVING_GATE if self.attention is not None and index == 0 else 1.0)
            pass_through(norm)

    def forward(self, x: Tensor, skip: Tensor, mask: Tensor) -> Tensor:
        x = torch.cat([skip, self.upconv(x)], dim=1)
        if self.attention is not None:
            x = self.attention(x, mask)
        result: Tensor = self.convs(x)
        return result


class UNetDecoder(Decoder):
    """One up block less than the encoder has blocks; those from `attend_from` on have attention."""

    def __init__(self, encoder_widths: Sequence[int], blends: bool, attend_from: int, middle_ratio: float) -> None:
        super().__init__(encoder_widths[0], blends)
        coarse_to_fine = list(reversed(encoder_widths))
        self.up_blocks = nn.ModuleList()
        for block, (inputs, outputs) in enumerate(pairwise(coarse_to_fine)):
            joined = 2 * outputs
            attends = block >= attend_from
            attention = SeparatedAttention(joined, int(middle_ratio * joined)) if attends else None
            self.up_blocks.append(UpBlock(inputs, outputs, attention))

    def start_at_identity(self) -> None:
        super().start_at_identity()
        finest = self.up_blocks[-1]
        assert isinstance(finest, UpBlock)
        finest.write_pixels()

    def forward(self, encoded: Sequence[Tensor], picture: Tensor, mask: Tensor) -> Tensor:
        x = encoded[-1]
        for block, skip in zip(self.up_blocks, encoded[-2::-1], strict=True):
            x = block(x, skip, mask)
        return self.picture(x, picture)


class SSAM(EncoderDecoder):
    """`ssam` and `issam`, and the inner part of `issam` with a backbone.

    middle_ratio: width inside the attention's learning block, relative to its input. joins: as in `DIH`.
    """

    def __init__(
        self,
        depth: int = 4,
        width: int = 32,
        norm_from: int = 2,
        attend_from: int = 2,
        middle_ratio: float = 0.5,
        blends: bool = True,
        joins: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.encoder = UNetEncoder(depth, width, norm_from, joins)
        self.decoder = UNetDecoder(self.encoder.widths, blends, attend_from, middle_ratio)
        xavier_gaussian(self, magnitude=1.0)


SPECS: tuple[NetworkSpec, ...] = (
    pixel_spec(
        "ssam", "SSAM (S²AM of Sofiiuk 2021)", PAPER, 9_163_291, partial(SSAM, width=64, middle_ratio=2.0, blends=False)
    ),
    pixel_spec("issam", "iSSAM", PAPER, 2_185_340, partial(SSAM)),
)
