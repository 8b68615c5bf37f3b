"""How a layer's pixels are fetched from GIMP and put back. Needs no GIMP.

A babl encoding names model, gamma and type, such as `R'G'B'A u16`. A prime means sRGB's curve, `~` GIMP's perceptual
one, neither means linear light.

Layers that already are what the daemon renders (sRGB-encoded, a depth of the protocol) travel as they are. Everything
else travels as sRGB-encoded 32-bit float, in which nothing is clipped, and goes back through GIMP's own conversion;
pixels outside the mask then keep their old bytes (`masks.keep_outside`), because a conversion there and back may change
the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from harmonize_client.values import Depth, Layout

DEPTHS: Final[dict[str, Depth]] = {"u8": "u8", "u16": "u16", "half": "f16", "float": "f32"}
MODELS: Final[dict[str, Layout]] = {"R'G'B'": "RGB", "R'G'B'A": "RGBA", "Y'": "Y", "Y'A": "YA"}


@dataclass(frozen=True)
class Storage:
    """The format that pixels travel in."""

    format: str
    """The babl format to ask GIMP for."""
    layout: Layout
    depth: Depth
    exact: bool
    """Whether this is the layer's own format, so that fetching and putting back changes no bit."""

    @property
    def sample_bytes(self) -> int:
        return {"u8": 1, "u16": 2, "f16": 2, "f32": 4}[self.depth]

    @property
    def pixel_bytes(self) -> int:
        return len(self.layout) * self.sample_bytes


def storage_for(encoding: str, *, srgb: bool, grey: bool, indexed: bool, alpha: bool) -> Storage:
    """From the layer's own encoding, whether its color space is sRGB, and what kind of image it is in."""
    model, _, kind = encoding.partition(" ")
    if srgb and not indexed and model in MODELS and kind in DEPTHS:
        return Storage(encoding, MODELS[model], DEPTHS[kind], exact=True)
    if grey:
        return Storage("Y'A float", "YA", "f32", False) if alpha else Storage("Y' float", "Y", "f32", False)
    kind_of_float: Literal["u8", "float"] = "u8" if indexed else "float"
    depth: Depth = DEPTHS[kind_of_float]
    if alpha:
        return Storage(f"R'G'B'A {kind_of_float}", "RGBA", depth, False)
    return Storage(f"R'G'B' {kind_of_float}", "RGB", depth, False)
