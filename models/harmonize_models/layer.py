"""How the pixels of a layer lie in memory, and where the layer lies in its scene."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np


class Layout(Enum):
    """Channels of a pixel, in memory order. The value is the protocol's name."""

    Y = "Y"
    YA = "YA"
    RGB = "RGB"
    RGBA = "RGBA"
    BGR = "BGR"
    BGRA = "BGRA"

    @property
    def channels(self) -> int:
        return len(self.value)

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.value.endswith("A")

    @property
    def is_grey(self) -> bool:
        return self.value.startswith("Y")

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Where in a pixel R, G and B are read; (0, 0, 0) for grey layouts."""
        if self.is_grey:
            return 0, 0, 0
        return self.value.index("R"), 1, self.value.index("B")


class Depth(Enum):
    """How a channel is stored; little-endian. The value is the protocol's name."""

    U8 = "u8"
    U16 = "u16"
    F16 = "f16"
    F32 = "f32"

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype({"u8": "<u1", "u16": "<u2", "f16": "<f2", "f32": "<f4"}[self.value])

    @property
    def is_float(self) -> bool:
        return self.value.startswith("f")

    @property
    def white(self) -> int:
        """The stored value of 1.0."""
        return {"u8": 255, "u16": 65535}.get(self.value, 1)


@dataclass(frozen=True)
class LayerFormat:
    """Size and format of a layer; rows from top to bottom, tightly packed."""

    width: int
    height: int
    layout: Layout = Layout.RGBA
    depth: Depth = Depth.U8

    def __post_init__(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if isinstance(side, bool) or not isinstance(side, int) or side < 1:
                raise ValueError(f"The layer's {name} is {side!r}: it must be a whole number of at least 1.")

    @property
    def pixel_bytes(self) -> int:
        return self.layout.channels * self.depth.dtype.itemsize

    @property
    def row_bytes(self) -> int:
        return self.width * self.pixel_bytes


LEAST_SPAN = 1e-9
"""Of a place. No pixel is so small a part of its scene; to divide by much less overflows."""


@dataclass(frozen=True)
class Place:
    """Where a layer (or a grid) lies in the scene: fractions of the scene's width and height, may be outside [0, 1]."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def __post_init__(self) -> None:
        sides = (self.left, self.top, self.right, self.bottom)
        if not all(math.isfinite(side) and abs(side) <= 1e6 for side in sides):
            raise ValueError(f"A place has finite sides, not {sides}.")
        if min(self.right - self.left, self.bottom - self.top) < LEAST_SPAN:
            raise ValueError(f"A place is left, top, right, bottom with left < right and top < bottom, not {sides}.")
