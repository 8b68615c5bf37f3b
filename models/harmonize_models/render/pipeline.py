"""What an adjustment and a look do to a pixel: the definition, in numpy.

`render` applies it, `kernels` is its fast twin.

For a color x, encoded, R G B (a grey pixel is three equal channels, and its result is the luma of theirs):

1. `clean_edges`: z = x, or nearer to the edge color at its place the more transparent the pixel is
2. y = the network's curves of z; then its grid's affine transform of y, with the luma of y as guide
3. of the change y - z, the part in luma is scaled by `light`, the rest by `color`
4. warmth, tint and contrast as curves; saturation around luma
5. `color_only`: luma is put back to that of z. `protect_highlights`: the change fades out where the luma of z nears 1
6. result = x + mask * strength * (y - x)

Values beyond [0, 1] keep their distance: curves and transforms act on the clamped color and the excess is added back
(slope 1). A pixel with a channel that is not finite, before or after, is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..adjustments.adjustment import Adjustment
from ..adjustments.curves import Curves
from ..adjustments.edges import EdgeColors, share_of_edge
from ..adjustments.finish import finish_curves
from ..adjustments.grid import LUMA, ColorGrid
from ..adjustments.look import Look
from ..layer import Layout

PROTECT_FROM = 0.7
"""Luma at which `protect_highlights` begins to hold the change back; at 1 nothing is changed."""

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Pipeline:
    """An adjustment and a look, in the order in which they act."""

    curves: Curves
    grid: ColorGrid | None = None
    light: float = 1.0
    color: float = 1.0
    finish: Curves | None = None
    saturation: float = 0.0
    color_only: bool = False
    protect_highlights: bool = False
    strength: float = 1.0
    edges: EdgeColors | None = None
    """To clean half-transparent pixels with."""

    @classmethod
    def of(cls, adjustment: Adjustment, look: Look, layout: Layout = Layout.RGB) -> Pipeline:
        """layout: of the pixels; without alpha there are no edges to clean."""
        edges = adjustment.edges if look.clean_edges and layout.has_alpha else None
        return cls(
            curves=adjustment.curves,
            grid=adjustment.grid,
            light=look.light,
            color=look.color,
            finish=finish_curves(look),
            saturation=look.saturation,
            color_only=look.color_only,
            protect_highlights=look.protect_highlights,
            strength=look.strength,
            edges=edges.in_grey() if edges and layout.is_grey else edges,
        )

    @property
    def is_separable(self) -> bool:
        """Whether every channel goes its own way: then a table for each does it all."""
        return self.grid is None and self.edges is None and not self._mixes_channels

    @property
    def is_plain(self) -> bool:
        """Whether the network's curves and grid are all that happens to a clean color."""
        return self.finish is None and not self._mixes_channels

    @property
    def _mixes_channels(self) -> bool:
        return not self.light == self.color == 1 or self.saturation != 0 or self.color_only or self.protect_highlights


def change(pipeline: Pipeline, colors: F32, u: F32, v: F32, alpha: F32 | None = None) -> F32:
    """The full change y - x of each pixel, before mask and strength.

    colors: [..., 3] float32, encoded. u, v: positions in the scene (fractions), broadcast against the pixels.
    alpha: [...] float32, asked for if there are edges to clean. A pixel whose alpha is not a number is not cleaned.
    Returns [..., 3] float32, finite: 0 where a color, or what would become of it, is not.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        z = colors
        if pipeline.edges is not None and alpha is not None:
            share = np.nan_to_num(share_of_edge(alpha), nan=0.0)[..., None]
            z = np.where(share > 0, colors + share * (pipeline.edges.slice(u, v) - colors), colors)
        y: NDArray[Any] = pipeline.curves.sample(z).astype(np.float32)
        if pipeline.grid is not None:
            inside = np.clip(y, 0, 1)
            transform = pipeline.grid.slice(u, v, inside @ LUMA.astype(np.float32))
            y = np.einsum("...ij,...j->...i", transform[..., :3], inside) + transform[..., 3] + (y - inside)
        if not pipeline.is_plain:
            y = _look(pipeline, z, y)
        delta = y - colors
        finite = np.isfinite(delta).all(axis=-1, keepdims=True) & np.isfinite(colors).all(axis=-1, keepdims=True)
        result: F32 = np.where(finite, delta, 0).astype(np.float32)
        return result


def _look(pipeline: Pipeline, x: F32, y: NDArray[Any]) -> F32:
    weights = LUMA.astype(np.float32)
    luma = (x @ weights)[..., None]
    delta = y - x
    light = (delta @ weights)[..., None]
    y = x + pipeline.light * light + pipeline.color * (delta - light)
    if pipeline.finish is not None:
        y = pipeline.finish.sample(y).astype(np.float32)
    grey = (y @ weights)[..., None]
    y = grey + (1 + pipeline.saturation) * (y - grey)
    if pipeline.color_only:
        y = y + luma - grey
    if pipeline.protect_highlights:
        t = np.clip((luma - PROTECT_FROM) / (1 - PROTECT_FROM), 0, 1)
        y = x + (1 - t * t * (3 - 2 * t)) * (y - x)
    result: F32 = y.astype(np.float32)
    return result
