"""What a GIMP document (`.xcf`) is made of, and where all of it lies in the file.

Sources: GIMP's developer documentation, "XCF file format", and files of GIMP 3.0.4 and 3.2.6. All numbers are
big-endian. Pointers are offsets from the file's start, of 32 bits, since version 11 of 64; 0 ends a list of them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

TILE = 64
"""Width and height of a tile; those at the right and bottom edges are smaller."""


class Damaged(Exception):
    """The file is not as it should be; the reason, in words."""


class TooNew(Exception):
    """The file is of a version of the format that is not known; which one, in words."""


class Kind(IntEnum):
    """Properties that are minded here."""

    END = 0
    FLOATING_SELECTION = 5
    OPACITY = 6
    MODE = 7
    VISIBLE = 8
    APPLY_MASK = 11
    SHOW_MASK = 13
    OFFSETS = 15
    COMPRESSION = 17
    TATTOO = 20
    PARASITES = 21
    GROUP_ITEM = 29
    ITEM_PATH = 30
    FLOAT_OPACITY = 33
    COLOR_TAG = 34
    COMPOSITE_MODE = 35
    COMPOSITE_SPACE = 36
    BLEND_SPACE = 37
    LINK_LAYER = 48


@dataclass(frozen=True)
class Property:
    """One fact about the file or a part of it."""

    kind: int
    at: int
    """Where its content begins; type and length are the eight bytes before."""
    content: bytes


@dataclass(frozen=True)
class Properties:
    """All facts about a part."""

    all: tuple[Property, ...]
    end: int
    """Where the mark of their end begins."""

    def find(self, kind: Kind) -> Property | None:
        """The last one of the kind, as it is the one that counts."""
        return next((one for one in reversed(self.all) if one.kind == kind), None)

    def numbers(self, kind: Kind) -> tuple[int, ...]:
        """Signed 32-bit numbers; () if there is no such property."""
        found = self.find(kind)
        count = len(found.content) // 4 if found else 0
        return struct.unpack_from(f">{count}i", found.content) if found else ()

    def number(self, kind: Kind, default: int) -> int:
        return next(iter(self.numbers(kind)), default)


@dataclass(frozen=True, eq=False)
class Tiles:
    """Pixels, row by row of tiles."""

    width: int
    height: int
    depth: int
    """Bytes a pixel."""
    at: NDArray[np.int64]
    """Where each tile begins. Empty: all are 0."""


@dataclass(frozen=True, eq=False)
class Channel:
    """Values of one kind: a channel, or the mask of a layer or a filter."""

    properties: Properties
    tiles: Tiles


@dataclass(frozen=True, eq=False)
class Item:
    """A layer or a group."""

    entry: int
    """Where the pointer to it lies in the list of layers."""
    width: int
    height: int
    type: int
    """0 … 5: RGB, RGBA, grey, grey with alpha, indexed, indexed with alpha."""
    name: str
    properties: Properties
    tiles: Tiles
    mask: Channel | None
    filters: tuple[Properties, ...]


@dataclass(frozen=True, eq=False)
class Document:
    """A whole file."""

    data: bytes
    version: int
    width: int
    height: int
    base: int
    """0 … 2: RGB, grey, indexed."""
    precision: int
    """As GIMP counts since version 7 of the format: 100 = linear u8, 150 = u8, 250 = u16 in the profile's encoding …"""
    properties: Properties
    parasites: Mapping[str, bytes]
    """What programs have attached to the picture, by name."""
    items: tuple[Item, ...]
    """As the list of layers has them: topmost first, groups before what they hold."""
    tattoos: tuple[int, ...]
    """Numbers that name layers and channels in the file."""
    pointers: NDArray[np.int64]
    """Where all pointers lie, in order."""

    @property
    def pointer_bytes(self) -> int:
        return pointer_bytes(self.version)

    @property
    def little_endian(self) -> bool:
        """Samples of more than a byte were written as the machine had them, and PCs have them so."""
        return self.version < 12

    @property
    def compression(self) -> int:
        """How tiles are stored: one byte."""
        found = self.properties.find(Kind.COMPRESSION)
        return found.content[0] if found and found.content else 0


def pointer_bytes(version: int) -> int:
    """How many bytes a pointer has."""
    return 8 if version >= 11 else 4
