"""Applies an adjustment to the pixels of a layer: any size, layout and depth, in bands of rows, in place if wanted.

`pipeline` says what is computed; `bands_numba` does it where numba is installed, `bands_numpy` otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..adjustments.adjustment import Adjustment
from ..adjustments.look import Look
from ..layer import Depth, LayerFormat, Place
from .bands_numpy import NumpyBands
from .pipeline import Pipeline

Array = NDArray[Any]
Bands = Callable[[Array, Array | None, Array, int], None]
"""Renders pixels [rows, width, channels] with a mask [rows, width] into an array like them, from a row on."""
BAND_BYTES = 1 << 20


class Renderer:
    """Renders bands of one layer. Any number of threads may call `band` at the same time."""

    def __init__(
        self,
        adjustment: Adjustment,
        look: Look,
        layer: LayerFormat,
        place: Place | None = None,
        *,
        compiled: bool = True,
    ) -> None:
        """Get ready for a layer.

        place: where the whole layer lies in the scene; a local grid and edges to clean need it. compiled: False does
        without numba, for whoever has seen `warm_up` fail.
        """
        self.layer = layer
        self.place = place or Place()
        pipeline = Pipeline.of(adjustment, look, layer.layout)
        self._bands = (_bands() if compiled else NumpyBands)(pipeline, layer, self.place)

    def band(self, pixels: Any, mask: Any | None, out: Any, row: int) -> None:
        """Renders whole rows from `row` on.

        pixels, out: buffers of the same number of whole rows in the layer's format; `out` may be `pixels`.
        mask: buffer of one byte a pixel (0 = untouched, 255 = fully adjusted), or None = 255 everywhere.
        Alpha, pixels with mask 0 or alpha 0, and channels that are not finite keep every bit.
        Raises ValueError for buffers of another size and rows beyond the layer.
        """
        layer = self.layer
        shape = (-1, layer.width, layer.layout.channels)
        source: Array = _rows(pixels, layer).reshape(shape)
        target: Array = _rows(out, layer).reshape(shape)
        rows = source.shape[0]
        if target.shape != source.shape:
            raise ValueError(f"The output has {target.shape[0]} rows, the pixels {rows}.")
        if not target.flags.writeable:
            raise ValueError("The output cannot be written to.")
        if row < 0 or row + rows > layer.height:
            raise ValueError(f"Rows {row} to {row + rows} are not all of a layer of {layer.height}.")
        weights = None
        if mask is not None:
            weights = np.frombuffer(mask, np.uint8)
            if weights.size != rows * layer.width:
                raise ValueError(f"The mask has {weights.size} bytes for {rows * layer.width} pixels.")
            weights = weights.reshape(rows, layer.width)
        self._bands(source, weights, target, row)


def render(
    adjustment: Adjustment,
    look: Look,
    layer: LayerFormat,
    pixels: Any,
    mask: Any | None,
    out: Any,
    *,
    place: Place | None = None,
    threads: int = 1,
) -> None:
    """Renders a whole layer from `pixels` into `out` (which may be `pixels`), in bands of about 1 MB."""
    renderer = Renderer(adjustment, look, layer, place)
    whole, target = memoryview(pixels).cast("B"), memoryview(out).cast("B")
    alpha = None if mask is None else memoryview(mask).cast("B")
    if len(whole) != layer.height * layer.row_bytes:
        raise ValueError(f"The pixels are {len(whole)} bytes, the layer needs {layer.height * layer.row_bytes}.")
    step = max(1, BAND_BYTES // layer.row_bytes)

    def one(row: int) -> None:
        end = min(row + step, layer.height)
        part = slice(row * layer.row_bytes, end * layer.row_bytes)
        rows = None if alpha is None else alpha[row * layer.width : end * layer.width]
        renderer.band(whole[part], rows, target[part], row)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        for _ in pool.map(one, range(0, layer.height, step)):
            pass  # raises what a band raised


def warm_up(depths: tuple[Depth, ...] = (Depth.U8, Depth.U16, Depth.F32)) -> None:
    """Compiles all kernels for these depths, or loads them from disk, so that the first render does not wait for it.

    A depth takes seconds the first time and milliseconds later. Half floats use the kernels of U16.
    """
    if _bands() is not NumpyBands:
        from .bands_numba import warm_up as warm_up_kernels

        warm_up_kernels(depths)


@cache
def _bands() -> Callable[[Pipeline, LayerFormat, Place], Bands]:
    try:
        from .bands_numba import NumbaBands  # numba takes a second to import: not before it is needed
    except ImportError:
        return NumpyBands
    return NumbaBands


def _rows(buffer: Any, layer: LayerFormat) -> Array:
    values = np.frombuffer(buffer, np.uint8)
    if values.size == 0 or values.size % layer.row_bytes:
        raise ValueError(f"{values.size} bytes are no whole rows of {layer.row_bytes} bytes.")
    return values.view(layer.depth.dtype)
