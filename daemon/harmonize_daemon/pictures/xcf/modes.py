"""How layers of GIMP documents (`.xcf`) are blended.

The formulas were compared with pictures of GIMP 3.0.4 and 3.2.6, opaque layers in each mode: they are the same, to one
level in 255. Soft light, addition, divide and others have no counterpart here, nor has dodge or burn since 2.10: what
is not opaque they mix before they clip.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..blending import Mode
from .structure import Kind, Properties

PASS_THROUGH = 61
_MODES = {
    0: Mode.NORMAL,
    3: Mode.MULTIPLY,
    4: Mode.SCREEN,
    6: Mode.DIFFERENCE,
    9: Mode.DARKEN,
    10: Mode.LIGHTEN,
    16: Mode.COLOR_DODGE,
    17: Mode.COLOR_BURN,
    18: Mode.HARD_LIGHT,
    23: Mode.OVERLAY,
    28: Mode.NORMAL,
    30: Mode.MULTIPLY,
    31: Mode.SCREEN,
    32: Mode.DIFFERENCE,
    35: Mode.DARKEN,
    36: Mode.LIGHTEN,
    44: Mode.HARD_LIGHT,
    PASS_THROUGH: Mode.NORMAL,
}
"""Up to 22 those of GIMP 2.8 and before, "legacy" since."""
_NAMES = (
    "normal (legacy), dissolve, behind (legacy), multiply (legacy), screen (legacy), old overlay, difference (legacy), "
    "addition (legacy), subtract (legacy), darken only (legacy), lighten only (legacy), hue (legacy), "
    "saturation (legacy), color (legacy), value (legacy), divide (legacy), dodge (legacy), burn (legacy), "
    "hard light (legacy), soft light (legacy), grain extract (legacy), grain merge (legacy), color erase (legacy), "
    "overlay, LCh hue, LCh chroma, LCh color, LCh lightness, normal, behind, multiply, screen, difference, addition, "
    "subtract, darken only, lighten only, HSV hue, HSV saturation, HSL color, HSV value, divide, dodge, burn, "
    "hard light, soft light, grain extract, grain merge, vivid light, pin light, linear light, hard mix, exclusion, "
    "linear burn, luma darken only, luma lighten only, luminance, color erase, erase, merge, split, pass through, "
    "replace, overwrite"
)
_ORDER_ONLY = {Mode.NORMAL, Mode.DARKEN, Mode.LIGHTEN}
"""The same in encoded values and in linear light, as long as layers are opaque."""
_LINEAR, _LAB = 1, 3
_UNION, _CLIPPED = 1, 2


@dataclass(frozen=True)
class Blending:
    """What a layer's properties say."""

    mode: Mode
    keeps_alpha: bool = False
    problem: str = ""


def blending(properties: Properties) -> Blending:
    """The mode of a layer or a group. The space and the way of composing are negative where GIMP chose them."""
    number = properties.number(Kind.MODE, 0)
    mode = _MODES.get(number)
    if mode is None:
        names = _NAMES.split(", ")
        name = names[number] if 0 <= number < len(names) else str(number)
        return Blending(Mode.NORMAL, problem=f"is in the mode {name}")
    space = abs(properties.number(Kind.BLEND_SPACE, 0))
    composing = abs(properties.number(Kind.COMPOSITE_MODE, 0))
    if mode is Mode.MULTIPLY and space == _LINEAR:
        mode = Mode.LIGHT_MULTIPLY
    elif space == _LAB or (space == _LINEAR and mode not in _ORDER_ONLY):
        return Blending(mode, problem="is blended in another color space than usual")
    if composing > _CLIPPED:
        return Blending(mode, problem="cuts out what lies below it")
    clipped = composing == _CLIPPED if composing else mode is not Mode.NORMAL
    return Blending(mode, keeps_alpha=clipped)
