"""Colour changes as small, serialisable values that apply at any resolution and depth."""
