"""Numbers of the file formats that reading and writing share."""

from __future__ import annotations

LAYERED_SUFFIXES = frozenset({".kra", ".ora", ".psd", ".psb", ".xcf"})
READABLE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"})
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
TIFF_ICC_TAG = 34675
