"""XMP and IPTC, as bytes: titles, credits, rights and keywords stay as their programs wrote them.

XMP is XML, and every format has a place for it; IPTC is older, and has one in JPEG and TIFF.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable

_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>))[2-8]")
_IPTC_BEGIN = b"\x1c"
"""Of every field (IPTC-NAA Information Interchange Model, section 1.6)."""
_IPTC_RESOURCE = 0x0404
"""Photoshop's number for it, in the block of resources that a JPEG file holds."""
_APP1, _APP13, _COM = b"\xff\xe1", b"\xff\xed", b"\xff\xfe"
_MORE_XMP = b"http://ns.adobe.com/xmp/extension/\0"
"""How segments begin that hold what of XMP has no room in the first (XMP specification, part 3, section 1.1.3.1)."""
_BLOCK = b"Photoshop 3.0\0"
_MOST_SEGMENT = 0xFFFF
"""Bytes of a JPEG segment, its length among them."""
MOST_JPEG_XMP = 65_502
"""What is left of one for XMP (XMP specification, part 3, section 1.1.3)."""


def upright(xmp: bytes) -> bytes:
    """XMP for the picture as it is seen: of orientation 1."""
    return _ORIENTATION.sub(rb"\g<1>1", xmp)


def iptc_of_jpeg(resources: dict[int, object]) -> bytes | None:
    """Of Photoshop's resources, as Pillow reads them."""
    found = resources.get(_IPTC_RESOURCE)
    return found if isinstance(found, bytes) and found.startswith(_IPTC_BEGIN) else None


def jpeg_segment(iptc: bytes) -> bytes:
    """IPTC as a segment of a JPEG file; nothing where it is too long for one."""
    resource = b"8BIM" + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)
    length = 2 + len(_BLOCK) + len(resource)
    return _APP13 + struct.pack(">H", length) + _BLOCK + resource if length <= _MOST_SEGMENT else b""


def kept_segments(segments: Iterable[tuple[str, bytes]]) -> bytes:
    """Of a JPEG file's segments, as Pillow reads them, comments and the further ones of XMP, as the file has them."""
    kept = []
    for kind, data in segments:
        if kind == "COM" or (kind == "APP1" and data.startswith(_MORE_XMP)):
            kept.append((_COM if kind == "COM" else _APP1) + struct.pack(">H", 2 + len(data)) + data)
    return b"".join(kept)


def iptc_of_tiff(stored: bytes) -> bytes | None:
    """TIFF files call it 32-bit numbers, whose bytes big-endian files may hold the other way round."""
    whole = stored[: len(stored) // 4 * 4]
    swapped = struct.pack(f"<{len(whole) // 4}I", *struct.unpack(f">{len(whole) // 4}I", whole))
    return next((iptc for iptc in (stored, swapped) if iptc.startswith(_IPTC_BEGIN)), None)


def for_tiff(iptc: bytes) -> bytes:
    """In whole 32-bit numbers, for a little-endian file."""
    return iptc + bytes(-len(iptc) % 4)
