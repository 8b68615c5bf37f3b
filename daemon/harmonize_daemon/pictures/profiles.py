"""Color profiles: a picture's pixels in sRGB, and the changed ones back in its own profile.

Networks look at sRGB, and an adjustment is a change of sRGB-encoded values. Pictures of other profiles (Adobe RGB, a
telephone's Display P3, linear light) are converted to them and back as 32-bit floats, in which nothing is clipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import DTypeLike, NDArray

from .picture import Picture, Pixels, to_u8

_COLORS = slice(16, 20)
"""Where a profile names its kind of colors (ICC.1:2022, section 7.2)."""
_ALIKE = 0.8 / 255
"""Profiles that differ from sRGB by less are versions of it."""


_BAND_PIXELS = 1 << 18


@dataclass(frozen=True)
class Conversion:
    """Between the profile of RGB pixels and sRGB."""

    icc: bytes

    @classmethod
    def of(cls, picture: Picture) -> Conversion | None:
        """None where there is nothing to convert: sRGB, no profile, one that cannot be used, or grey."""
        icc = picture.metadata.icc
        if icc is None or picture.pixels.shape[2] < 3 or _is_srgb(icc):
            return None
        return cls(icc)

    def seen(self, picture: Picture) -> Picture:
        """As sRGB of 8 bits, for the networks' eyes; alpha as it is."""
        seen = np.empty(picture.pixels.shape, np.uint8)
        for rows in _bands(seen):
            part = picture.pixels[rows]
            seen[rows, :, :3] = self._to_srgb(part, np.uint8)
            seen[rows, :, 3:] = to_u8(part[..., 3:])
        return picture.with_pixels(seen)

    def to_srgb(self, picture: Picture) -> Picture:
        """As sRGB, float32; alpha in [0, 1]."""
        converted = np.empty(picture.pixels.shape, np.float32)
        for rows in _bands(converted):
            part = picture.pixels[rows]
            converted[rows, :, :3] = self._to_srgb(part, np.float32)
            converted[rows, :, 3:] = part[..., 3:] * np.float32(1 / picture.white)
        return picture.with_pixels(converted)

    def back(self, rendered: Pixels, asked: Picture, own: Picture) -> Pixels:
        """What was `rendered` of `asked` in the profile and depth of `own`, from which that was made by `to_srgb`.

        Pixels that were not changed, or have a color that is not finite, have their own bits, and all their own alpha.
        """
        pixels: Pixels = own.pixels.copy()
        for rows in _bands(pixels):
            part = rendered[rows]
            changed = (part[..., :3] != asked.pixels[rows, :, :3]).any(axis=2) & np.isfinite(part).all(axis=2)
            changed &= np.isfinite(pixels[rows, :, :3]).all(axis=2)
            if changed.any():
                colors = _transformed(part[changed, :3][None], _srgb(), self.icc, np.float32)[0]
                if pixels.dtype.kind == "u":
                    colors = colors.clip(0, 1) * own.white + np.float32(0.5)
                pixels[rows][changed, :3] = colors
        return pixels

    def _to_srgb(self, pixels: Pixels, dtype: DTypeLike) -> Pixels:
        colors = pixels[..., :3]
        if colors.dtype.kind == "f":
            colors = np.nan_to_num(colors.astype(np.float32))
        return _transformed(colors, self.icc, _srgb(), dtype)


@lru_cache(maxsize=16)
def _is_srgb(icc: bytes) -> bool:
    """Whether values of that profile may be taken as sRGB: it is that, or says nothing that can be used."""
    if icc[_COLORS] != b"RGB ":
        return True
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    colors = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    try:
        encoded = _transformed(colors, icc, _srgb(), np.float32)
        _transformed(colors, _srgb(), icc, np.float32)  # profiles of scanners know no way back
    except (imagecodecs.CmsError, ValueError):
        return True
    return bool(np.abs(encoded - colors).max() < _ALIKE)


@cache
def _srgb() -> bytes:
    profile: bytes = imagecodecs.cms_profile("srgb")
    return profile


def _transformed(colors: NDArray[Any], source: bytes, target: bytes, dtype: DTypeLike) -> Pixels:
    """[H, W, 3] of one profile in another one."""
    contiguous = np.ascontiguousarray(colors)
    result: Pixels = imagecodecs.cms_transform(contiguous, source, target, colorspace="rgb", outdtype=dtype)
    return result


def _bands(pixels: Pixels) -> Iterator[slice]:
    """Rows to convert at a time: what is in between takes several times the memory of the pixels."""
    rows = max(1, _BAND_PIXELS // pixels.shape[1])
    return (slice(first, first + rows) for first in range(0, pixels.shape[0], rows))
