"""Numbers of the file formats that reading and writing share."""

from __future__ import annotations

LAYERED_SUFFIXES = frozenset({".kra", ".ora", ".psd", ".psb", ".xcf"})
READABLE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"})
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_XMP = b"XML:com.adobe.xmp"
"""Keyword of the text that is XMP (XMP specification, part 3, section 1.1.5)."""
TIFF_ICC_TAG, TIFF_XMP_TAG, TIFF_IPTC_TAG = 34675, 700, 33723
