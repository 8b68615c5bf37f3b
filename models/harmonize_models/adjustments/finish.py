"""The artist's warmth, tint and contrast as tone curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .curves import Curves
from .look import Look

PIECES = 256
STOP = 0.25
"""Gain at the end of the warmth slider: 1.25 or 1 / 1.25, about a change from 6500 K to 5000 K in encoded values."""
TINT_STOP = 0.15
CONTRAST_STOP = 0.8
"""Slope 1.4 at middle grey at the end of the slider; below 1, so that the curve stays monotone at -1."""


def finish_curves(look: Look) -> Curves | None:
    """Warmth, then tint, then contrast; None if all are 0. Monotone; black stays black, nothing goes beyond white."""
    if look.warmth == look.tint == look.contrast == 0:
        return None
    x = np.linspace(0.0, 1.0, PIECES + 1)
    warm, tint = (1 + STOP) ** look.warmth, (1 + TINT_STOP) ** look.tint
    channels = [_gain(x, warm * tint**0.5), _gain(x, 1 / tint), _gain(x, tint**0.5 / warm)]
    return Curves(np.stack([_contrast(channel, look.contrast) for channel in channels]))


def _gain(x: NDArray[np.float64], gain: float) -> NDArray[np.float64]:
    """Slope `gain` at black. A gain above 1 bends towards white instead of clipping there."""
    return x * gain / (1 + (gain - 1) * x) if gain > 1 else x * gain


def _contrast(x: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """A cubic through black, middle grey and white."""
    return x + amount * CONTRAST_STOP * x * (1 - x) * (2 * x - 1)
