"""What goes into requests and comes out of them.

All are frozen; constructors raise `ValueError` for what can never be right. Pixels, masks and targets (`Buffer`) are
anything with the buffer protocol: bytes, bytearray, memoryview, NumPy arrays, QByteArray. Rows run top to bottom and
are tightly packed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

if TYPE_CHECKING:
    from typing_extensions import Buffer as _PlainBuffer

    class _Array(Protocol):
        """NumPy says of its arrays that they are buffers only to those who check for Python 3.12 and later."""

        @property
        def __array_interface__(self) -> dict[str, Any]: ...

    Buffer = _PlainBuffer | _Array

Layout = Literal["Y", "YA", "RGB", "RGBA", "BGR", "BGRA"]
Depth = Literal["u8", "u16", "f16", "f32"]
ForegroundClass = Literal["person", "vehicle", "animal", "food", "other"]
ExportFormat = Literal["gimp-curves", "krita-curves", "cube"]
Stage = Literal["queued", "loading", "predicting", "rendering"]

_BYTES = {"u8": 1, "u16": 2, "f16": 2, "f32": 4}


def view_of(buffer: Buffer) -> memoryview:
    return memoryview(buffer)  # type: ignore[arg-type]  # see _Array


def byte_view(buffer: Buffer, size: int, name: str, *, writable: bool = False) -> memoryview:
    """The buffer's memory as bytes, without a copy. ValueError if it is not exactly `size` bytes in one piece."""
    view = view_of(buffer)
    if not view.c_contiguous:
        raise ValueError(f"{name} must lie in memory in one piece")
    if view.nbytes != size:
        raise ValueError(f"{name} has {view.nbytes} bytes, not {size}")
    if writable and view.readonly:
        raise ValueError(f"{name} cannot be written to")
    return view.cast("B")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True)
class Thumbnail:
    """A small picture of a scene."""

    width: int
    height: int
    rgb: Buffer
    """height x width x 3 bytes: R G B, 8 bit, sRGB-encoded."""

    def __post_init__(self) -> None:
        _require(self.width >= 1 and self.height >= 1, "a thumbnail has at least one pixel")
        byte_view(self.rgb, self.width * self.height * 3, "the thumbnail")


@dataclass(frozen=True)
class LayerFormat:
    """How a layer's pixels lie in memory; samples of more than one byte are little-endian."""

    width: int
    height: int
    layout: Layout
    depth: Depth

    def __post_init__(self) -> None:
        _require(self.width >= 1 and self.height >= 1, "a layer has at least one pixel")
        _require(self.layout in get_args(Layout), f"the layout {self.layout!r} is not one of {get_args(Layout)}")
        _require(self.depth in get_args(Depth), f"the depth {self.depth!r} is not one of {get_args(Depth)}")

    @property
    def row_bytes(self) -> int:
        return self.width * len(self.layout) * _BYTES[self.depth]

    @property
    def nbytes(self) -> int:
        return self.height * self.row_bytes


@dataclass(frozen=True)
class Place:
    """Where the layer lies in the scene, in fractions of the scene's thumbnail; may lie outside [0, 1]."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def __post_init__(self) -> None:
        _require(all(map(math.isfinite, self.corners)), "a place is made of finite numbers")
        _require(self.left < self.right and self.top < self.bottom, "a place has a width and a height")

    @property
    def corners(self) -> tuple[float, float, float, float]:
        return (self.left, self.top, self.right, self.bottom)


def _slider(low: float, high: float, default: float) -> float:
    value: float = field(default=default, metadata={"range": (low, high)})
    return value


@dataclass(frozen=True)
class Look:
    """The artist's sliders (`docs/protocol.md`, The look). `Look()` applies the whole change and nothing else."""

    strength: float = _slider(0, 1, 1.0)
    """How much of the change is applied."""
    light: float = _slider(0, 2, 1.0)
    """Share of the change of luma that is applied."""
    color: float = _slider(0, 2, 1.0)
    """Share of the change of color at equal luma that is applied."""
    warmth: float = _slider(-1, 1, 0.0)
    """Blue to amber."""
    tint: float = _slider(-1, 1, 0.0)
    """Green to magenta."""
    saturation: float = _slider(-1, 1, 0.0)
    """-1 = grey."""
    contrast: float = _slider(-1, 1, 0.0)
    """Around middle grey."""
    protect_highlights: bool = False
    """The change fades out towards white."""
    color_only: bool = False
    """Luma stays that of the original."""
    clean_edges: bool = False
    """Half-transparent pixels take the color of the solid ones near them: no fringe of the old background is left."""

    def __post_init__(self) -> None:
        for name, (low, high) in self.ranges().items():
            value = getattr(self, name)
            _require(low <= value <= high, f"{name} is {value}, not in [{low}, {high}]")

    @classmethod
    def ranges(cls) -> dict[str, tuple[float, float]]:
        """Lowest and highest value of each slider, by its name."""
        return {item.name: item.metadata["range"] for item in fields(cls) if "range" in item.metadata}


@dataclass(frozen=True)
class Progress:
    """How far a request is."""

    stage: Stage
    fraction: float | None
    """In [0, 1]; None when nobody knows."""


@dataclass(frozen=True)
class Prediction:
    """What a network says about a scene."""

    adjustment: str
    """JSON (`docs/protocol.md`, The adjustment). Keep it to render again without another inference."""
    network: str
    """The key of the network that was used."""
    device: str
    milliseconds: float
    """The inference alone."""
    notes: tuple[str, ...]
    """For people, such as "The mask covers the whole picture: there is no background to match."."""
    confidence: float | None
    """In [0, 1]: how sure the network is that its change helps; None if it does not say."""


@dataclass(frozen=True)
class Rendered:
    """What the daemon says about a rendering; the pixels are in the caller's `into`."""

    milliseconds: float
    notes: tuple[str, ...]


class Exported(NamedTuple):
    """An adjustment in the format of another program."""

    text: str
    exact: bool
    """False when the adjustment has what the format cannot hold: a local part, say, or cleaned edges."""


@dataclass(frozen=True)
class NetworkInfo:
    """One network that the daemon can use."""

    key: str
    title: str
    kind: str
    """`curves`, `pixels`, `adjustment` or `baseline`."""
    paper: str
    parameters: int
    license: str
    summary: str
    """Its quality in a few words."""
    milliseconds: float
    """One inference on this machine; 0 if not measured."""


@dataclass(frozen=True)
class JobCounts:
    running: int
    queued: int


@dataclass(frozen=True)
class Limits:
    """The most that the daemon takes."""

    pixels: int
    side: int
    frame_bytes: int
    window: int
    """Bands that may be on the way at a time."""
    thumbnail_side: int


@dataclass(frozen=True)
class DaemonStatus:
    """What the daemon says about itself."""

    version: str
    protocol: int
    pid: int
    state: str
    """`starting`, `ready`, `busy`, `restarting` or `failed`."""
    detail: str
    """The state in words, for people."""
    device: str
    """`cpu`, `cuda:0`, …; empty until known."""
    networks: tuple[NetworkInfo, ...]
    """Empty until the worker is ready."""
    default_network: str
    jobs: JobCounts
    limits: Limits
    idle_exit_seconds: int
    """0 = never."""
