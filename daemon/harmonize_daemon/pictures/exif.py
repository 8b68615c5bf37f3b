"""EXIF, as bytes: what a camera wrote stays as it wrote it.

A block of EXIF is a small TIFF file behind `Exif\\0\\0`. Its fields are moved and not decoded: texts come in any
encoding, fields in types that they should not have, and what a library decodes and encodes again is another thing or
an error.
"""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, NamedTuple

from PIL import ExifTags

PREFIX = b"Exif\0\0"
DIRECTORIES = (int(ExifTags.IFD.Exif), int(ExifTags.IFD.GPSInfo))
"""Tags of the main directory that point to other directories which describe the picture."""

_TEXTS = frozenset(
    int(tag)
    for tag in (
        ExifTags.Base.ImageDescription,
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        ExifTags.Base.DateTime,
        ExifTags.Base.Artist,
        ExifTags.Base.Copyright,
    )
)
_NESTED = (int(ExifTags.Base.MakerNote), int(ExifTags.IFD.Interop))  # their offsets mean nothing elsewhere
_ASCII, _SHORT, _LONG, _LONG8, _UTF8 = 2, 3, 4, 16, 129
_BYTES = {1: 1, _ASCII: 1, _SHORT: 2, _LONG: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, _UTF8: 1}
"""Of a value of each type; what is of another type is left out."""
_NUMBERS = {**_BYTES, 5: 4, 10: 4}
"""Bytes of the numbers in it: a rational has two."""
_POINTERS = {_LONG: "I", 13: "I", _LONG8: "Q", 18: "Q"}
_ORDERS = {b"II": "<", b"MM": ">"}
_MOST_BYTES = 1 << 24
"""Of a directory. Entries can share their bytes, so that a small file says any amount."""


class Field(NamedTuple):
    """Type and content of a field, little-endian."""

    kind: int
    data: bytes


Directory = dict[int, Field]
"""Fields by their tags."""


@dataclass(frozen=True)
class Parts:
    """What is carried to and from TIFF files, whose other tags describe how their pixels are stored."""

    texts: dict[int, bytes] = field(default_factory=dict)
    """By their tags, without the zero at the end."""
    directories: dict[int, Directory] = field(default_factory=dict)
    """By the tags that point to them."""


def upright(block: bytes) -> bytes | None:
    """A block of EXIF, with or without its prefix, for the picture as it is seen: of orientation 1, and without the
    thumbnail, which shows what the picture was. All else stays where it is, and so do the notes of makers, which
    count from the block's beginning.

    None where the block is empty or cannot be understood.
    """
    tiff = bytearray(_without_prefix(block))
    try:
        order = _ORDERS[bytes(tiff[:2])]
        (begin,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, begin)
        end = begin + 2 + count * 12
        for entry in range(begin + 2, end, 12):
            (tag,) = struct.unpack_from(f"{order}H10x", tiff, entry)
            if tag == ExifTags.Base.Orientation:
                struct.pack_into(f"{order}HHIHH", tiff, entry, tag, _SHORT, 1, 1, 0)
    except (KeyError, struct.error):
        return None
    thumbnail = tiff[end : end + 4]
    # Programs that say nothing of a thumbnail may have values here.
    if len(thumbnail) == 4 and struct.unpack(f"{order}I", thumbnail)[0] < len(tiff):
        tiff[end : end + 4] = bytes(4)
    return PREFIX + bytes(tiff) if count else None


def parts(block: bytes) -> Parts:
    """What of a block of EXIF is carried to a TIFF file; what cannot be understood is left out."""
    return _parts(BytesIO(_without_prefix(block)))


def of_tiff(file: BinaryIO) -> bytes | None:
    """The block of EXIF that says of a picture what its TIFF file says, BigTIFF or not; None where that is nothing."""
    found = _parts(file)
    if not found.texts and not found.directories:
        return None
    main = {tag: Field(_ASCII, text + b"\0") for tag, text in found.texts.items()}
    main |= {tag: Field(_LONG, bytes(4)) for tag in found.directories}
    at = 8
    behind = at + len(directory_bytes(main, at))
    others = b""
    for tag, directory in found.directories.items():
        main[tag] = Field(_LONG, struct.pack("<I", behind + len(others)))
        others += directory_bytes(directory, behind + len(others))
    return PREFIX + b"II*\0" + struct.pack("<I", at) + directory_bytes(main, at) + others


