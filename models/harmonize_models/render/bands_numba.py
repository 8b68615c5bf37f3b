"""Rendering bands with the compiled kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..adjustments.curves import Curves
from ..adjustments.grid import LUMA, ColorGrid
from ..layer import Depth, LayerFormat, Layout, Place
from . import kernels
from .pipeline import PROTECT_FROM, Pipeline
from .tables import byte_tables, knot_tables

Array = NDArray[Any]

NO_MASK = np.empty(0, np.uint8)
NO_MASK.setflags(write=False)


class NumbaBands:
    """Call it with pixels [rows, width, channels], mask [rows, width] or None, out like pixels, and the first row."""

    def __init__(self, pipeline: Pipeline, layer: LayerFormat, place: Place) -> None:
        self._layer = layer
        self._tables: Array | None = None
        if pipeline.is_separable and layer.depth is Depth.U8:
            self._tables = byte_tables(pipeline, layer.layout)
        else:
            self._mixed = _mixed_arguments(pipeline, layer, place)

    def __call__(self, pixels: Array, mask: Array | None, out: Array, row: int) -> None:
        if self._layer.depth is Depth.F16:
            pixels, out = pixels.view(np.uint16), out.view(np.uint16)
        target = out.reshape(-1)
        if not target.flags.aligned:
            target = np.empty(target.shape, target.dtype)
        self._run(_readable(pixels), NO_MASK if mask is None else _readable(mask), target, row)
        if not out.flags.aligned:
            out.reshape(-1)[...] = target

    def _run(self, pixels: Array, mask: Array, out: Array, row: int) -> None:
        layout, depth = self._layer.layout, self._layer.depth
        if self._tables is None:
            white = np.float32(depth.white)
            kernels.mixed(pixels, mask, out, row, self._layer.width, layout.channels, white, *self._mixed)
        elif layout.channels == 4 and pixels.ctypes.data % 4 == out.ctypes.data % 4 == 0:
            kernels.curves_u8_four(pixels.view(np.uint32), mask, self._tables, out.view(np.uint32))
        else:
            kernels.curves_u8(pixels, mask, self._tables, out, layout.channels, layout.has_alpha)


def warm_up(depths: tuple[Depth, ...]) -> None:
    """Compiles or loads every kernel for these depths by rendering single pixels."""
    pixel = np.zeros((1, 1, 4), np.float32)
    mask = np.zeros((1, 1), np.uint8)
    curves = Pipeline(Curves.identity(2))
    grid = Pipeline(Curves.identity(2), ColorGrid.identity(), light=0.5)
    for depth in depths:
        for layout, pipeline in ((Layout.RGBA, curves), (Layout.RGB, curves), (Layout.RGB, grid)):
            layer = LayerFormat(1, 1, layout, depth)
            pixels = pixel[..., : layout.channels].astype(depth.dtype)
            NumbaBands(pipeline, layer, Place())(pixels, mask, pixels.copy(), 0)


def _mixed_arguments(pipeline: Pipeline, layer: LayerFormat, place: Place) -> tuple[Any, ...]:
    """What `kernels.mixed` wants from `strength` on, in memory order."""
    order = np.argsort(layer.layout.rgb) if not layer.layout.is_grey else np.arange(3)
    none = np.zeros((3, 2), np.float32)
    knots = none if pipeline.curves.is_identity else knot_tables(pipeline.curves)[order]
    finish = none if pipeline.finish is None else knot_tables(pipeline.finish)[order]
    coefficients, geometry = np.empty((0, 1, 1, 12), np.float32), np.zeros(4)
    edges, edge_geometry = np.empty((0, 1, 3), np.float32), np.zeros(4)
    if pipeline.grid is not None:
        depth, height, width = pipeline.grid.shape
        ordered = pipeline.grid.coefficients[..., order, :][..., [*order, 3]]
        coefficients = np.ascontiguousarray(ordered).reshape(depth, height, width, 12)
        geometry = _geometry(height, width, pipeline.grid.extent, layer, place)
    if pipeline.edges is not None:
        colors = pipeline.edges.colors.astype(np.float32) / np.float32(255)
        edges = colors[..., order]
        edge_geometry = _geometry(edges.shape[0], edges.shape[1], pipeline.edges.extent, layer, place)
    sliders = (pipeline.light, pipeline.color, pipeline.saturation, pipeline.color_only)
    protection = (pipeline.protect_highlights, PROTECT_FROM)
    look = np.array([] if pipeline.is_plain else [*sliders, *protection], np.float32)
    weights = LUMA[order].astype(np.float32)
    return (
        np.float32(pipeline.strength),
        weights,
        *(np.ascontiguousarray(array) for array in (knots, coefficients, geometry, look, finish, edges, edge_geometry)),
    )


def _geometry(height: int, width: int, extent: Place, layer: LayerFormat, place: Place) -> Array:
    """Of height x width cells over `extent`: where the layer's first pixel is, across and down, and the steps.

    All are finite, and steps are more than 0: kernels take that for granted, and `Place` sees to it.
    """
    across = width / (extent.right - extent.left)
    down = height / (extent.bottom - extent.top)
    step_across = across * (place.right - place.left) / layer.width
    step_down = down * (place.bottom - place.top) / layer.height
    left, top = (place.left - extent.left) * across, (place.top - extent.top) * down
    return np.array([left + step_across / 2 - 0.5, top + step_down / 2 - 0.5, step_across, step_down])


def _readable(array: Array) -> Array:
    """Flat, aligned, read-only: so that kernels are compiled for one type of array."""
    flat = np.require(array.reshape(-1), requirements="A")[:]
    flat.setflags(write=False)
    return flat
