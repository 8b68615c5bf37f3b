"""Pictures with layers: what is seen of them, and what lies below one of them. Each file format has its module.

Groups and layers form a tree, topmost first. Layers are decoded when they are asked for, one at a time: there may be
many, and large ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .blending import Canvas, Mode, overlap
from .errors import NothingAbove, PictureTooLarge, UnsupportedPicture
from .picture import LUMA, Metadata, Picture, Pixels, product
from .reading import MAX_PIXELS
from .writing import write_all


@dataclass(frozen=True, eq=False, kw_only=True)
class Node:
    """A layer or a group."""

    name: str
    opacity: float = 1.0
    mode: Mode = Mode.NORMAL
    visible: bool = True
    keeps_alpha: bool = False
    """Seen only where something lies below it."""
    problem: str = ""
    """Why it cannot be painted here, such as "is an adjustment layer"; empty: it can."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer(Node):
    """One layer, not decoded yet."""

    left: int
    top: int
    number: int
    """Which of the file's layers it is, in the order of its format."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Group(Node):
    """Layers and groups that are painted as one."""

    inside: tuple[Node, ...]
    passes_through: bool = False
    """Painted as if there were no group."""


MAX_NESTING = 100
"""Groups within groups. More are no artist's work, and each level costs a call within a call."""


def check_nesting(level: int) -> None:
    """Raises UnsupportedPicture for a group that lies too deep; `level` is 0 for the topmost."""
    if level > MAX_NESTING:
        raise UnsupportedPicture(f"The file has more than {MAX_NESTING} groups within groups", "merge some of them")


class LayeredPicture(ABC):
    """One file."""

    def __init__(self, path: Path, width: int, height: int, nodes: tuple[Node, ...]) -> None:
        """Raises PictureTooLarge."""
        if width < 1 or height < 1 or width * height > MAX_PIXELS:
            raise PictureTooLarge(f"{path.name} is {width} x {height} pixels")
        self.path, self.width, self.height, self.nodes = path, width, height, nodes

    @abstractmethod
    def decoded(self, layer: Layer) -> Picture:
        """The layer's own pixels, RGBA of 8 or 16 bits, its layer mask in its alpha. Raises PictureError."""

    @abstractmethod
    def with_layer(self, layer: Layer, name: str, picture: Picture) -> bytes:
        """The file with another layer above `layer`, which is hidden, while the groups that hold both are shown.

        name: at most 255 characters. picture: in the place of `layer`, of its size. Raises PictureError.
        """

    def write(self, path: Path, layer: Layer, name: str, picture: Picture) -> None:
        """Write what `with_layer` gives: whole or not at all. Raises PictureError."""
        write_all([(path, self.with_layer(layer, name, picture))])

    def layers(self) -> list[Layer]:
        """All layers, topmost first; those in groups as well."""
        return list(_leaves(self.nodes))

    def subject(self, name: str = "") -> Layer:
        """The first of the `subjects`. Raises UnsupportedPicture."""
        return self.subjects(name)[0]

    def subjects(self, name: str = "") -> list[Layer]:
        """Layers that may be harmonized: the topmost of that name, or all that are visible, the topmost first.

        Raises UnsupportedPicture if there is none, or if it cannot be painted.
        """
        seen = {layer for layer in _leaves(self.nodes, only_visible=True) if not layer.problem}
        found = [layer for layer in self.layers() if (layer.name == name if name else layer in seen)]
        if not found:
            names = ", ".join(repr(layer.name) for layer in self.layers()) or "none"
            cause = f"{self.path.name} has no layer {name!r}" if name else f"{self.path.name} shows no layer"
            raise UnsupportedPicture(cause, f"name one with --layer; there are {names}")
        if found[0].problem:
            raise UnsupportedPicture(f"{self.path.name}: {name!r} {found[0].problem}", "name another layer")
        return found[:1] if name else found

    def shows(self, layer: Layer, picture: Picture) -> bool:
        """Whether anything of the layer (its decoded pixels: `picture`) covers the canvas."""
        _, on_layer = overlap(picture.pixels.shape, layer.left, layer.top, (self.height, self.width))
        return layer.opacity > 0 and bool(picture.pixels[..., 3][on_layer].any())

    def scene(self, layer: Layer, picture: Picture) -> tuple[Picture, NDArray[np.uint8]]:
        """The layer (its decoded pixels: `picture`) over all that is seen below it, and where it covers that.

        Returns RGBA of the file's size, and [H, W] uint8, 255 = foreground. Raises PictureError.
        """
        canvas = self._canvas()
        self._draw(below(self.nodes, layer), canvas)
        _paint(canvas, layer, picture)
        return picture.with_pixels(canvas.pixels(picture.pixels.dtype)), self._coverage(layer, picture)

    def scene_below_others(self, layer: Layer, picture: Picture) -> tuple[Picture, NDArray[np.uint8]]:
        """The roles reversed: all that is seen, and where that is the layer (its decoded pixels: `picture`).

        What lies above the layer is what it is to fit. Returns what `scene` does. Raises NothingAbove, PictureError.
        """
        others = self._canvas()
        self._draw(above(self.nodes, layer), others)
        covered = others.pixels(np.uint8)[..., 3]
        if not covered.any():
            raise NothingAbove(f"{self.path.name}: there is nothing above the layer {layer.name!r} to match")
        mask = product(self._coverage(layer, picture), 255 - covered)
        canvas = self._canvas()
        self._draw(self.nodes, canvas, {layer: picture})
        return picture.with_pixels(canvas.pixels(picture.pixels.dtype)), mask

    def _coverage(self, layer: Layer, picture: Picture) -> NDArray[np.uint8]:
        """[H, W], 255 = the layer hides what lies below it."""
        mask = np.zeros((self.height, self.width), np.uint8)
        on_canvas, on_layer = overlap(picture.pixels.shape, layer.left, layer.top, mask.shape)
        opaque = np.iinfo(picture.pixels.dtype).max
        mask[on_canvas] = picture.pixels[..., 3][on_layer] * np.float32(255 * layer.opacity / opaque) + np.float32(0.5)
        return mask

    def merged(self, instead: Mapping[Layer, Picture] = MappingProxyType({})) -> Picture:
        """All that is seen, RGBA; layers may have other pixels than in the file, and are seen then, as their groups."""
        canvas = self._canvas()
        self._draw(self.nodes, canvas, instead)
        deep = any(picture.pixels.dtype == np.uint16 for picture in instead.values())
        metadata = next((picture.metadata for picture in instead.values()), Metadata())
        return Picture(canvas.pixels(np.uint16 if deep else np.uint8), metadata)

    def _canvas(self) -> Canvas:
        """What layers are painted on."""
        return Canvas(self.width, self.height)

    def _masked(self, group: Group, painted: Canvas) -> Canvas:
        """What was painted of a group, without what its own masks hide, where a format has such."""
        return painted

    def _draw(
        self, nodes: tuple[Node, ...], canvas: Canvas, instead: Mapping[Layer, Picture] = MappingProxyType({})
    ) -> None:
        """Paint nodes, the last one first."""
        for node in reversed(nodes):
            if not node.visible and not _holds(node, instead):
                continue
            if node.problem:
                cause = f"{self.path.name}: the layer {node.name!r} {node.problem}"
                raise UnsupportedPicture(cause, "merge it with the layers below it first")
            if isinstance(node, Layer):
                _paint(canvas, node, instead.get(node) or self.decoded(node))
            elif isinstance(node, Group) and node.passes_through and node.opacity == 1:
                self._draw(node.inside, canvas, instead)
            elif isinstance(node, Group):
                group = Canvas(self.width, self.height)
                self._draw(node.inside, group, instead)
                canvas.blend(self._masked(node, group), node.opacity, node.mode, keeps_alpha=node.keeps_alpha)