def directory_bytes(directory: Directory, at: int, *, big: bool = False) -> bytes:
    """The directory as it stands at an even offset of a little-endian TIFF file, its values behind it; big: BigTIFF.

    The length is even.
    """
    count, head, offset = ("<Q", "<HHQ", "<Q") if big else ("<H", "<HHI", "<I")
    room = struct.calcsize(offset)
    behind = at + struct.calcsize(count) + len(directory) * (struct.calcsize(head) + room) + room
    entries, values = [], []
    for tag, (kind, data) in sorted(directory.items()):
        entries.append(struct.pack(head, tag, kind, len(data) // _BYTES[kind]))
        if len(data) <= room:
            entries.append(data.ljust(room, b"\0"))
            continue
        entries.append(struct.pack(offset, behind))
        values.append(data + b"\0" * (len(data) % 2))
        behind += len(values[-1])
    return b"".join([struct.pack(count, len(directory)), *entries, bytes(room), *values])


def pointer_bytes(tag: int, at: int, *, big: bool = False) -> bytes:
    """The entry of a little-endian TIFF file's main directory that points to another one; big: BigTIFF."""
    return struct.pack("<HHQQ", tag, _LONG8, 1, at) if big else struct.pack("<HHII", tag, _LONG, 1, at)


def _without_prefix(block: bytes) -> bytes:
    """Some programs write the prefix twice."""
    return block.removeprefix(PREFIX).removeprefix(PREFIX)


def _parts(file: BinaryIO) -> Parts:
    found = Parts()
    try:
        tiff = _Tiff(file)
        main = tiff.directory(tiff.begin, only=_TEXTS)
        pointers = tiff.pointers()
    except (KeyError, ValueError, struct.error):
        return found
    for tag, (kind, data) in main.items():
        if kind in (_ASCII, _UTF8) and data.strip(b"\0"):
            found.texts[tag] = data.rstrip(b"\0")
    for tag, at in pointers.items():
        try:
            directory = tiff.directory(at)
        except (ValueError, struct.error):
            continue
        kept = {own: content for own, content in directory.items() if own not in _NESTED}
        if kept:
            found.directories[tag] = kept
    return found


class _Tiff:
    """The directories of a TIFF file. Raises KeyError, ValueError or struct.error where it is none."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._order = _ORDERS[file.read(2)]
        version = self._unpack("H")
        self._big = version == 43
        if not self._big and version != 42:
            raise ValueError(f"TIFF version {version}")
        if self._big:
            self._unpack("4s")
        self.begin: int = self._unpack("Q" if self._big else "I")

    def directory(self, at: int, only: Container[int] | None = None) -> Directory:
        """The fields of one directory, or those of some tags."""
        fields = {}
        left = _MOST_BYTES
        for tag, kind, count, place in self._entries(at):
            size = count * _BYTES.get(kind, 0)
            if not size or (only is not None and tag not in only):
                continue
            left -= size
            if left < 0:
                raise ValueError("too many bytes")
            data = place[:size]
            if size > len(place):
                self._seek(struct.unpack(self._order + ("Q" if self._big else "I"), place)[0])
                data = self._file.read(size)
            if len(data) == size:
                fields[tag] = Field(kind, self._little_endian(data, _NUMBERS[kind]))
        return fields

    def pointers(self) -> dict[int, int]:
        """Where the main directory says that others are."""
        found = {}
        for tag, kind, count, place in self._entries(self.begin):
            if tag in DIRECTORIES and kind in _POINTERS and count == 1:
                found[tag] = int(struct.unpack_from(self._order + _POINTERS[kind], place)[0])
        return found

    def _entries(self, at: int) -> list[tuple[int, int, int, bytes]]:
        """Tag, type, count and what is either the value or its offset, of each field."""
        self._seek(at)
        count = self._unpack("Q" if self._big else "H")
        entry = struct.Struct(self._order + ("HHQ8s" if self._big else "HHI4s"))
        if count > 0xFFFF:  # tags have two bytes
            raise ValueError("too many fields")
        return list(entry.iter_unpack(self._file.read(count * entry.size)))

    def _seek(self, at: int) -> None:
        if at >> 48:  # more than systems take
            raise ValueError("no place in a file")
        self._file.seek(at)

    def _unpack(self, kind: str) -> int:
        form = struct.Struct(self._order + kind)
        value: int = form.unpack(self._file.read(form.size))[0]
        return value

    def _little_endian(self, data: bytes, size: int) -> bytes:
        if self._order == "<" or size == 1:
            return data
        return b"".join(data[at : at + size][::-1] for at in range(0, len(data), size))
