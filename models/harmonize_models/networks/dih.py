"""Deep Image Harmonization and its improved version: an encoder-decoder whose skips are added, down to one pixel.

Source: Sofiiuk 2021, section 3.1 (after Tsai 2017, without its fully connected bottleneck).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .base import NetworkSpec
from .blocks import ConvBlock, elu, upsample
from .carrying import CELL, OPEN_GATE, PLANES, join_cells, lift_colors, pass_through, settle_gate, silence, split_cells
from .encoder_decoder import PAPER, Decoder, Encoder, EncoderDecoder, extra_channels
from .exact import pixel_spec
from .initialization import xavier_gaussian

WIDEST = 512
KERNEL = 4
CARRIED = PLANES * CELL


def _centered(x: Tensor, side: int) -> Tensor:
    """[B, C, S, S] -> [B, C, side, side]: zeros around it, or its middle; nothing to do at 256 px and above.

    So a network for 256 px can be trained at 128 px first: the innermost kernels then see and write 2 x 2 cells.
    """
    margin = (side - x.shape[-1]) // 2
    return F.pad(x, (margin,) * 4) if margin else x


class ConvEncoder(Encoder):
    """`depth` strided convolutions; every second one doubles the width; the last one takes 4 x 4 to 1 x 1."""

    def __init__(self, depth: int, width: int, norm_from: int, joins: Sequence[int]) -> None:
        super().__init__()
        self.widths = tuple(min(width * 2 ** (block // 2), WIDEST) for block in range(depth))
        inputs = 4
        for block, outputs in enumerate(self.widths):
            module = ConvBlock(
                inputs + extra_channels(block, joins),
                outputs,
                kernel=KERNEL,
                stride=2,
                padding=int(block < depth - 1),
                act=elu,
                norm=block >= norm_from,
            )
            self.add_block(block, module)
            inputs = outputs

    def keep_pixels(self) -> None:
        """Let the first block keep the four pixels of each 2 x 2 cell in its first channels."""
        conv = self.block0.get_submodule("block.0")
        assert isinstance(conv, nn.Conv2d)
        split_cells(conv)
        lift_colors(conv, CARRIED)

    def forward(self, x: Tensor, features: Sequence[Tensor]) -> list[Tensor]:
        """[B, 4, H, W] picture and mask -> the outputs of all blocks, finest first."""
        outputs: list[Tensor] = []
        for index, block in enumerate(self.blocks()):
            x = self.joined(x, index, features)
            if index == len(self.widths) - 1:
                x = _centered(x, max(x.shape[-1], KERNEL))
            x = block(x)
            outputs.append(x)
        return outputs


class MaskedChannelAttention(nn.Module):
    """Squeeze-and-excitation that pools the foreground and the background apart."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // 16, 8)
        self.attention_transform = nn.Sequential(
            nn.Linear(3 * channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        mask = upsample(mask, x.shape[-2:])
        foreground, background = (x * mask).amax(dim=(2, 3)), (x * (1 - mask)).amax(dim=(2, 3))
        factors: Tensor = self.attention_transform(torch.cat([foreground, background, x.mean(dim=(2, 3))], dim=1))
        return x * factors[..., None, None]


class DeconvBlock(nn.Module):
    """Transposed convolution, batch normalization, ELU, and perhaps channel attention."""

    def __init__(self, inputs: int, outputs: int, padding: int, attends: bool) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.ConvTranspose2d(inputs, outputs, KERNEL, stride=2, padding=padding), nn.BatchNorm2d(outputs), elu()
        )
        self.se = MaskedChannelAttention(outputs) if attends else None

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        result: Tensor = self.block(x)
        if self.se is not None:
            result = self.se(result, mask)
        return result


class DeconvDecoder(Decoder):
    """As many transposed convolutions as the encoder has blocks; encoder outputs are added, not concatenated."""

    def __init__(self, encoder_widths: Sequence[int], blends: bool, attend_from: int | None) -> None:
        narrower = encoder_widths[0] // 2
        widths = (*reversed(encoder_widths), narrower)
        super().__init__(narrower, blends)
        self.deconv_blocks = nn.ModuleList(
            DeconvBlock(widths[d], widths[d + 1], int(d > 0), attend_from is not None and d >= attend_from)
            for d in range(len(encoder_widths))
        )

    def start_at_identity(self) -> None:
        """Write what `ConvEncoder.keep_pixels` kept: as the predicted picture, and as where to take it."""
        super().start_at_identity()
        coarser, conv, norm = (
            self.deconv_blocks.get_submodule(f"{len(self.deconv_blocks) - back}.block.{layer}")
            for back, layer in ((2, 1), (1, 0), (1, 1))
        )
        assert isinstance(coarser, nn.BatchNorm2d)
        assert isinstance(conv, nn.ConvTranspose2d)
        assert isinstance(norm, nn.BatchNorm2d)
        silence(coarser, CARRIED)  # nothing from coarser blocks is added to what is carried
        join_cells(conv)
        pass_through(norm)
        attention = self.deconv_blocks.get_submodule(f"{len(self.deconv_blocks) - 1}").se
        if isinstance(attention, MaskedChannelAttention):
            settle_gate(attention.attention_transform, PLANES, OPEN_GATE)

    def forward(self, encoded: Sequence[Tensor], picture: Tensor, mask: Tensor) -> Tensor:
        x = encoded[-1]
        for block, skip in zip(self.deconv_blocks, encoded[-2::-1], strict=False):
            x = _centered(block(x, mask), skip.shape[-1]) + skip
        return self.picture(self.deconv_blocks[-1](x, mask), picture)


class DIH(EncoderDecoder):
    """`dih`, `idih` and `idih-se`; the whole of the base networks and the inner part of those with a backbone.

    depth: 7 for pictures of 256 px (8 for 512). norm_from: the first block with batch normalization.
    attend_from: the first transposed convolution with channel attention. joins: channels that a backbone adds to the
    inputs of blocks 2, 3, ...
    """

    encoder: ConvEncoder
    decoder: DeconvDecoder

    def __init__(
        self,
        depth: int = 7,
        width: int = 64,
        norm_from: int = 2,
        blends: bool = True,
        attend_from: int | None = None,
        joins: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.encoder = ConvEncoder(depth, width, norm_from, joins)
        self.decoder = DeconvDecoder(self.encoder.widths, blends, attend_from)
        xavier_gaussian(self, magnitude=2.0)


SPECS: tuple[NetworkSpec, ...] = (
    pixel_spec("dih", "DIH", PAPER, 8_301_507, partial(DIH, norm_from=0, blends=False)),
    pixel_spec("idih", "iDIH", PAPER, 8_301_284, partial(DIH)),
    pixel_spec("idih-se", "iDIH with channel attention", PAPER, 8_304_468, partial(DIH, attend_from=5)),
)
