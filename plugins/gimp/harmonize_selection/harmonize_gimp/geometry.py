"""Rectangles of whole pixels, and where they lie in a scaled picture. Needs no GIMP."""

from __future__ import annotations

from dataclasses import dataclass

CLOSEUP = 1.7
"""How many times as wide as a box, or as high, the part of a picture is that shows it closely."""


@dataclass(frozen=True)
class Box:
    """A rectangle: left and top edge, width and height in pixels; empty when it has no width or height."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def between(cls, left: int, top: int, right: int, bottom: int) -> Box:
        """From edges; `right` and `bottom` are the first pixels outside."""
        return cls(left, top, max(0, right - left), max(0, bottom - top))

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def empty(self) -> bool:
        return self.width == 0 or self.height == 0

    def shifted(self, x: int, y: int) -> Box:
        return Box(self.x + x, self.y + y, self.width, self.height)

    def common(self, other: Box) -> Box:
        """What lies in both."""
        return Box.between(
            max(self.x, other.x), max(self.y, other.y), min(self.right, other.right), min(self.bottom, other.bottom)
        )


@dataclass(frozen=True)
class Scale:
    """A picture of `width` x `height` pixels, `factor` times the size of its original (at most 1)."""

    width: int
    height: int
    factor: float

    @classmethod
    def to_fit(cls, width: int, height: int, side: int) -> Scale:
        """The largest scale at which the longer side is at most `side`; never enlarges."""
        factor = min(1.0, side / max(width, height))
        return cls(max(1, round(width * factor)), max(1, round(height * factor)), factor)

    def place(self, box: Box) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of a box of the original, as fractions of the scaled picture."""
        across, down = self.factor / self.width, self.factor / self.height
        return (box.x * across, box.y * down, box.right * across, box.bottom * down)


def closeup(box: Box, width: int, height: int) -> Box:
    """The part of a picture of that size, of its shape, that shows the box with something around it."""
    share = min(1.0, CLOSEUP * max(box.width / width, box.height / height))
    part_width, part_height = max(1, round(width * share)), max(1, round(height * share))
    x = min(max((box.x + box.right - part_width) // 2, 0), width - part_width)
    y = min(max((box.y + box.bottom - part_height) // 2, 0), height - part_height)
    return Box(x, y, part_width, part_height)
