"""Painting layers over each other.

Source: W3C, Compositing and Blending Level 1, sections 5 (source over, with a blend function) and 9.1 (the functions);
the names are OpenRaster's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .errors import UnsupportedPicture
from .picture import Pixels

Array = NDArray[np.float32]
Blend = Callable[[Array, Array], Array]
"""(backdrop, source), colors in [0, 1] -> the color where both are opaque."""
_ROWS = 256
"""Painted at a time: temporary arrays stay small."""


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


_MODES: dict[str, Blend | None] = {
    "svg:src-over": None,
    "svg:multiply": np.multiply,
    "svg:screen": lambda below, above: below + above - below * above,
    "svg:overlay": lambda below, above: _hard_light(above, below),
    "svg:darken": np.minimum,
    "svg:lighten": np.maximum,
    "svg:color-dodge": _dodge,
    "svg:color-burn": _burn,
    "svg:hard-light": _hard_light,
    "svg:soft-light": _soft_light,
    "svg:difference": lambda below, above: np.abs(below - above),
}


def mode_named(name: str, file: str) -> Blend | None:
    """The blend function of that name; None is the normal one. Raises UnsupportedPicture."""
    if name not in _MODES:
        raise UnsupportedPicture(
            f"{file} has a layer in the mode {name}", "merge that layer with the one below it, or set it to normal"
        )
    return _MODES[name]


class Canvas:
    """What has been painted so far: transparent at first."""

    def __init__(self, width: int, height: int) -> None:
        self.color = np.zeros((height, width, 3), np.float32)
        """Premultiplied, [H, W, 3] in [0, 1]."""
        self.alpha = np.zeros((height, width, 1), np.float32)

    def paint(self, pixels: Pixels, left: int, top: int, opacity: float, mode: Blend | None) -> None:
        """A layer of straight RGBA pixels [h, w, 4] uint8 or uint16, of which only what lies inside is seen."""
        height, width = self.alpha.shape[:2]
        first, last = max(top, 0), min(top + pixels.shape[0], height)
        near, far = max(left, 0), min(left + pixels.shape[1], width)
        if near >= far:
            return
        scale = np.float32(1 / np.iinfo(pixels.dtype).max)
        for row in range(first, last, _ROWS):
            end = min(row + _ROWS, last)
            part = pixels[row - top : end - top, near - left : far - left] * scale
            alpha = part[..., 3:] * np.float32(opacity)
            self._over(np.s_[row:end, near:far], part[..., :3] * alpha, alpha, mode)

    def blend(self, group: Canvas, opacity: float, mode: Blend | None) -> None:
        """Another canvas of the same size, as one layer."""
        for row in range(0, len(self.alpha), _ROWS):
            place = np.s_[row : row + _ROWS, :]
            strength = np.float32(opacity)
            self._over(place, group.color[place] * strength, group.alpha[place] * strength, mode)

    def pixels(self, dtype: DTypeLike) -> Pixels:
        """[H, W, 4] straight RGBA, uint8 or uint16."""
        height, width = self.alpha.shape[:2]
        out = np.empty((height, width, 4), dtype)
        scale = np.float32(np.iinfo(out.dtype).max)
        for row in range(0, height, _ROWS):
            alpha = self.alpha[row : row + _ROWS]
            straight = _divided(self.color[row : row + _ROWS], alpha)
            out[row : row + _ROWS] = np.concatenate([straight, alpha], axis=2).clip(0, 1) * scale + np.float32(0.5)
        return out

    def coverage(self) -> NDArray[np.uint8]:
        """[H, W] uint8: how much is covered, 255 = all."""
        covered: NDArray[np.uint8] = (self.alpha[..., 0] * np.float32(255) + np.float32(0.5)).astype(np.uint8)
        return covered

    def _over(self, place: tuple[slice, slice], color: Array, alpha: Array, mode: Blend | None) -> None:
        """color: premultiplied."""
        below, covered = self.color[place], self.alpha[place]
        if mode is not None:
            # Where the backdrop covers, the source's color is blended with it before it is laid over.
            mixed = mode(_divided(below, covered), _divided(color, alpha))
            color = (1 - covered) * color + covered * alpha * mixed
        self.color[place] = color + (1 - alpha) * below
        self.alpha[place] = alpha + (1 - alpha) * covered


def _divided(color: Array, alpha: Array) -> Array:
    straight: Array = color / np.maximum(alpha, np.float32(1e-6))
    return straight
