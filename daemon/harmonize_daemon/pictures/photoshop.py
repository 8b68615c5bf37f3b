"""Photoshop files (`.psd`, `.psb`), by way of psd-tools; GIMP and Krita write and read them, too.

RGB and grey of 8 and 16 bits. Layer effects are not painted; what cannot be painted at all says so where it matters.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psd_tools import PSDImage
from psd_tools.api.layers import Group as PsdGroup
from psd_tools.api.layers import Layer as PsdLayer
from psd_tools.compression import PSDDecompressionWarning
from psd_tools.constants import BlendMode, ColorMode, Resource

from . import captions, exif
from .blending import Canvas, Mode, overlap
from .box import Box
from .errors import UnreadablePicture, UnsupportedPicture, opening
from .layered import Group, Layer, LayeredPicture, Node, all_normal, check_nesting, grey_and_alpha
from .picture import Metadata, Picture
from .reading import MAX_PIXELS

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

_FILTERS = Lock()


@dataclass(frozen=True, eq=False, kw_only=True)
class _Group(Group):
    """With its layer mask."""

    number: int
    """Which of the file's layers it is."""


class Photoshop(LayeredPicture):
    """One file."""

    def __init__(self, path: Path) -> None:
        """Raises UnreadablePicture, UnsupportedPicture, PictureTooLarge."""
        _refuse_black_channels()
        self._file = _open(path)
        if self._file.color_mode not in (ColorMode.RGB, ColorMode.GRAYSCALE) or self._file.depth not in _DEPTHS:
            raise UnsupportedPicture(
                f"{path.name} holds {self._file.color_mode.name} of {self._file.depth} bits",
                "convert it to RGB of 8 or 16 bits first",
            )
        self._depth = np.dtype(_DEPTHS[self._file.depth])
        self._layers = list(self._file.descendants())
        self._numbers = {id(layer): number for number, layer in enumerate(self._layers)}
        super().__init__(path, self._file.width, self._file.height, self._nodes(self._file))

    def decoded(self, layer: Layer) -> Picture:
        found = self._layers[layer.number]
        if not found.has_pixels():
            return Picture(np.zeros((1, 1, 4), self._depth), self._metadata())
        with self._damage_of(layer):
            color, alpha = found.numpy("color"), found.numpy("shape")
            if color is None:
                raise ValueError("no colors")
            covered = np.ones((*color.shape[:2], 1), np.float32) if alpha is None else alpha
            if _is_masked(found):
                covered = covered * _mask_of(found, Box(*found.bbox))[..., None]
        color = color if color.shape[2] == 3 else np.repeat(color[..., :1], 3, axis=2)
        return Picture(self._whole(np.concatenate([color, covered], axis=2)), self._metadata())

    def with_layer(self, layer: Layer, name: str, picture: Picture) -> bytes:
        file = _open(self.path)  # another one: ours stays as it is
        hidden = list(file.descendants())[layer.number]
        pixels = picture.pixels if file.color_mode is ColorMode.RGB else grey_and_alpha(picture.pixels)
        stream = BytesIO()
        with self._refusal_of(name):
            added = file.create_pixel_layer_from_array(
                pixels, "", layer.top, layer.left, opacity=hidden.opacity, blend_mode=hidden.blend_mode
            )
            added.name = name  # beside the old kind of name, which is MacRoman alone, this writes one of Unicode
            parent = hidden.parent
            assert isinstance(parent, (PSDImage, PsdGroup))
            file.remove(added)
            parent.insert(parent.index(hidden) + 1, added)  # from the bottom up
            hidden.visible = False
            while isinstance(parent, PsdGroup):
                parent.visible, parent = True, parent.parent
            file.save(stream)
        return stream.getvalue()

    def _masked(self, group: Group, painted: Canvas) -> Canvas:
        found = self._layers[group.number] if isinstance(group, _Group) else None
        if found is not None and _is_masked(found):
            with self._damage_of(group):
                painted.hide(self._whole(_mask_of(found, Box(0, 0, self.width, self.height))))
        return painted

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
        number = self._numbers[id(layer)]
        if not isinstance(layer, PsdGroup):
            return Layer(**vars(facts), left=layer.left, top=layer.top, number=number)
        inside, masked = self._nodes(layer, level + 1), _is_masked(layer)
        through = layer.blend_mode is BlendMode.PASS_THROUGH
        # One that does not show in full is painted for itself first, which is the same while all inside is normal.
        if through and (masked or facts.opacity < 1) and not all_normal(inside):
            cause = "has a layer mask" if masked else "is not opaque"
            facts = replace(facts, problem=facts.problem or f"passes through and {cause}")
        return _Group(**vars(facts), inside=inside, passes_through=through and not masked, number=number)

    def _whole(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Values in [0, 1] as the file's own numbers, of the same shape."""
        scaled = values.clip(0, 1) * np.float32(np.iinfo(self._depth).max)
        return np.ascontiguousarray(scaled.round().astype(self._depth))

    @contextmanager
    def _damage_of(self, node: Node) -> Iterator[None]:
        """What fails inside psd-tools is raised as UnreadablePicture."""
        try:
            yield
        except (ValueError, IndexError, KeyError, OSError, PSDDecompressionWarning) as error:
            raise UnreadablePicture(f"{self.path.name}: {node.name!r} is damaged ({error})", "save it again") from error

    @contextmanager
    def _refusal_of(self, name: str) -> Iterator[None]:
        """What fails inside psd-tools while it writes is raised as UnsupportedPicture."""
        try:
            yield
        except MemoryError:
            raise
        except Exception as error:
            cause = f"{self.path.name}: the layer {name!r} cannot be added ({_reason(error)})"
            raise UnsupportedPicture(cause, "save the file again in Photoshop, or write a PNG or TIFF file") from error

    def _metadata(self) -> Metadata:
        # A grey profile fits no RGB pixels.
        is_rgb = self._file.color_mode is ColorMode.RGB
        said = self._file.image_resources.get_data
        block, xmp, iptc = (said(kind) for kind in (Resource.EXIF_DATA_1, Resource.XMP_METADATA, Resource.IPTC_NAA))
        return Metadata(
            icc=said(Resource.ICC_PROFILE) if is_rgb else None,
            exif=exif.upright(block) if block else None,
            xmp=captions.upright(xmp) if xmp else None,
            iptc=iptc,
        )


def _open(path: Path) -> PSDImage:
    try:
        with opening(path):
            file: PSDImage = PSDImage.open(path, max_alloc_bytes=_MAX_BYTES)
        return file
    except (UnreadablePicture, MemoryError):
        raise
    except Exception as error:  # a damaged file can fail in any way inside psd-tools
        raise UnreadablePicture(f"{path.name} is no Photoshop file ({_reason(error)})", "save it again") from error


def _reason(error: Exception) -> str:
    """In one line. Behind their words, some errors of psd-tools have half of its source."""
    first = error.args[0] if error.args else ""
    said = first if isinstance(first, str) else str(error)
    return said.splitlines()[0] if said else type(error).__name__


def _refuse_black_channels() -> None:
    """Let psd-tools fail where a channel is damaged. It makes such a channel black otherwise, and only warns.

    Filters of warnings belong to the whole process: one that stays is safe where several threads read files.
    """
    with _FILTERS:
        if not any(action == "error" and kind is PSDDecompressionWarning for action, _, kind, *_ in warnings.filters):
            warnings.simplefilter("error", PSDDecompressionWarning)


def _is_masked(layer: PsdLayer) -> bool:
    return layer.mask is not None and not layer.mask.disabled


def _mask_of(layer: PsdLayer, box: Box) -> NDArray[np.float32]:
    """The layer mask in a box on the canvas, [h, w] in [0, 1]; there must be one."""
    mask = layer.mask
    assert mask is not None
    whole = np.full(box.size, mask.background_color / 255, np.float32)
    values = layer.numpy("mask")
    if values is not None and values.size:
        in_box, on_mask = overlap(values.shape, mask.left - box.left, mask.top - box.top, whole.shape)
        whole[in_box] = values[..., 0][on_mask]
    density = mask.parameters.user_mask_density if mask.parameters else None
    if density is not None:
        whole = 1 - (1 - whole) * np.float32(density / 255)
    return whole


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
