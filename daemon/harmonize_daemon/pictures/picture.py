"""A decoded picture and what its file says about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from harmonize_client.values import Depth, Layout
from harmonize_models import luma
from numpy.typing import NDArray

Pixels = NDArray[Any]

LAYOUTS: dict[int, Layout] = {1: "Y", 2: "YA", 3: "RGB", 4: "RGBA"}
LUMA = np.array(luma.WEIGHTS, np.float32)
DEPTHS: dict[str, Depth] = {"uint8": "u8", "uint16": "u16", "float16": "f16", "float32": "f32"}


@dataclass(frozen=True)
class Metadata:
    """What a file says about its picture, carried over to the result."""

    icc: bytes | None = None
    exif: bytes | None = None
    """As JPEG files have it, behind `Exif\\0\\0`: of an upright picture, and else as the source wrote it."""
    dpi: tuple[float, float] | None = None
    jpeg_tables: tuple[tuple[int, ...], ...] | None = None
    """The source's own quantization tables, so that saving as JPEG again loses as little as possible."""
    jpeg_subsampling: int = -1
    xmp: bytes | None = None
    """Of an upright picture, and else as the source wrote it."""
    iptc: bytes | None = None
    jpeg_segments: bytes = b""
    """Those of a JPEG file that hold comments, and what of its XMP has no room in one segment."""
    png_texts: bytes = b""
    """The chunks of a PNG file with texts; those that hold one of the above are left out."""
    png_colors: bytes = b""
    """The chunks of a PNG file that say which colors its numbers mean: those of HDR, of linear light and others."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture."""

    pixels: Pixels
    """[H, W, C], C = 1 … 4 (grey, grey + alpha, RGB, RGBA); uint8, uint16, float16 or float32; contiguous."""
    metadata: Metadata = Metadata()

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def layout(self) -> Layout:
        """`Y`, `YA`, `RGB` or `RGBA`."""
        return LAYOUTS[self.pixels.shape[2]]

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.pixels.shape[2] in (2, 4)

    @property
    def depth(self) -> Depth:
        """`u8`, `u16`, `f16` or `f32`."""
        return DEPTHS[self.pixels.dtype.name]

    @property
    def white(self) -> float:
        """The value of full color, and of full alpha."""
        return 1.0 if self.pixels.dtype.kind == "f" else float(np.iinfo(self.pixels.dtype).max)

    def with_pixels(self, pixels: Pixels) -> Picture:
        """The same file with other pixels."""
        return replace(self, pixels=pixels)


def to_u8(pixels: Pixels) -> NDArray[np.uint8]:
    """Pixels of any depth at 8 bits, of the same shape."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return (np.nan_to_num(pixels.astype(np.float32)).clip(0, 1) * 255 + 0.5).astype(np.uint8)


def product(mask: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two masks [H, W], 255 = all, as one: what both leave."""
    both: NDArray[np.uint8] = ((mask.astype(np.uint16) * other + 127) // 255).astype(np.uint8)
    return both
