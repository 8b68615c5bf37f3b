"""Scaling pictures down without aliasing: thumbnails of layers, and what networks see.

Every output pixel is a weighted mean of all input pixels under it (a triangle filter, as Pillow's BILINEAR and torch's
antialiased bilinear are; large factors begin with exact box means). Training scales with `network_input` too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    import torch

LONG_SIDE = 512
_GAP = 2.0
"""Box means may shrink until this many times the final size is left: closer is faster and less exact."""
_BAND_PIXELS = 1 << 18


def thumbnail(pixels: NDArray[Any], long_side: int = LONG_SIDE) -> NDArray[np.uint8]:
    """A smaller version whose longer side is at most `long_side`; a picture that is small enough keeps its size.

    pixels: [H, W] or [H, W, C] with 1 to 4 channels (Y, YA, RGB, RGBA order); uint8 or uint16, or float with white = 1
        (clamped to [0, 1], NaN is black). An even number of channels ends in alpha: transparent pixels do not bleed.
    Returns uint8 [h, w] or [h, w, C]. Raises ValueError for other shapes and types.
    """
    if pixels.ndim not in (2, 3) or 0 in pixels.shape or (pixels.ndim == 3 and pixels.shape[2] > 4):
        raise ValueError(f"A picture is [H, W] or [H, W, 1 to 4], not {list(pixels.shape)}.")
    height, width = pixels.shape[:2]
    size = size_within(width, height, long_side)
    planes = _bytes(pixels).reshape(height, width, -1)
    channels = planes.shape[2]
    if channels == 4 and _is_opaque(planes):
        image = Image.fromarray(planes, "RGBX")  # spares Pillow two passes that multiply by alpha
    else:
        image = Image.fromarray(planes[..., 0] if channels == 1 else planes, ("L", "LA", "RGB", "RGBA")[channels - 1])
    small = np.asarray(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=_GAP), dtype=np.uint8)
    return small.reshape(size[1], size[0], *pixels.shape[2:])


def size_within(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Width and height scaled so that the longer one is at most `long_side`, each at least 1; never enlarged."""
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def network_input(picture: NDArray[np.uint8], side: int) -> torch.Tensor:
    """What a network sees of a picture: [1, C, side, side] float32 in [0, 1], channels_last, squeezed to a square.

    picture: [H, W, C] or [H, W] uint8.
    """
    import torch
    from torch.nn import functional

    planes = torch.from_numpy(np.require(picture.reshape(*picture.shape[:2], -1), requirements=["C", "W"]))
    # A permuted view of rows of pixels is channels_last, for which torch has fast u8 code.
    batch = planes.permute(2, 0, 1)[None]
    if batch.shape[2:] != (side, side):
        batch = functional.interpolate(batch, (side, side), mode="bilinear", align_corners=False, antialias=True)
    return batch.to(torch.float32, memory_format=torch.channels_last).div_(255)


def _bytes(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """8 bit of any depth, in bands: at no time is there a second full-size float picture."""
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    if pixels.dtype != np.uint16 and pixels.dtype.kind != "f":
        raise ValueError(f"Pixels are uint8, uint16 or float, not {pixels.dtype}.")
    out = np.empty(pixels.shape, np.uint8)
    step = max(1, _BAND_PIXELS // pixels.shape[1])
    for row in range(0, pixels.shape[0], step):
        band = pixels[row : row + step]
        if pixels.dtype == np.uint16:
            out[row : row + step] = (band.astype(np.uint32) * 255 + 32895) >> 16
        else:
            inside = np.clip(np.nan_to_num(band.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
            out[row : row + step] = inside * 255 + np.float32(0.5)
    return out


def _is_opaque(pixels: NDArray[np.uint8]) -> bool:
    packed = pixels.reshape(-1).view("<u4") if pixels.ctypes.data % 4 == 0 else pixels[..., 3].astype("<u4") << 24
    return bool(np.bitwise_and.reduce(packed, axis=None) >> 24 == 255)
