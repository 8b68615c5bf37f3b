"""Another layer in a GIMP document (`.xcf`), all else as it was, byte for byte.

What is new in lists moves what lies behind it, so that every pointer of the file is mended; pixels come last.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from .structure import TILE, Damaged, Document, Item, Kind
from .tiles import Bytes, encode

_KEPT = (
    Kind.OPACITY,
    Kind.FLOAT_OPACITY,
    Kind.COLOR_TAG,
    Kind.OFFSETS,
    Kind.MODE,
    Kind.BLEND_SPACE,
    Kind.COMPOSITE_SPACE,
    Kind.COMPOSITE_MODE,
)
"""What the new layer has from the old one. It has no mask, no text and no filters, and belongs to no set."""


@dataclass
class _Edits:
    """By places in the old file."""

    inserted: list[tuple[int, bytes]] = field(default_factory=list)
    replaced: list[tuple[int, bytes]] = field(default_factory=list)


def with_layer_above(document: Document, old: Item, name: str, kind: int, pixels: Bytes) -> bytes:
    """The file with a layer above `old`, which is hidden; the groups that hold them are shown.

    kind: as `Item.type`. pixels: [H, W, D] uint8, of the size of `old`, as the file keeps them. Raises Damaged.
    """
    if len(document.data) + 2 * pixels.nbytes >= 1 << (8 * document.pointer_bytes - 1):
        raise Damaged("with another layer it is larger than its pointers reach")
    path = _path(document, old)
    edits = _Edits([(old.entry, bytes(document.pointer_bytes))])
    _set_number(edits, document, old, Kind.VISIBLE, 0)
    for item in document.items:
        _move_down(edits, item, path)
        if not item.properties.number(Kind.VISIBLE, 1) and _is_within(path, _path(document, item)):
            _set_number(edits, document, item, Kind.VISIBLE, 1)
    facts = [found for kept in _KEPT if (found := old.properties.find(kept))]
    packed = [_packed(one.kind, one.content) for one in facts]
    packed.append(_packed(Kind.VISIBLE, _word(1)))
    if len(path) > 1:
        packed.append(_packed(Kind.ITEM_PATH, struct.pack(f">{len(path)}i", *path)))
    if (state := document.properties.find(Kind.TATTOO)) and len(state.content) == 4:
        tattoo = max(document.tattoos) + 1
        edits.replaced.append((state.at, _word(tattoo)))
        packed.append(_packed(Kind.TATTOO, _word(tattoo)))
    body = _edited(document, edits)
    _point(body, document, old.entry, len(body))
    _append_layer(body, document, name, kind, b"".join(packed) + _packed(Kind.END, b""), pixels)
    return bytes(body)


def _path(document: Document, item: Item) -> tuple[int, ...]:
    """Where the item is in the tree. Files leave that out for what is in no group."""
    above = document.items[: document.items.index(item)]
    outside = sum(len(one.properties.numbers(Kind.ITEM_PATH)) < 2 for one in above)
    return item.properties.numbers(Kind.ITEM_PATH) or (outside,)


def _is_within(path: tuple[int, ...], group: tuple[int, ...]) -> bool:
    return len(path) > len(group) and path[: len(group)] == group


def _set_number(edits: _Edits, document: Document, item: Item, kind: Kind, value: int) -> None:
    found = item.properties.find(kind)
    if found and len(found.content) == 4:
        edits.replaced.append((found.at, _word(value)))
    else:
        edits.inserted.append((item.properties.end, _packed(kind, _word(value))))


def _move_down(edits: _Edits, item: Item, path: tuple[int, ...]) -> None:
    """Count on in the path of an item that `path`, which is in use again, pushes down, or one of whose groups is so."""
    depth = len(path) - 1
    own, found = item.properties.numbers(Kind.ITEM_PATH), item.properties.find(Kind.ITEM_PATH)
    if found and depth < len(own) and own[:depth] == path[:depth] and own[depth] >= path[depth]:
        edits.replaced.append((found.at + 4 * depth, _word(own[depth] + 1)))


def _edited(document: Document, edits: _Edits) -> bytearray:
    """The file with the edits, all pointers mended; that to the new layer is still missing."""
    data = bytearray(document.data)
    for at, content in edits.replaced:
        data[at : at + len(content)] = content
    edits.inserted.sort(key=lambda one: one[0])
    places = np.array([at for at, _ in edits.inserted], np.int64)
    growth = np.array([0, *accumulate(len(content) for _, content in edits.inserted)], np.int64)
    where = document.pointers[:, None] + np.arange(document.pointer_bytes)
    view = np.frombuffer(data, np.uint8)
    values = view[where].view(f">u{document.pointer_bytes}")[:, 0].astype(np.int64)
    moved = values + growth[np.searchsorted(places, values, side="right")]
    view[where] = moved.astype(f">u{document.pointer_bytes}")[:, None].view(np.uint8)
    del view  # a bytearray that is looked at cannot grow
    edited, before = bytearray(), 0
    for at, content in edits.inserted:
        edited += data[before:at]
        edited += content
        before = at
    return edited + data[before:]


def _point(body: bytearray, document: Document, at: int, target: int) -> None:
    body[at : at + document.pointer_bytes] = target.to_bytes(document.pointer_bytes, "big")


def _append_layer(body: bytearray, document: Document, name: str, kind: int, properties: bytes, pixels: Bytes) -> None:
    """Layer, hierarchy, levels (of which only the first has tiles) and tiles, as GIMP writes them."""
    height, width, depth = pixels.shape
    size = document.pointer_bytes
    written = name.encode("utf-8", "replace") + b"\0"
    body += struct.pack(">3I", width, height, kind) + _word(len(written)) + written + properties
    pointer = len(body)
    body += bytes(3 * size)  # pixels; no mask; no filters
    _point(body, document, pointer, len(body))
    body += struct.pack(">3I", width, height, depth)
    halves = [(width >> level, height >> level) for level in range(32)]
    levels = 1 + next(n for n, (w, h) in enumerate(halves) if max(w, h) <= TILE)
    pointer = len(body)
    body += bytes((levels + 1) * size)
    _point(body, document, pointer, len(body))
    body += struct.pack(">2I", width, height)
    table = len(body)
    tiles = list(encode(pixels, document.compression))
    body += bytes((len(tiles) + 1) * size)
    starts = np.cumsum([len(body), *(len(tile) for tile in tiles[:-1])])
    body[table : table + len(tiles) * size] = starts.astype(f">u{size}").tobytes()
    for tile in tiles:
        body += tile
    for level in range(1, levels):
        _point(body, document, pointer + level * size, len(body))
        body += struct.pack(">3I", *halves[level], 0)  # the 0 has 32 bits, whatever pointers have


def _packed(kind: int, content: bytes) -> bytes:
    return struct.pack(">2I", kind, len(content)) + content


def _word(value: int) -> bytes:
    return struct.pack(">I", value & 0xFFFFFFFF)
