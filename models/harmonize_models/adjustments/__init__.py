"""What networks predict and rendering applies: tone curves, a local color grid, and the artist's look."""

from .adjustment import Adjustment, AdjustmentError
from .curves import Curves
from .edges import EdgeColors
from .grid import ColorGrid
from .look import Look

__all__ = ["Adjustment", "AdjustmentError", "ColorGrid", "Curves", "EdgeColors", "Look"]
