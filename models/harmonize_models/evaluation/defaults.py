"""Which cases the published results are about."""

SEED = 20_260
VARIANTS = 1
"""Composites made of each mask."""
