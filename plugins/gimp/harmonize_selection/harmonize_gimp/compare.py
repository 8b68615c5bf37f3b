"""Before and after in one picture, as bytes. Needs no GIMP."""

from __future__ import annotations

LINE = b"\xff\xff\xff"
FOCUSED_LINE = b"\x35\x84\xe4"
"""While arrow keys move it."""


def split(before: bytes, after: bytes, width: int, height: int, column: int, color: bytes = LINE) -> bytes:
    """`before` to the left of a column, `after` from it on, with a line of a color between; R G B, 8 bit."""
    column = min(max(column, 0), width)
    row = width * 3
    cut = column * 3
    line_start, line_end = max(cut - 3, 0), min(cut + 3, row) if 0 < column < width else max(cut - 3, 0)
    line = color * ((line_end - line_start) // 3)
    rows = []
    for start in range(0, height * row, row):
        if line:
            rows.append(before[start : start + line_start] + line + after[start + line_end : start + row])
        else:
            rows.append(before[start : start + cut] + after[start + cut : start + row])
    return b"".join(rows)


def veil(mask: bytes, color: tuple[int, int, int], strength: float) -> bytes:
    """R G B A, 8 bit: a color over everything that is not foreground."""
    alpha = mask.translate(bytes(round((255 - value) * strength) for value in range(256)))
    picture = bytearray(len(mask) * 4)
    for index, value in enumerate(color):
        picture[index::4] = bytes([value]) * len(mask)
    picture[3::4] = alpha
    return bytes(picture)
