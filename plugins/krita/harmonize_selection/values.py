"""What the parts of the docker hand to each other. All frozen."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from .client import LayerFormat, Look, Place, Thumbnail

if TYPE_CHECKING:
    from typing_extensions import Buffer

T = TypeVar("T")

Steps = Generator[float, None, T]
"""Work in steps short enough for the GUI thread; each yields the fraction that is done, the last returns the value."""

Opaque = Any
"""Something of the host's that only the host looks into."""


@dataclass(frozen=True)
class Rect:
    """A rectangle of whole pixels in document coordinates."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def area(self) -> int:
        return 0 if self.is_empty else self.width * self.height

    @property
    def is_empty(self) -> bool:
        return self.width <= 0 or self.height <= 0

    def intersected(self, other: Rect) -> Rect:
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Rect(x, y, min(self.right, other.right) - x, min(self.bottom, other.bottom) - y)

    def is_moved(self, other: Rect) -> bool:
        """Whether it is as large as the other one, elsewhere."""
        return (self.width, self.height) == (other.width, other.height) and self != other

    def united(self, other: Rect) -> Rect:
        """The smallest rectangle that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def within(self, canvas: Rect) -> Place:
        """Where this lies in `canvas`, in fractions of it."""
        return Place(
            (self.x - canvas.x) / canvas.width,
            (self.y - canvas.y) / canvas.height,
            (self.right - canvas.x) / canvas.width,
            (self.bottom - canvas.y) / canvas.height,
        )


class Output(Enum):
    """What harmonizing leaves in the document."""

    NEW_LAYER = "new-layer"
    REPLACE = "replace"
    CURVES = "curves"


class Source(Enum):
    """Where light and color are taken from."""

    BELOW = "below"
    ABOVE = "above"
    """The roles reversed: the layer is to fit what was put on it."""
    VISIBLE = "visible"
    LAYER = "layer"
    FILE = "file"


@dataclass(frozen=True)
class Reference:
    source: Source = Source.BELOW
    name: str = ""
    """The layer's id, or the file's path."""

    @property
    def is_above(self) -> bool:
        return self.source is Source.ABOVE


@dataclass(frozen=True)
class Settings:
    """What the artist has chosen."""

    network: str = ""
    """Empty: the daemon's default."""
    look: Look = field(default_factory=Look)
    output: Output = Output.NEW_LAYER
    reference: Reference = field(default_factory=Reference)
    hide_original: bool = True


@dataclass(frozen=True)
class LayerRef:
    """Names a layer for as long as it exists, whatever else the artist does."""

    document: str
    layer: str


@dataclass(frozen=True)
class LayerName:
    """What is needed to choose a layer from a list."""

    ref: LayerRef
    name: str


@dataclass(frozen=True)
class LayerInfo:
    """What the docker has to know of a layer."""

    ref: LayerRef
    name: str
    bounds: Rect
    canvas: Rect
    problem: str = ""
    """Why it cannot be harmonized, in words; empty if it can."""
    transformed: bool = False
    """Whether a mask shows it elsewhere than its bounds say."""
    animated: bool = False
    """Whether it has frames, of which pixels can be read and written of the one at hand."""


@dataclass(frozen=True)
class Picture:
    """A small picture: R G B A, 8 bit, sRGB-encoded, alpha not multiplied in."""

    width: int
    height: int
    rgba: bytes


@dataclass(frozen=True)
class Scene:
    """What the network looks at, and what the preview shows."""

    composite: Thumbnail
    """What lies below with the layer on it, and what lies above, if that is to be seen."""
    mask: bytes
    """Of the composite's size, 8 bit: how much of each pixel is foreground."""
    layer: Picture
    """The layer alone, as large as the composite, where it lies."""
    background: Opaque
    """What lies below, and what above, and how the layer is blended onto it: for `Host.compose`."""
    grey: bool = False
    """Whether the layer can hold no color."""


@dataclass(frozen=True)
class Region:
    """A layer's pixels in the form that they are rendered in."""

    rect: Rect
    format: LayerFormat
    pixels: Buffer
    mask: bytes
    """8 bit, as large as `rect`: selection, where the layer is not wholly transparent."""
    place: Place
    original: Opaque
    """What the host needs to write the result back."""


@dataclass(frozen=True)
class Curves:
    """Tone curves as Krita writes them: "x,y;x,y;" with x and y in [0, 1], for encoded values."""

    red: str
    green: str
    blue: str


@dataclass(frozen=True)
class Result:
    """What harmonizing a layer has left behind; kept in the document, so that it can be changed later."""

    original: LayerRef
    """The layer that was harmonized."""
    written: LayerRef
    """The new layer, or the curves mask."""
    layer_name: str
    settings: Settings
    adjustment: str
    """As the daemon gave it."""
    network: str
    """The network that was used."""
    when: str
    """Local time, ISO 8601."""
    notes: tuple[str, ...] = ()
    """What the daemon had to say about it: told once, not kept."""


@dataclass(frozen=True)
class Target:
    """A layer to harmonize, and what is left of earlier times."""

    ref: LayerRef
    name: str
    results: tuple[LayerRef, ...] = ()
    """Earlier results, as layers where this one is, the newest first: they are no part of what lies above."""
    curves: tuple[LayerRef, ...] = ()
    """Our own earlier curves on the layer: it is read without them, or their change would come twice."""

    @property
    def cover(self) -> LayerRef | None:
        """The newest of the results: a new layer has to lie above it."""
        return self.results[0] if self.results else None

    @property
    def earlier(self) -> tuple[LayerRef, ...]:
        """All that new curves on the layer take the place of."""
        return (*self.curves, *self.results)