def below(nodes: tuple[Node, ...], layer: Layer) -> tuple[Node, ...]:
    """What is painted before the layer: the rest of the groups that hold it, which are shown, and what lies below."""
    for place, node in enumerate(nodes):
        if node is layer:
            return nodes[place + 1 :]
        if isinstance(node, Group) and layer in _leaves(node.inside):
            return (replace(node, inside=below(node.inside, layer), visible=True), *nodes[place + 1 :])
    return ()


def above(nodes: tuple[Node, ...], layer: Layer) -> tuple[Node, ...]:
    """What is painted after the layer: the rest of the groups that hold it, which are shown, and what lies above."""
    for place, node in enumerate(nodes):
        if node is layer:
            return nodes[:place]
        if isinstance(node, Group) and layer in _leaves(node.inside):
            return (*nodes[:place], replace(node, inside=above(node.inside, layer), visible=True))
    return ()


def _holds(node: Node, layers: Container[Layer]) -> bool:
    """Whether the node is one of the layers, or a group with one of them in it."""
    return any(leaf in layers for leaf in _leaves((node,)))


def all_normal(nodes: tuple[Node, ...]) -> bool:
    """Whether all in them is in normal mode: then a group that holds them looks the same, passing through or not."""
    return all(node.mode is Mode.NORMAL and (not isinstance(node, Group) or all_normal(node.inside)) for node in nodes)


def grey_and_alpha(pixels: Pixels) -> Pixels:
    """[h, w, 4] RGBA, uint8 or uint16 -> [h, w, 2] of the same depth: the luma, for files of grey, and the alpha."""
    out = np.empty((*pixels.shape[:2], 2), pixels.dtype)
    out[..., 0] = pixels[..., :3] @ LUMA + np.float32(0.5)
    out[..., 1] = pixels[..., 3]
    return out


def _paint(canvas: Canvas, layer: Layer, picture: Picture) -> None:
    canvas.paint(picture.pixels, layer.left, layer.top, layer.opacity, layer.mode, keeps_alpha=layer.keeps_alpha)


def _leaves(nodes: tuple[Node, ...], *, only_visible: bool = False) -> Iterator[Layer]:
    for node in nodes:
        if only_visible and not (node.visible and node.opacity):
            continue
        if isinstance(node, Layer):
            yield node
        elif isinstance(node, Group):
            yield from _leaves(node.inside, only_visible=only_visible)
