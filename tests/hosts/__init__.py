"""Tests that drive the real GIMP and the real Krita."""
