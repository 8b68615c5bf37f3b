"""Luma, the brightness of encoded colors: Rec. 709's weights, whose primaries are sRGB's."""

from __future__ import annotations

WEIGHTS = (0.2126, 0.7152, 0.0722)
"""Of encoded R, G, B."""
