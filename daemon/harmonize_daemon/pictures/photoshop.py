"""Photoshop files (`.psd`, `.psb`), by way of psd-tools; GIMP and Krita write and read them, too.

RGB and grey of 8 and 16 bits. Layer effects are not painted; what cannot be painted at all says so where it matters.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from psd_tools import PSDImage
from psd_tools.api.layers import Group as PsdGroup
from psd_tools.api.layers import Layer as PsdLayer
from psd_tools.constants import BlendMode, ColorMode, Resource

from .blending import Mode, overlap
from .errors import UnreadablePicture, UnsupportedPicture
from .layered import Group, Layer, LayeredPicture, Node, check_nesting
from .picture import Metadata, Picture
from .reading import MAX_PIXELS
from .writing import write_whole

_MODES = {
    BlendMode.NORMAL: Mode.NORMAL,
    BlendMode.PASS_THROUGH: Mode.NORMAL,
    BlendMode.MULTIPLY: Mode.MULTIPLY,
    BlendMode.SCREEN: Mode.SCREEN,
    BlendMode.OVERLAY: Mode.OVERLAY,
    BlendMode.DARKEN: Mode.DARKEN,
    BlendMode.LIGHTEN: Mode.LIGHTEN,
    BlendMode.COLOR_DODGE: Mode.COLOR_DODGE,
    BlendMode.COLOR_BURN: Mode.COLOR_BURN,
    BlendMode.HARD_LIGHT: Mode.HARD_LIGHT,
    BlendMode.SOFT_LIGHT: Mode.SOFT_LIGHT,
    BlendMode.DIFFERENCE: Mode.DIFFERENCE,
}
_DEPTHS = {8: np.uint8, 16: np.uint16}
_MAX_BYTES = MAX_PIXELS * 40
"""That psd-tools may ask for at a time: four channels of float, and what it needs on the way."""


class Photoshop(LayeredPicture):
    """One file."""

    def __init__(self, path: Path) -> None:
        """Raises UnreadablePicture, UnsupportedPicture, PictureTooLarge."""
        self._file = _open(path)
        if self._file.color_mode not in (ColorMode.RGB, ColorMode.GRAYSCALE) or self._file.depth not in _DEPTHS:
            raise UnsupportedPicture(
                f"{path.name} holds {self._file.color_mode.name} of {self._file.depth} bits",
                "convert it to RGB of 8 or 16 bits first",
            )
        self._layers = list(self._file.descendants())
        self._numbers = {id(layer): number for number, layer in enumerate(self._layers)}
        super().__init__(path, self._file.width, self._file.height, self._nodes(self._file))

    def decoded(self, layer: Layer) -> Picture:
        found = self._layers[layer.number]
        depth = np.dtype(_DEPTHS[self._file.depth])
        if not found.has_pixels():
            return Picture(np.zeros((1, 1, 4), depth), self._metadata())
        try:
            color, alpha = found.numpy("color"), found.numpy("shape")
            if color is None:
                raise ValueError("no colors")
            covered = np.ones((*color.shape[:2], 1), np.float32) if alpha is None else alpha
            covered = covered * self._mask_of(found, color.shape)
        except (ValueError, IndexError, KeyError, OSError) as error:
            raise UnreadablePicture(
                f"{self.path.name}: {layer.name!r} is damaged ({error})", "save it again"
            ) from error
        color = color if color.shape[2] == 3 else np.repeat(color[..., :1], 3, axis=2)
        whole = np.concatenate([color, covered], axis=2).clip(0, 1) * np.float32(np.iinfo(depth).max)
        return Picture(np.ascontiguousarray(whole.round().astype(depth)), self._metadata())

    def write(self, path: Path, layer: Layer, name: str, picture: Picture) -> None:
        file = _open(self.path)  # another one: ours stays as it is
        hidden = list(file.descendants())[layer.number]
        pixels = picture.pixels if file.color_mode is ColorMode.RGB else picture.pixels[..., [0, 3]]
        added = file.create_pixel_layer_from_array(
            pixels, name, layer.top, layer.left, opacity=hidden.opacity, blend_mode=hidden.blend_mode
        )
        parent = hidden.parent
        assert isinstance(parent, (PSDImage, PsdGroup))
        file.remove(added)
        parent.insert(parent.index(hidden) + 1, added)  # from the bottom up
        hidden.visible = False
        stream = BytesIO()
        file.save(stream)
        write_whole(path, stream.getvalue())

    def _nodes(self, group: PSDImage | PsdGroup, level: int = 0) -> tuple[Node, ...]:
        check_nesting(level)
        return tuple(self._node(layer, level) for layer in reversed(list(group)))

    def _node(self, layer: PsdLayer, level: int) -> Node:
        facts = Node(
            name=layer.name.rstrip("\0"),  # Krita ends names with one
            opacity=layer.opacity / 255,
            mode=_MODES.get(layer.blend_mode, Mode.NORMAL),
            visible=layer.visible,
            problem=_problem(layer),
        )
        if isinstance(layer, PsdGroup):
            through = layer.blend_mode is BlendMode.PASS_THROUGH
            return Group(**vars(facts), inside=self._nodes(layer, level + 1), passes_through=through)
        return Layer(**vars(facts), left=layer.left, top=layer.top, number=self._numbers[id(layer)])

    def _mask_of(self, layer: PsdLayer, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """The layer mask [h, w, 1] at the layer's place; 1 where there is none."""
        mask = layer.mask
        if mask is None or mask.disabled:
            return np.ones((1, 1, 1), np.float32)
        whole = np.full((*shape[:2], 1), mask.background_color / 255, np.float32)
        values = layer.numpy("mask")
        if values is not None and values.size:
            left, top = mask.left - layer.left, mask.top - layer.top
            on_layer, on_mask = overlap(values.shape, left, top, whole.shape)
            whole[on_layer] = values[on_mask]
        return whole

    def _metadata(self) -> Metadata:
        return Metadata(icc=self._file.image_resources.get_data(Resource.ICC_PROFILE))


def _open(path: Path) -> PSDImage:
    try:
        file: PSDImage = PSDImage.open(path, max_alloc_bytes=_MAX_BYTES)
        return file
    except FileNotFoundError as error:
        raise UnreadablePicture(f"There is no file {path}", "check the path") from error
    except Exception as error:  # a damaged file can fail in any way inside psd-tools
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadablePicture(f"{path.name} is no Photoshop file ({reason})", "save it again") from error


def _problem(layer: PsdLayer) -> str:
    if layer.blend_mode not in _MODES:
        return f"is in the mode {layer.blend_mode.name.lower().replace('_', ' ')}"
    if getattr(layer, "clipping", False):
        return "is clipped to the one below it"
    if layer.has_vector_mask():
        return "is cut out by a path"
    if not isinstance(layer, PsdGroup) and not layer.has_pixels() and layer.kind != "pixel":
        return "has no pixels (an adjustment or a fill)"
    return ""
