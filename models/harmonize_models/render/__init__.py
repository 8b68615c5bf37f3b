"""Applies an adjustment to the pixels of a layer: any size, layout and depth.

`pipeline` says what is computed; `renderer` does it in bands, by `bands_numba` and its `kernels` where there is numba,
else by `bands_numpy`.
"""

from ..layer import Depth, LayerFormat, Layout, Place
from .renderer import Renderer, render, warm_up

__all__ = ["Depth", "LayerFormat", "Layout", "Place", "Renderer", "render", "warm_up"]
