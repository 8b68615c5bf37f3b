"""Reads the structure of GIMP documents (`.xcf`), see `structure`. The files come from strangers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..reading import MAX_PIXELS
from .structure import (
    TILE,
    Channel,
    Damaged,
    Document,
    Item,
    Kind,
    Properties,
    Property,
    Tiles,
    TooNew,
    pointer_bytes,
)

NEWEST = 25
"""The last version of the format that is known. GIMP 3.2.6 writes 26 where channels have filters; none was seen."""
MAX_LAYERS = 10_000
_MAGIC = b"gimp xcf "
_PRECISION, _PATHS, _EFFECTS, _EFFECT_VERSIONS = 4, 18, 20, 22
"""Since which version the header says what the numbers of pixels are, paths have a list, layers have filters, and
these have a version."""

Part = TypeVar("Part")


def parse(data: bytes) -> Document:
    """Raises Damaged, TooNew."""
    if not data.startswith(_MAGIC) or data[13:14] != b"\0":
        raise Damaged("its first bytes are others")
    word = data[len(_MAGIC) : 13]
    version = 0 if word == b"file" else int(word[1:]) if word[:1] == b"v" and word[1:].isdigit() else -1
    if version < 0:
        raise Damaged("it does not say which version of the format it has")
    if version > NEWEST:
        raise TooNew(f"version {version} of the format, and {NEWEST} is the newest that is known")
    return _document(_Cursor(data, version, 14))


class _Cursor:
    """Reads on from a place. All pointers that it meets are written down.

    Parts of an honest file do not overlap, so that no byte is read more than twice. That bounds what a file may demand.
    """

    def __init__(self, data: bytes, version: int, at: int = 0) -> None:
        self.data, self.version, self.at = data, version, at
        self._left = 2 * len(data)
        self.met: list[NDArray[np.int64]] = []
        self.tattoos: list[int] = []
        self.pointer_bytes = pointer_bytes(version)
        self._pointer = np.dtype(f">u{self.pointer_bytes}")

    def number(self) -> int:
        return int.from_bytes(self.bytes(4), "big")

    def bytes(self, count: int) -> bytes:
        self.at += count
        self._left -= count
        if self.at > len(self.data):
            raise Damaged("it ends early")
        if self._left < 0:
            raise Damaged("its parts overlap")
        return self.data[self.at - count : self.at]

    def text(self) -> str:
        return self.bytes(self.number()).split(b"\0")[0].decode("utf-8", "replace")

    def pointer_array(self, count: int) -> NDArray[np.int64]:
        """Pointers of which none may be 0."""
        size = self.pointer_bytes
        at = self.at + size * np.arange(count, dtype=np.int64)
        values = np.frombuffer(self.bytes(count * size), self._pointer)
        if count and not 0 < int(values.min()) <= int(values.max()) < len(self.data):
            raise Damaged("it points behind its end")
        self.met.append(at)
        return values.astype(np.int64)

    def pointer(self) -> int:
        """0: there is nothing."""
        size = self.pointer_bytes
        if not any(self.bytes(size)):
            return 0
        self.at -= size
        return int(self.pointer_array(1)[0])

    def pointers(self, most: int) -> tuple[int, ...]:
        """A list, up to its end."""
        found: list[int] = []
        while pointer := self.pointer():
            found.append(pointer)
            if len(found) > most:
                raise Damaged(f"a list has more than {most} entries")
        if len(set(found)) < len(found):
            raise Damaged("a list names a part twice")
        return tuple(found)

    def there(self, at: int, read: Callable[[_Cursor], Part]) -> Part:
        """Read a part that lies elsewhere."""
        here, self.at = self.at, at
        try:
            return read(self)
        finally:
            self.at = here


def _document(cursor: _Cursor) -> Document:
    width, height, base = cursor.number(), cursor.number(), cursor.number()
    precision = cursor.number() if cursor.version >= _PRECISION else 150
    if cursor.version == _PRECISION:
        precision = {0: 150, 1: 250}.get(precision, 600)
    properties = _properties(cursor)
    entries = cursor.at
    size = cursor.pointer_bytes
    layers = cursor.pointers(MAX_LAYERS)
    channels = cursor.pointers(MAX_LAYERS)
    if cursor.version >= _PATHS:
        cursor.pointers(MAX_LAYERS)  # paths have no pointers inside
    items = tuple(cursor.there(at, partial(_item, entry=entries + n * size)) for n, at in enumerate(layers))
    for at in channels:
        cursor.there(at, _channel)
    pointers = np.sort(np.concatenate([*cursor.met, np.empty(0, np.int64)]))
    if bool((np.diff(pointers) < size).any()):
        raise Damaged("its parts overlap")
    return Document(
        data=cursor.data,
        version=cursor.version,
        width=width,
        height=height,
        base=base,
        precision=precision,
        properties=properties,
        parasites=_parasites(properties, cursor.version),
        items=items,
        tattoos=tuple(cursor.tattoos),
        pointers=pointers,
    )


def _parasites(properties: Properties, version: int) -> dict[str, bytes]:
    found, parasites = properties.find(Kind.PARASITES), {}
    if found:
        cursor = _Cursor(found.content, version)
        while cursor.at < len(found.content):
            name = cursor.text()
            cursor.number()  # flags
            parasites[name] = cursor.bytes(cursor.number())
    return parasites


def _properties(cursor: _Cursor) -> Properties:
    found: list[Property] = []
    while True:
        end = cursor.at
        kind, size = cursor.number(), cursor.number()
        if kind == Kind.END:
            return Properties(tuple(found), end)
        if kind == Kind.LINK_LAYER:  # GIMP 3.2.6 counts four bytes too few: flags, a path, width and height
            size = 16 + cursor.there(cursor.at + 4, _Cursor.number)
        found.append(Property(kind, cursor.at, cursor.bytes(size)))
        if kind == Kind.TATTOO and size == 4:
            cursor.tattoos.append(int.from_bytes(found[-1].content, "big"))


def _item(cursor: _Cursor, entry: int) -> Item:
    width, height, kind, name = cursor.number(), cursor.number(), cursor.number(), cursor.text()
    properties = _properties(cursor)
    tiles, mask = cursor.pointer(), cursor.pointer()
    filters = cursor.pointers(MAX_LAYERS) if cursor.version >= _EFFECTS else ()
    return Item(
        entry,
        width,
        height,
        kind,
        name,
        properties,
        _tiles_at(cursor, tiles),
        cursor.there(mask, _channel) if mask else None,
        tuple(cursor.there(at, _filter) for at in filters),
    )


def _channel(cursor: _Cursor) -> Channel:
    cursor.number(), cursor.number(), cursor.text()  # width, height, name
    properties = _properties(cursor)
    return Channel(properties, _tiles_at(cursor, cursor.pointer()))


def _filter(cursor: _Cursor) -> Properties:
    for _ in ("name", "icon", "operation", "version")[: 4 if cursor.version >= _EFFECT_VERSIONS else 3]:
        cursor.text()
    properties = _properties(cursor)
    if mask := cursor.pointer():
        cursor.there(mask, _channel)
    return properties


def _tiles_at(cursor: _Cursor, at: int) -> Tiles:
    if not at:
        raise Damaged("a layer or a channel has no pixels")
    return cursor.there(at, _tiles)


def _tiles(cursor: _Cursor) -> Tiles:
    """A hierarchy. Of its levels only the first has tiles; what the pointers to the others mean is not looked at.

    Groups have one as well, which may be of another size than they say; nobody reads it.
    """
    width, height, depth = cursor.number(), cursor.number(), cursor.number()
    levels = cursor.pointers(32)
    if width * height > MAX_PIXELS or depth > 32 or not levels:
        raise Damaged(f"a layer or a channel says that it has {width} x {height} pixels of {depth} bytes")
    cursor.at = levels[0]
    if (cursor.number(), cursor.number()) != (width, height):
        raise Damaged("pixels and their layer differ in size")
    first = cursor.pointer()
    if not first:
        return Tiles(width, height, depth, np.empty(0, np.int64))
    cursor.at -= cursor.pointer_bytes
    cursor.met.pop()
    return Tiles(width, height, depth, cursor.pointer_array(-(-width // TILE) * -(-height // TILE)))
