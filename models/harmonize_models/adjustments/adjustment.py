"""What a network says should change, small enough to store on a layer."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass, field
from typing import ClassVar, NoReturn

import numpy as np

from ..errors import ModelError
from ..layer import Place
from .curves import MAX_PIECES, Curves
from .edges import EdgeColors
from .grid import MAX_CELLS, MAX_SIDE, ColorGrid

VERSION = 1
MAX_BYTES = 4 << 20
MAX_KEY = 64


class AdjustmentError(ModelError):
    """An adjustment from elsewhere cannot be read."""

    code: ClassVar[str] = "bad_adjustment"

    def __init__(self, cause: str, hint: str = "Harmonize the layer again, which makes a new adjustment.") -> None:
        super().__init__(cause, hint)


@dataclass(frozen=True)
class Adjustment:
    """A color change that applies at any resolution and depth: tone curves first, then optionally a local grid."""

    curves: Curves = field(default_factory=Curves.identity)
    grid: ColorGrid | None = None
    network: str = ""
    """Key of the network that said so, at most 64 printable characters."""
    edges: EdgeColors | None = None
    """What a look that cleans edges cleans them with."""

    @property
    def is_identity(self) -> bool:
        """Whether it changes no clean color."""
        return self.curves.is_identity and self.grid is None

    def to_json(self) -> str:
        """The adjustment as docs/protocol.md describes it. `from_json` gives the same adjustment, bit for bit."""
        curves = [[float(np.format_float_positional(value)) for value in channel] for channel in self.curves.values]
        grid = None
        if self.grid is not None:
            grid = {
                "extent": _sides(self.grid.extent),
                "shape": list(self.grid.shape),
                "coefficients": base64.b64encode(self.grid.coefficients.astype("<f4").tobytes()).decode("ascii"),
            }
        whole = {"version": VERSION, "network": self.network, "curves": {"values": curves}, "grid": grid}
        if self.edges is not None:
            whole["edges"] = {
                "extent": _sides(self.edges.extent),
                "shape": list(self.edges.colors.shape[:2]),
                "colors": base64.b64encode(self.edges.colors.tobytes()).decode("ascii"),
            }
        return json.dumps(whole, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Adjustment:
        """Reads an adjustment that somebody else may have written; checks everything. Raises AdjustmentError."""
        if len(text) > MAX_BYTES:
            raise AdjustmentError(f"The adjustment has {len(text)} bytes, more than {MAX_BYTES}.")
        try:
            if isinstance(text, bytes):
                text = text.decode("utf-8")
            whole = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise AdjustmentError(f"The adjustment is not JSON: {error}.") from None
        if isinstance(whole, dict):
            whole.setdefault("edges", None)
        version, network, curves, grid, edges = _fields(
            whole, "adjustment", "version", "network", "curves", "grid", "edges"
        )
        if version != VERSION or isinstance(version, bool):
            raise AdjustmentError(
                f"The adjustment has version {version!r}, not {VERSION}.",
                "Update the plug-in and the daemon to the same version, or harmonize the layer again.",
            )
        # It is printed, and written into a LUT's title: there a new line would be another entry.
        if not isinstance(network, str) or len(network) > MAX_KEY or not network.isprintable():
            raise AdjustmentError(f"The adjustment's network must be one line of at most {MAX_KEY} characters.")
        return cls(
            _read_curves(curves),
            None if grid is None else _read_grid(grid),
            network,
            None if edges is None else _read_edges(edges),
        )


def _sides(place: Place) -> list[float]:
    return [place.left, place.top, place.right, place.bottom]


def _read_curves(curves: object) -> Curves:
    (values,) = _fields(curves, "curves", "values")
    if not isinstance(values, list) or len(values) != 3:
        raise AdjustmentError("The curves must be three lists of numbers.")
    channels = [_numbers(channel, "Curve values", MAX_PIECES + 1) for channel in values]
    if len({len(channel) for channel in channels}) != 1:
        raise AdjustmentError("The three curves must be of the same length.")
    try:
        return Curves(np.array(channels, dtype=np.float64))
    except ValueError as error:
        raise AdjustmentError(str(error)) from None


def _read_grid(grid: object) -> ColorGrid:
    extent, shape, coefficients = _fields(grid, "grid", "extent", "shape", "coefficients")
    sides = _read_sides(extent, "The grid's extent")
    cells = _read_shape(shape, 3, "The grid's shape")
    if math.prod(cells) > MAX_CELLS:
        raise AdjustmentError(f"The grid's shape has more than {MAX_CELLS} cells.")
    raw = _read_bytes(coefficients, math.prod(cells) * 12 * 4, "The grid's coefficients")
    try:
        return ColorGrid(np.frombuffer(raw, "<f4").reshape(*cells, 3, 4), Place(*sides))
    except ValueError as error:
        raise AdjustmentError(str(error)) from None


def _read_edges(edges: object) -> EdgeColors:
    extent, shape, colors = _fields(edges, "edges", "extent", "shape", "colors")
    sides = _read_sides(extent, "The edges' extent")
    cells = _read_shape(shape, 2, "The edges' shape")
    raw = _read_bytes(colors, math.prod(cells) * 3, "The edges' colors")
    try:
        return EdgeColors(np.frombuffer(raw, np.uint8).reshape(*cells, 3), Place(*sides))
    except ValueError as error:
        raise AdjustmentError(str(error)) from None


def _read_sides(extent: object, what: str) -> list[float]:
    sides = _numbers(extent, what, 4)
    if len(sides) != 4:
        raise AdjustmentError(f"{what} must be four numbers.")
    return sides


def _read_shape(shape: object, length: int, what: str) -> list[int]:
    if not isinstance(shape, list) or len(shape) != length:
        raise AdjustmentError(f"{what} must be {length} numbers.")
    if not all(type(side) is int and 1 <= side <= MAX_SIDE for side in shape):
        raise AdjustmentError(f"{what} must be whole numbers from 1 to {MAX_SIDE}.")
    return shape


def _read_bytes(text: object, count: int, what: str) -> bytes:
    """So many bytes of base64 text."""
    if not isinstance(text, str):
        raise AdjustmentError(f"{what} must be base64 text.")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AdjustmentError(f"{what} are not base64.") from None
    if len(raw) != count:
        raise AdjustmentError(f"{what} are {len(raw)} bytes, which is not what the shape says.")
    return raw


def _fields(value: object, what: str, *names: str) -> list[object]:
    """The values of exactly these fields of a JSON object."""
    if not isinstance(value, dict):
        raise AdjustmentError(f"The {what} must be a JSON object.")
    for name in names:
        if name not in value:
            raise AdjustmentError(f"The {what} lacks the field {name!r}.")
    for name in value:
        if name not in names:
            raise AdjustmentError(f"The {what} has an unknown field {str(name)[:40]!r}.")
    return [value[name] for name in names]


def _numbers(value: object, what: str, limit: int) -> list[float]:
    if not isinstance(value, list) or len(value) > limit:
        raise AdjustmentError(f"{what} must be a list of at most {limit} numbers.")
    if not all(type(number) in (int, float) and abs(number) <= 1e9 for number in value):
        raise AdjustmentError(f"{what} must be finite numbers.")
    return [float(number) for number in value]


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field appears twice")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
