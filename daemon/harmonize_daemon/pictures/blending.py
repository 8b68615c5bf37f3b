"""Painting layers over each other.

Source: W3C, Compositing and Blending Level 1, sections 5 (source over, with a blend function) and 9.1 (the functions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .picture import Pixels

Array = NDArray[np.float32]
Blend = Callable[[Array, Array], Array]
"""(backdrop, source), colors in [0, 1] -> the color where both are opaque."""
_BAND_PIXELS = 1 << 16
"""Painted at a time, in whole rows: temporary arrays stay in the processor's cache, also those of wide pictures, and
narrow ones do not come in countless small parts."""


def _hard_light(below: Array, above: Array) -> Array:
    return np.where(above <= 0.5, 2 * below * above, 1 - 2 * (1 - below) * (1 - above))


def _soft_light(below: Array, above: Array) -> Array:
    bent = np.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, np.sqrt(below))
    return np.where(
        above <= 0.5, below - (1 - 2 * above) * below * (1 - below), below + (2 * above - 1) * (bent - below)
    )


def _dodge(below: Array, above: Array) -> Array:
    lighter = np.minimum(1, below / np.maximum(1 - above, 1e-6))
    return np.where(below <= 0, 0, np.where(above >= 1, 1, lighter))


def _burn(below: Array, above: Array) -> Array:
    darker = 1 - np.minimum(1, (1 - below) / np.maximum(above, 1e-6))
    return np.where(below >= 1, 1, np.where(above <= 0, 0, darker))


def _light_multiply(below: Array, above: Array) -> Array:
    """Of linear light (IEC 61966-2-1), not of encoded values."""
    product = _light(below) * _light(above)
    return np.where(product <= 0.0031308, product * 12.92, 1.055 * np.maximum(product, 1e-9) ** (1 / 2.4) - 0.055)


def _light(encoded: Array) -> Array:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((np.maximum(encoded, 0) + 0.055) / 1.055) ** 2.4)


class Mode(Enum):
    """How a layer is blended with what is below it; the values are OpenRaster's names, where it has one."""

    NORMAL = "svg:src-over"
    MULTIPLY = "svg:multiply"
    SCREEN = "svg:screen"
    OVERLAY = "svg:overlay"
    DARKEN = "svg:darken"
    LIGHTEN = "svg:lighten"
    COLOR_DODGE = "svg:color-dodge"
    COLOR_BURN = "svg:color-burn"
    HARD_LIGHT = "svg:hard-light"
    SOFT_LIGHT = "svg:soft-light"
    DIFFERENCE = "svg:difference"
    LIGHT_MULTIPLY = "linear light multiplied"


_BLENDS: dict[Mode, Blend] = {
    Mode.MULTIPLY: np.multiply,
    Mode.SCREEN: lambda below, above: below + above - below * above,
    Mode.OVERLAY: lambda below, above: _hard_light(above, below),
    Mode.DARKEN: np.minimum,
    Mode.LIGHTEN: np.maximum,
    Mode.COLOR_DODGE: _dodge,
    Mode.COLOR_BURN: _burn,
    Mode.HARD_LIGHT: _hard_light,
    Mode.SOFT_LIGHT: _soft_light,
    Mode.DIFFERENCE: lambda below, above: np.abs(below - above),
    Mode.LIGHT_MULTIPLY: _light_multiply,
}


