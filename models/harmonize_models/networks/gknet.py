"""GKNet: every place of the decoder is filtered by a kernel of its own, predicted with the whole picture in view.

Source: Shen et al., "Learning Global-aware Kernel for Image Harmonization" (ICCV 2023); equations (1) to (6). No code
or weights were published, and the text leaves sizes open. Chosen here:

* The base is a U-Net of depth 5 and width 16 (the encoder of iSSAM, attention at full resolution only), narrow so that
  it can be trained without a row of GPUs. Colors are in ImageNet's normalization, as in iSSAM.
* Its deepest features (stride 16, 128 channels, 256 tokens at 256 px) go through l = 6 pre-norm transformer layers of 8
  heads with sinusoidal positions and a fourfold perceptron.
* There are three kernel levels, at strides 16, 8 and 4 and of N = 5, 3 and 3, with one kernel per channel and pixel.
* Attention vectors are divided into n = 16 groups.
* Kernels are predicted as a change of the identity, so that the network starts as its base.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .base import NetworkSpec, Prediction
from .blocks import ConvBlock, denormalize, mix, normalize, upsample
from .carrying import read_picture
from .encoder_decoder import PixelTranslator
from .exact import pixel_spec
from .initialization import xavier_gaussian
from .ssam import SeparatedAttention, UNetEncoder, UpBlock

DEPTH = 5
WIDTH = 16
WIDEST = 128
LAYERS = 6
HEADS = 8
KERNEL_SIZES = (5, 3, 3)
"""Of the kernel levels, deepest first."""
GROUPS = 16
"""Of the channels of an attention vector ("n")."""
FIRST_CORRELATION_GAIN = 0.1
"""Of `b` in equation (3)."""


class LongDistanceReference(nn.Module):
    """LRE: transformer layers over all positions of the deepest features, then a convolution. Keeps the shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            channels, HEADS, 4 * channels, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.after = ConvBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        tokens = x.flatten(2).transpose(1, 2) + positions(height, width, x)
        result: Tensor = self.after(self.layers(tokens).transpose(1, 2).unflatten(2, (height, width)))
        return result


def positions(height: int, width: int, like: Tensor) -> Tensor:
    """Sines and cosines of row and column: [1, height * width, C], C = like.shape[1], a multiple of 4."""
    quarter = like.shape[1] // 4
    steps = torch.arange(quarter, device=like.device, dtype=torch.float32)
    frequencies = torch.exp(steps * (-math.log(10_000.0) / quarter))
    rows = torch.arange(height, device=like.device, dtype=torch.float32)[:, None] * frequencies
    columns = torch.arange(width, device=like.device, dtype=torch.float32)[:, None] * frequencies
    by_row = torch.cat([rows.sin(), rows.cos()], dim=1)[:, None].expand(height, width, -1)
    by_column = torch.cat([columns.sin(), columns.cos()], dim=1)[None].expand(height, width, -1)
    return torch.cat([by_row, by_column], dim=2).flatten(0, 1)[None].to(like.dtype)


class SelectiveCorrelationFusion(nn.Module):
    """SCF: joins encoder features with those of the level below, channel by channel, by how they correlate.

    Equations (2) to (4). `b` in equation (3) is one learned number for each of the two.
    """

    def __init__(self, encoder_channels: int, deeper_channels: int) -> None:
        super().__init__()
        channels = encoder_channels
        self.conv_encoder = nn.Conv2d(encoder_channels, channels, 3, padding=1)
        self.conv_deeper = nn.Conv2d(deeper_channels, channels, 3, padding=1)
        self.vector_encoder = _perceptron(channels)
        self.vector_deeper = _perceptron(channels)
        self.select = nn.Conv2d(1, 2 * channels, GROUPS)
        self.connect_encoder = nn.Linear(channels, channels)
        self.connect_deeper = nn.Linear(channels, channels)
        self.gain_encoder = nn.Parameter(torch.tensor(FIRST_CORRELATION_GAIN))
        self.gain_deeper = nn.Parameter(torch.tensor(FIRST_CORRELATION_GAIN))

    def forward(self, encoded: Tensor, deeper: Tensor) -> Tensor:
        encoded, deeper = self.conv_encoder(encoded), self.conv_deeper(deeper)
        alpha_encoder = self.vector_encoder(encoded.mean(dim=(2, 3)))
        alpha_deeper = self.vector_deeper(deeper.mean(dim=(2, 3)))
        grouped_encoder = alpha_encoder.unflatten(1, (GROUPS, -1))
        grouped_deeper = alpha_deeper.unflatten(1, (GROUPS, -1))
        relation = grouped_deeper @ grouped_encoder.transpose(1, 2)
        factor_deeper, factor_encoder = self.select(relation[:, None]).flatten(1).chunk(2, dim=1)
        share_encoder = torch.sigmoid(alpha_encoder + self.gain_encoder * self.connect_encoder(factor_encoder))
        share_deeper = torch.sigmoid(alpha_deeper + self.gain_deeper * self.connect_deeper(factor_deeper))
        selected = share_deeper[..., None, None] * deeper
        return share_encoder[..., None, None] * encoded + upsample(selected, encoded.shape[-2:])


