"""The artist's sliders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """How an adjustment is applied. Raises ValueError for values out of range, with a text for people.

    `light` and `color` scale what the network changes; warmth, tint, contrast and saturation are the artist's own and
    come after it. All of it is scaled by `strength`.
    """

    strength: float = 1.0
    """[0, 1]: how much of the change is applied."""
    light: float = 1.0
    """[0, 2]: share of the change of luma that is applied."""
    color: float = 1.0
    """[0, 2]: share of the change of color at equal luma that is applied."""
    warmth: float = 0.0
    """[-1, 1]: blue to amber."""
    tint: float = 0.0
    """[-1, 1]: green to magenta."""
    saturation: float = 0.0
    """[-1, 1]: -1 = grey."""
    contrast: float = 0.0
    """[-1, 1]: around middle grey."""
    protect_highlights: bool = False
    """The change fades out towards white."""
    color_only: bool = False
    """Luma stays that of the original."""
    clean_edges: bool = False
    """Half-transparent pixels take the color of the solid ones near them."""

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ValueError(f"The look's {name} is {value!r}: it must be a finite number.")
            if not low <= value <= high:
                raise ValueError(f"The look's {name} is {value:g}: it must be from {low:g} to {high:g}.")
            object.__setattr__(self, name, float(value))
        for name in SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"The look's {name} is {getattr(self, name)!r}: it must be true or false.")


RANGES: Mapping[str, tuple[float, float]] = {
    "strength": (0, 1),
    "light": (0, 2),
    "color": (0, 2),
    "warmth": (-1, 1),
    "tint": (-1, 1),
    "saturation": (-1, 1),
    "contrast": (-1, 1),
}
SWITCHES = ("protect_highlights", "color_only", "clean_edges")
