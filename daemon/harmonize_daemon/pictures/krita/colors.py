"""The color spaces of Krita's documents that are read and written: RGB and grey, of 8 and 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..layered import grey_and_alpha
from ..picture import Pixels


@dataclass(frozen=True)
class ColorSpace:
    """How the pixels of a paint layer are stored: the colors (blue, green, red, or grey), then alpha."""

    colors: int
    depth: DTypeLike

    @property
    def pixel_bytes(self) -> int:
        return (self.colors + 1) * np.dtype(self.depth).itemsize


COLOR_SPACES = {
    "RGBA": ColorSpace(3, np.uint8),
    "RGBA16": ColorSpace(3, np.uint16),
    "GRAYA": ColorSpace(1, np.uint8),
    "GRAYAU16": ColorSpace(1, np.uint16),
}


def to_rgba(data: NDArray[np.uint8], space: ColorSpace) -> Pixels:
    """[h, w, pixel_bytes] as stored -> [h, w, 4] uint8 or uint16."""
    stored = np.ascontiguousarray(data).view(np.dtype(space.depth).newbyteorder("<"))
    order = [2, 1, 0, 3] if space.colors == 3 else [0, 0, 0, 1]
    pixels = np.empty((*data.shape[:2], 4), space.depth)
    for channel, source in enumerate(order):
        pixels[..., channel] = stored[..., source]
    return pixels


def from_rgba(pixels: Pixels, space: ColorSpace) -> NDArray[np.uint8]:
    """[h, w, 4] of the color space's depth -> [h, w, pixel_bytes] as stored.

    Where that is grey, colors become their luma.
    """
    stored = np.empty((*pixels.shape[:2], space.colors + 1), np.dtype(space.depth).newbyteorder("<"))
    if space.colors == 3:
        stored[..., :3] = pixels[..., 2::-1]
        stored[..., 3] = pixels[..., 3]
    else:
        stored[...] = grey_and_alpha(pixels)
    return stored.view(np.uint8)
