"""A layer's pixels, some rows at a time.

What fits into the processor's cache is read, compared and written in half the time of one large piece, and in no
memory of its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..qt import QtCore
from ..values import Rect

if TYPE_CHECKING:
    from typing_extensions import Buffer

_BAND_BYTES = 1_500_000

Reader = Callable[[int, int, int, int], Any]
"""x, y, width, height -> a QByteArray with the pixels there, such as `node.pixelData`."""


def is_same(read: Reader, rect: Rect, pixels: Any) -> bool:
    """Whether the pixels in a rectangle are these. pixels: a QByteArray."""
    row_bytes = pixels.size() // rect.height
    return all(
        read(*area) == pixels.mid((area[1] - rect.y) * row_bytes, area[3] * row_bytes)
        for area in _bands(rect, row_bytes)
    )


def checksum(read: Reader, rect: Rect, pixel_bytes: int) -> int:
    """CRC-32 of the pixels in a rectangle, as of one piece."""
    found = 0
    for area in _bands(rect, rect.width * pixel_bytes):
        found = zlib.crc32(read(*area), found)
    return found


def write(node: Any, rect: Rect, pixels: Buffer) -> None:
    """Sets a node's pixels in a rectangle. pixels: of all of it, tightly packed."""
    view = memoryview(pixels).cast("B")
    row_bytes = view.nbytes // rect.height
    for area in _bands(rect, row_bytes):
        start = (area[1] - rect.y) * row_bytes
        node.setPixelData(QtCore.QByteArray(bytes(view[start : start + area[3] * row_bytes])), *area)


def _bands(rect: Rect, row_bytes: int) -> Iterator[tuple[int, int, int, int]]:
    """x, y, width and height of each, from the top."""
    rows = max(1, _BAND_BYTES // max(1, row_bytes))
    for top in range(rect.y, rect.bottom, rows):
        yield rect.x, top, rect.width, min(rows, rect.bottom - top)
