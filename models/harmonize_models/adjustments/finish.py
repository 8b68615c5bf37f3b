"""The artist's warmth, tint and contrast as tone curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .curves import Curves
from .look import Look

PIECES = 256
STOP = 0.18
"""At the end of the warmth slider red gains 1.18 and blue loses as much (encoded): about the light of 4400 K."""
TINT_STOP = 0.15
CONTRAST_STOP = 0.8
"""Slope 1.4 at middle grey at the end of the slider; below 1, so that the curve stays monotone at -1."""


def finish_curves(look: Look) -> Curves | None:
    """Warmth, then tint, then contrast; None if all are 0. Monotone; black stays, nothing goes beyond white."""
    if look.warmth == look.tint == look.contrast == 0:
        return None
    x = np.linspace(0.0, 1.0, PIECES + 1)
    warm, tint = (1 + STOP) ** look.warmth, (1 + TINT_STOP) ** look.tint
    gains = (warm * tint**0.5, 1 / tint, tint**0.5 / warm)
    # A colored light. One shoulder for all channels keeps the tone of greys up to white, where nothing is to clip.
    shoulder = 1 + (max(gains) - 1) * x
    return Curves(np.stack([_contrast(x * gain / shoulder, look.contrast) for gain in gains]))


def _contrast(x: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """A cubic through black, middle grey and white."""
    return x + amount * CONTRAST_STOP * x * (1 - x) * (2 * x - 1)
