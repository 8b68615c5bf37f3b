"""Small GIMP documents for tests, built from the description of the format and not with the code under test."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
OPACITY, MODE, VISIBLE, APPLY_MASK, SHOW_MASK, OFFSETS, COMPRESSION, TATTOO, PARASITES = 6, 7, 8, 11, 13, 15, 17, 20, 21
FLOATING, GROUP, PATH, COMPOSITE_MODE, BLEND_SPACE, LINK = 5, 29, 30, 35, 37, 48
NONE, RUNS, ZLIB = 0, 1, 2
NORMAL, PASS_THROUGH = 28, 61
_TYPES = {3: 0, 4: 1, 1: 2, 2: 3}


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


@dataclass(frozen=True, eq=False)
class Node:
    """A layer, or a group where it has no pixels; topmost first."""

    name: str
    pixels: Pixels | None = None
    left: int = 0
    top: int = 0
    inside: tuple[Node, ...] = ()
    properties: Mapping[int, bytes] = field(default_factory=dict)
    mask: Pixels | None = None
    filters: tuple[bool, ...] = ()
    """Whether each is visible."""


def hidden(node: Node) -> Node:
    return Node(node.name, node.pixels, node.left, node.top, node.inside, {**node.properties, VISIBLE: words(0)})


@dataclass(frozen=True)
class Format:
    """How a file is written."""

    version: int = 11
    compression: int = RUNS
    precision: int = 150
    properties: Mapping[int, bytes] = field(default_factory=dict)
    link_bytes_too_few: int = 0


def save(path: Path, width: int, height: int, *nodes: Node, form: Format | None = None) -> Path:
    """A file with a spare channel, hidden, and, since version 18, a path."""
    path.write_bytes(_Writer(form or Format(), width, height).document(nodes))
    return path


class _Writer:
    """Writes parts one after the other, and sets the pointers to them when they are there."""

    def __init__(self, form: Format, width: int, height: int) -> None:
        self.form, self.width, self.height = form, width, height
        self.data = bytearray()
        self.pointer_bytes = 8 if form.version >= 11 else 4

    def document(self, nodes: tuple[Node, ...]) -> bytes:
        grey = any(node.pixels is not None and node.pixels.shape[2] < 3 for node in nodes)
        self.data += b"gimp xcf " + (b"v%03d" % self.form.version if self.form.version else b"file") + b"\0"
        self.data += words(self.width, self.height, int(grey))
        if self.form.version >= 4:
            self.data += words(self.form.precision)
        self.properties({COMPRESSION: bytes([self.form.compression]), TATTOO: words(40), **self.form.properties})
        flat = list(_flat(nodes, ()))
        lists = [len(flat), 1, *([1] if self.form.version >= 18 else [])]
        slots = [self.pointers(count) for count in lists]
        for (node, path), slot in zip(flat, slots[0], strict=True):
            self.point(slot)
            self.layer(node, path)
        self.point(slots[1][0])
        self.channel(
            np.full((self.height, self.width, 1), 7, np.uint8), "spare", {TATTOO: words(39), VISIBLE: words(0)}
        )
        if self.form.version >= 18:
            self.point(slots[2][0])
            self.text("outline")
            self.data += words(16)  # bytes that follow
            self.properties({})
            self.data += words(1, 0)
        return bytes(self.data)

    def layer(self, node: Node, path: tuple[int, ...]) -> None:
        pixels = node.pixels if node.pixels is not None else np.zeros((self.height, self.width, 4), np.uint8)
        self.data += words(pixels.shape[1], pixels.shape[0], _TYPES[pixels.shape[2]])
        self.text(node.name)
        facts = {OPACITY: words(255), MODE: words(NORMAL), OFFSETS: words(node.left, node.top), VISIBLE: words(1)}
        if node.pixels is None:
            facts[GROUP] = b""
        if len(path) > 1:
            facts[PATH] = words(*path)
        self.properties({**facts, **node.properties})
        filters = node.filters if self.form.version >= 20 else ()
        slots = self.pointers(2 + len(filters), ends=self.form.version >= 20)
        self.point(slots[0])
        self.pixels(pixels)
        if node.mask is not None:
            self.point(slots[1])
            self.channel(node.mask, "mask", {})
        for slot, seen in zip(slots[2:], filters, strict=True):
            self.point(slot)
            for text in ("Blur", "icon", "gegl:blur", *(["0:0"] if self.form.version >= 22 else [])):
                self.text(text)
            self.properties({VISIBLE: words(int(seen))})
            self.point(self.pointers(1, ends=False)[0])
            self.channel(np.zeros((self.height, self.width, 1), np.uint8), "effect", {})

    def channel(self, pixels: Pixels, name: str, properties: Mapping[int, bytes]) -> None:
        self.data += words(pixels.shape[1], pixels.shape[0])
        self.text(name)
        self.properties(properties)
        self.point(self.pointers(1, ends=False)[0])
        self.pixels(pixels)

    def pixels(self, pixels: Pixels) -> None:
        height, width = pixels.shape[:2]
        stored = pixels.astype(pixels.dtype.newbyteorder(">" if self.form.version >= 12 else "<"))
        raw = np.ascontiguousarray(stored).view(np.uint8)
        self.data += words(width, height, raw.shape[2])
        levels = self.pointers(1 + (max(width, height) > 64))
        self.point(levels[0])
        self.data += words(width, height)
        slots = self.pointers(-(-width // 64) * -(-height // 64))
        corners = [(top, left) for top in range(0, height, 64) for left in range(0, width, 64)]
        for slot, (top, left) in zip(slots, corners, strict=True):
            self.point(slot)
            self.data += self.tile(raw[top : top + 64, left : left + 64])
        for level in levels[1:]:
            self.point(level)
            self.data += words(width // 2, height // 2, 0)

    def tile(self, raw: Pixels) -> bytes:
        if self.form.compression == RUNS:
            return b"".join(map(runs, raw.reshape(-1, raw.shape[2]).T))
        return zlib.compress(raw.tobytes()) if self.form.compression == ZLIB else raw.tobytes()

    def properties(self, properties: Mapping[int, bytes]) -> None:
        for kind, content in properties.items():
            too_few = self.form.link_bytes_too_few if kind == LINK else 0
            self.data += words(kind, len(content) - too_few) + content
        self.data += words(0, 0)

    def text(self, text: str) -> None:
        written = text.encode() + b"\0"
        self.data += words(len(written)) + written

    def pointers(self, count: int, *, ends: bool = True) -> list[int]:
        """Room for pointers; where each of them stands."""
        here = len(self.data)
        self.data += bytes((count + ends) * self.pointer_bytes)
        return [here + n * self.pointer_bytes for n in range(count)]

    def point(self, slot: int) -> None:
        """To what is written next."""
        self.data[slot : slot + self.pointer_bytes] = len(self.data).to_bytes(self.pointer_bytes, "big")


def runs(plane: Pixels) -> bytes:
    """Runs of equal bytes where they are longer than one, single bytes as they are."""
    out = b""
    for value, group in groupby(plane.tolist()):
        count = len(list(group))
        if count == 1:
            out += bytes([255, value])
        else:
            out += bytes([count - 1, value]) if count < 128 else bytes([127, count >> 8, count & 255, value])
    return out


def _flat(nodes: tuple[Node, ...], parent: tuple[int, ...]) -> Any:
    for place, node in enumerate(nodes):
        yield node, (*parent, place)
        yield from _flat(node.inside, (*parent, place))
