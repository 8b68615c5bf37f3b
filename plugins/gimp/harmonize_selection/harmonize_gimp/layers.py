"""Which layers a run is about, and whether they can be harmonized."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gi.repository import Gimp

from .errors import CannotHarmonize
from .geometry import Box
from .options import Output
from .words import _

# Objects of the host's bindings carry no types.
Image = Any
Layer = Any

PLAIN_MODES = (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY, Gimp.LayerMode.PASS_THROUGH)


def check(image: Image, drawables: Sequence[Any]) -> list[Layer]:
    """The layers of a run, bottom first. Raises CannotHarmonize with what the artist can do about it.

    A layer mask stands for its layer: GIMP gives it in place of the layer while the artist edits the mask.
    """
    require_there(image, drawables)
    if image.get_floating_sel() is not None:
        raise CannotHarmonize(
            "floating_selection",
            _("There is a floating selection"),
            _("anchor it, or make it a layer, and harmonize that"),
        )
    chosen = {layer.get_id(): layer for layer in map(_layer, drawables)}
    if not chosen:
        raise _no_layer()
    for layer in chosen.values():
        if layer.get_id() not in [sibling.get_id() for sibling in siblings(layer)]:
            raise _gone()  # a script made it and has not put it into the image
        if layer.is_group_layer():
            raise CannotHarmonize(
                "group_layer",
                _("“{name}” is a layer group").format(name=layer.get_name()),
                _("select the layers inside it, or merge the group first"),
            )
    return sorted(chosen.values(), key=position, reverse=True)


def is_seen_as_it_is(layer: Layer) -> bool:
    """Whether a layer's own colors are seen, however faintly: in normal mode, in no group that changes them."""
    groups = with_groups(layer)[1:]
    return not is_blended(layer) and not any(group.get_mask() or group.get_filters() for group in groups)


def is_blended(layer: Layer) -> bool:
    """Whether the layer, or a group around it, is mixed with what lies below in another mode than the normal one."""
    return any(item.get_mode() not in PLAIN_MODES for item in with_groups(layer))


def opacity(layer: Layer) -> float:
    """How opaque the layer is seen in its groups, in [0, 1]."""
    return math.prod(item.get_opacity() / 100 for item in with_groups(layer))


def require_there(image: Image, drawables: Sequence[Any]) -> None:
    """Raises CannotHarmonize when the image was closed, or one of the drawables deleted, while a dialog was open.

    Or when a script gives an image with layers of another one.
    """
    if not image.is_valid() or not all(is_in(image, drawable) for drawable in drawables):
        raise _gone()


def _gone() -> CannotHarmonize:
    return CannotHarmonize(
        "image_gone",
        _("The image was closed meanwhile, or the layer deleted"),
        _("open the image, select the layer and try again"),
    )


def is_in(image: Image, drawable: Any) -> bool:
    """Whether it is there still, and in this image."""
    return bool(drawable.is_valid()) and drawable.get_image().get_id() == image.get_id()


def _layer(drawable: Any) -> Layer:
    if isinstance(drawable, Gimp.LayerMask):
        return Gimp.Layer.from_mask(drawable)
    if isinstance(drawable, Gimp.Layer):
        return drawable
    raise _no_layer()


def _no_layer() -> CannotHarmonize:
    return CannotHarmonize(
        "no_layer", _("Only layers can be harmonized"), _("select the pasted layer, not a mask or a channel")
    )


def check_output(layer: Layer, output: Output) -> None:
    """Raises CannotHarmonize when the layer cannot take such a result."""
    if output is not Output.NEW_LAYER and _locked(layer):
        raise CannotHarmonize(
            "locked_layer",
            _("The pixels of “{name}” are locked").format(name=layer.get_name()),
            _("unlock the layer, or choose a new layer as the output"),
        )
    if output is Output.REPLACE and _is(layer, "vector", "link") and not layer.is_rasterized():
        raise CannotHarmonize(
            "drawn_layer",
            _("GIMP draws the pixels of “{name}” anew from its path or its file").format(name=layer.get_name()),
            _("choose a new layer as the output, or rasterize the layer first"),
        )


def _locked(layer: Layer) -> bool:
    """Whether the layer's own pixels, or those of a group around it, are locked."""
    return any(item.get_lock_content() for item in with_groups(layer))


def unlock(layer: Layer) -> None:
    """Takes off what the artist locked, which copies and duplicates take over."""
    layer.set_lock_content(False)
    layer.set_lock_position(False)
    layer.set_lock_visibility(False)


def position(layer: Layer) -> tuple[int, ...]:
    """Where the layer is in the tree: the index at each level from the outermost; 0 is the topmost."""
    image = layer.get_image()
    return tuple(reversed([image.get_item_position(item) for item in with_groups(layer)]))


def at(image: Image, position: tuple[int, ...]) -> Layer:
    """The layer at such a place."""
    siblings = image.get_layers()
    for index in position[:-1]:
        siblings = siblings[index].get_children()
    return siblings[position[-1]]


def with_groups(layer: Layer) -> list[Layer]:
    """The layer and the groups around it, from the innermost to the outermost."""
    found = [layer]
    while (parent := found[-1].get_parent()) is not None:
        found.append(parent)
    return found


def siblings(layer: Layer) -> list[Layer]:
    """The layers of the same level, topmost first, with the layer itself."""
    parent = layer.get_parent()
    return list(layer.get_image().get_layers() if parent is None else parent.get_children())


def others(image: Image, but: Sequence[Layer]) -> list[Layer]:
    """All layers of the image, at every level, topmost first, but for some."""
    left_out = {layer.get_id() for layer in but}
    found: list[Layer] = []
    waiting = list(image.get_layers())
    while waiting:
        layer = waiting.pop(0)
        if layer.get_id() not in left_out:
            found.append(layer)
        if layer.is_group_layer():
            waiting = [*layer.get_children(), *waiting]
    return found


def box(layer: Layer) -> Box:
    """Where the layer lies in its image."""
    _ok, x, y = layer.get_offsets()
    return Box(x, y, layer.get_width(), layer.get_height())


def is_plain(layer: Layer) -> bool:
    """Whether the layer is just pixels: not text, and in GIMP 3.2 neither a vector nor a link layer."""
    return not _is(layer, "text", "vector", "link")


def _is(layer: Layer, *kinds: str) -> bool:
    tests = [getattr(layer, f"is_{kind}_layer", None) for kind in kinds]
    return any(test() for test in tests if test is not None)


def selection_box(image: Image) -> Box | None:
    """The selection's bounding box in the image; None when nothing is selected."""
    _ok, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    return Box.between(left, top, right, bottom) if selected else None
