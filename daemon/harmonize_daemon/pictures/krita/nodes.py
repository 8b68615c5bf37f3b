"""What an element of Krita's tree of layers says, and whether it can be painted here.

Source: files of Krita 5.2 and 5.3, and `plugins/impex/libkra` of its code. The modes are those that Krita shows as
`blending` computes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from ..blending import Mode
from .colors import COLOR_SPACES, ColorSpace

MODES = {
    "normal": Mode.NORMAL,
    "multiply": Mode.MULTIPLY,
    "screen": Mode.SCREEN,
    "overlay": Mode.OVERLAY,
    "darken": Mode.DARKEN,
    "lighten": Mode.LIGHTEN,
    "dodge": Mode.COLOR_DODGE,
    "burn": Mode.COLOR_BURN,
    "hard_light": Mode.HARD_LIGHT,
    "soft_light_svg": Mode.SOFT_LIGHT,
    "diff": Mode.DIFFERENCE,
}
_KINDS = {
    "adjustmentlayer": "is a filter layer",
    "clonelayer": "is a clone of another layer",
    "filelayer": "is another file",
    "generatorlayer": "is a fill layer",
    "shapelayer": "is a vector layer",
}
_MASKS = {
    "colorizemask": "has a colorize mask",
    "filtermask": "has a filter mask",
    "transformmask": "has a transform mask",
}


def masks_of(element: Element) -> Iterator[Element]:
    """The masks that show: those of a group stand among its layers."""
    for part in element:
        if part.tag in ("masks", "layers"):
            yield from (mask for mask in part if mask.tag == "mask" and shows(mask) and _kind(mask) != "selectionmask")


def transparency_masks(element: Element) -> list[Element]:
    """Those that show."""
    return [mask for mask in masks_of(element) if _kind(mask) == "transparencymask"]


def shows(element: Element) -> bool:
    return element.get("visible") != "0"


def is_group(element: Element) -> bool:
    return _kind(element) == "grouplayer"


def passes_through(element: Element) -> bool:
    """A group whose layers are painted as if there were none."""
    return is_group(element) and element.get("passthrough", "0") != "0"


def problem_of(element: Element, document: ColorSpace) -> str:
    """Why a layer or a group cannot be painted, by its element alone; empty: it can."""
    kind = _kind(element)
    if kind not in ("paintlayer", "grouplayer"):
        return _KINDS.get(kind, f"is of an unknown kind ({kind})")
    return _problem_of_pixels(element, document) or _problem_of_masks(element) or _problem_of_blending(element)


def _problem_of_pixels(element: Element, document: ColorSpace) -> str:
    if element.get("keyframes"):
        return "is animated"
    name = element.get("colorspacename")
    space = COLOR_SPACES.get(name) if name else document
    if space is None or space.colors != document.colors or (is_group(element) and space != document):
        return f"has other colors than the picture ({name})"
    return ""


def _problem_of_masks(element: Element) -> str:
    for mask in masks_of(element):
        kind = _kind(mask)
        if kind != "transparencymask":
            return _MASKS.get(kind, f"has a mask of an unknown kind ({kind})")
        if passes_through(element):
            return "passes through and has a transparency mask"
        if mask.get("keyframes"):
            return "has an animated mask"
    return ""


def _problem_of_blending(element: Element) -> str:
    mode, flags = element.get("compositeop", "normal"), element.get("channelflags", "")
    if mode not in MODES:
        return f"is in the mode {mode}"
    if flags.endswith("0") and "0" not in flags[:-1]:
        return "inherits the alpha of what is below it"
    if "0" in flags:
        return "has channels turned off"
    return ""


def _kind(element: Element) -> str:
    return element.get("nodetype", "")