class Canvas:
    """What has been painted so far: transparent at first. In planes, which is several times as fast as pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.color = np.zeros((3, height, width), np.float32)
        """Premultiplied, [3, H, W] in [0, 1]."""
        self.alpha = np.zeros((1, height, width), np.float32)

    def paint(
        self, pixels: Pixels, left: int, top: int, opacity: float, mode: Mode, *, keeps_alpha: bool = False
    ) -> None:
        """A layer of straight RGBA pixels [h, w, 4] uint8 or uint16, of which only what lies inside is seen.

        keeps_alpha: it is seen only where something has been painted already.
        """
        on_canvas, on_layer = overlap(pixels.shape, left, top, self.alpha.shape[1:])
        place = (slice(None), *on_canvas)
        color, alpha, layer = self.color[place], self.alpha[place], pixels[on_layer]
        for rows in _bands(*layer.shape[:2]):
            part = _planes(layer[rows])
            part[3:] *= np.float32(opacity)
            part[:3] *= part[3:]
            _over(color[:, rows], alpha[:, rows], part[:3], part[3:], mode, keeps_alpha)

    def blend(self, group: Canvas, opacity: float, mode: Mode, *, keeps_alpha: bool = False) -> None:
        """Another canvas of the same size, as one layer."""
        strength = np.float32(opacity)
        for rows in _bands(*self.alpha.shape[1:]):
            color, alpha = group.color[:, rows] * strength, group.alpha[:, rows] * strength
            _over(self.color[:, rows], self.alpha[:, rows], color, alpha, mode, keeps_alpha)

    def hide(self, covers: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
        """Take away what a mask [H, W] hides; 255, of 16 bits 65535 = all of it stays."""
        scale = np.float32(1 / np.iinfo(covers.dtype).max)
        for rows in _bands(*self.alpha.shape[1:]):
            stays = covers[rows] * scale
            self.color[:, rows] *= stays
            self.alpha[:, rows] *= stays

    def pixels(self, dtype: DTypeLike) -> Pixels:
        """[H, W, 4] straight RGBA, uint8 or uint16."""
        height, width = self.alpha.shape[1:]
        out = np.empty((height, width, 4), dtype)
        scale = np.float32(np.iinfo(out.dtype).max)
        for rows in _bands(height, width):
            color, alpha = self.color[:, rows], self.alpha[:, rows]
            straight = color if bool((alpha == 1).all()) else _divided(color, alpha)
            for channel, plane in enumerate(straight):
                out[rows, :, channel] = plane.clip(0, 1) * scale + np.float32(0.5)
            out[rows, :, 3] = alpha[0] * scale + np.float32(0.5)
        return out


def overlap(
    layer: tuple[int, ...], left: int, top: int, canvas: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part that a layer of a shape shares with a canvas: where it is on the canvas, and where on the layer."""
    first, near = max(top, 0), max(left, 0)
    last, far = max(first, min(top + layer[0], canvas[0])), max(near, min(left + layer[1], canvas[1]))
    return np.s_[first:last, near:far], np.s_[first - top : last - top, near - left : far - left]


def _bands(height: int, width: int) -> Iterator[slice]:
    """Rows to paint at a time, from the top on."""
    rows = max(1, _BAND_PIXELS // max(1, width))
    return (slice(first, first + rows) for first in range(0, height, rows))


def _planes(pixels: Pixels) -> Array:
    """[h, w, 4] uint8 or uint16 -> [4, h, w] in [0, 1]."""
    planes = np.empty((4, *pixels.shape[:2]), np.float32)
    scale = np.float32(1 / np.iinfo(pixels.dtype).max)
    for channel, plane in enumerate(planes):
        np.multiply(pixels[..., channel], scale, out=plane)
    return planes


def _over(below: Array, covered: Array, color: Array, alpha: Array, mode: Mode, keeps_alpha: bool) -> None:
    """Lay premultiplied color over what is below, in place."""
    blend = _BLENDS.get(mode)
    if blend is not None:
        # Where the backdrop covers, the source's color is blended with it before it is laid over.
        mixed = blend(_divided(below, covered), _divided(color, alpha))
        inside = covered * alpha * mixed
        color = inside if keeps_alpha else (1 - covered) * color + inside
    elif keeps_alpha:
        color = covered * color
    elif bool((alpha == 1).all()):
        below[...], covered[...] = color, 1
        return
    rest = 1 - alpha
    below *= rest
    below += color
    if not keeps_alpha:
        covered *= rest
        covered += alpha


def _divided(color: Array, alpha: Array) -> Array:
    straight: Array = color / np.maximum(alpha, np.float32(1e-6))
    return straight