def _perceptron(channels: int) -> nn.Sequential:
    hidden = max(channels // 8, 8)
    return nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, channels))


class KernelPrediction(nn.Module):
    """KPB: fuses, and predicts N x N kernels for every channel and pixel of the decoder features (equation 1)."""

    def __init__(self, encoder_channels: int, deeper_channels: int, decoder_channels: int, size: int) -> None:
        super().__init__()
        self.fuse = SelectiveCorrelationFusion(encoder_channels, deeper_channels)
        self.refine = ConvBlock(encoder_channels, encoder_channels)
        self.kernels = nn.Conv2d(encoder_channels, decoder_channels * size**2, 1)

    def forward(self, encoded: Tensor, deeper: Tensor) -> tuple[Tensor, Tensor]:
        """The kernels [B, C N², H, W] and the features for the next level [B, C_E, H, W]."""
        fused = self.refine(self.fuse(encoded, deeper))
        return self.kernels(fused), fused


def modulate(features: Tensor, kernels: Tensor) -> Tensor:
    """Equation (6) around the identity: each pixel and channel plus its surroundings, weighted by its own kernel.

    features: [B, C, H, W]; kernels: [B, C N², H, W], row by row, N odd. Zeros outside the picture.
    """
    batch, channels, height, width = features.shape
    area = kernels.shape[1] // channels
    size = math.isqrt(area)
    patches = F.unfold(features, size, padding=size // 2).view(batch, channels, area, height, width)
    return features + (patches * kernels.view(batch, channels, area, height, width)).sum(dim=2)


class GKNet(PixelTranslator):
    """`gknet`. Sides must be multiples of 16 px; outside the mask the output is the input."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = UNetEncoder(DEPTH, WIDTH, norm_from=2, widest=WIDEST)
        coarse = tuple(reversed(self.encoder.widths))
        self.reference = LongDistanceReference(coarse[0])
        self.predict_kernels = nn.ModuleList(
            KernelPrediction(coarse[level], coarse[max(level - 1, 0)], coarse[level], size)
            for level, size in enumerate(KERNEL_SIZES)
        )
        finest = 2 * coarse[-1]
        self.up_blocks = nn.ModuleList(
            UpBlock(
                coarse[level],
                coarse[level + 1],
                SeparatedAttention(finest, finest // 2) if level == DEPTH - 2 else None,
            )
            for level in range(DEPTH - 1)
        )
        self.to_rgb = nn.Conv2d(WIDTH, 3, 1)
        xavier_gaussian(self, magnitude=1.0)
        for block in self.predict_kernels:
            assert isinstance(block, KernelPrediction)
            nn.init.zeros_(block.kernels.weight)

    def translate(self, picture: Tensor, mask: Tensor, features: Sequence[Tensor] = ()) -> Tensor:
        encoded = self.encoder(torch.cat([picture, mask], dim=1))[::-1]
        x, deeper = encoded[0], self.reference(encoded[0])
        for level, block in enumerate(self.up_blocks):
            if level < len(self.predict_kernels):
                kernels, deeper = self.predict_kernels[level](encoded[level], deeper)
                x = modulate(x, kernels)
            x = block(x, encoded[level + 1], mask)
        result: Tensor = self.to_rgb(x)
        return result

    def start_at_identity(self) -> None:
        self.encoder.keep_pixels()
        finest = self.up_blocks[-1]
        assert isinstance(finest, UpBlock)
        finest.write_pixels()
        read_picture(self.to_rgb)

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        harmonized = denormalize(self.translate(normalize(composite), mask))
        return Prediction(mix(composite, harmonized, mask))


SPECS: tuple[NetworkSpec, ...] = (
    pixel_spec(
        "gknet",
        "GKNet",
        "Shen et al.: Learning Global-aware Kernel for Image Harmonization (2023)",
        4_663_441,
        GKNet,
    ),
)
