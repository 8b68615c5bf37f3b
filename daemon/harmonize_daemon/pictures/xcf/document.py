"""GIMP's own documents (`.xcf`): RGB and grey of 8 and 16 bits, with groups, layer masks and the usual modes.

Written is the same file with one more layer. What GIMP alone can compute, filters above all, says so where it matters.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..blending import Mode
from ..errors import PictureTooLarge, UnreadablePicture, UnsupportedPicture, opening
from ..layered import Group, Layer, LayeredPicture, Node, all_normal, check_nesting, grey_and_alpha
from ..picture import Metadata, Picture
from .edit import with_layer_above
from .modes import PASS_THROUGH, Blending, blending
from .parsing import parse
from .structure import Damaged, Document, Item, Kind, Tiles, TooNew
from .tiles import decode

Samples = NDArray[Any]
MAX_BYTES = 8 << 30
_RGB, _GREY = 0, 1
_PERCEPTUAL = (175, 275)
_DEPTHS = {150: np.uint8, 175: np.uint8, 250: np.uint16, 275: np.uint16}
"""By the precision: the encoding of the profile, or sRGB's curve whatever the profile says (`_PERCEPTUAL`)."""
_OTHERS = {100: "8 bits in linear light", 200: "16 bits in linear light"}
_CHANNELS = {_RGB: {0: 3, 1: 4}, _GREY: {2: 1, 3: 2}}
"""By the base type of the file and the type of a layer."""


class Xcf(LayeredPicture):
    """One file."""

    def __init__(self, path: Path) -> None:
        """Raises UnreadablePicture, UnsupportedPicture, PictureTooLarge."""
        self._file = _open(path)
        self._depth = np.dtype(_depth(self._file, path))
        self._stored = self._depth.newbyteorder("<" if self._file.little_endian else ">")
        self._refuse_floating(path)
        # A grey profile fits no RGB pixels.
        self._metadata = Metadata(icc=self._file.parasites.get("icc-profile") if self._file.base == _RGB else None)
        super().__init__(path, self._file.width, self._file.height, self._nodes(path))

    def decoded(self, layer: Layer) -> Picture:
        item = self._file.items[layer.number]
        try:
            pixels = self._samples(item, item.tiles, _CHANNELS[self._file.base][item.type])
            mask = self._samples(item, item.mask.tiles, 1) if item.mask and _mask_counts(item) else None
        except Damaged as error:
            raise _broken(self.path, error) from error
        opaque = np.iinfo(self._depth).max
        out = np.full((*pixels.shape[:2], 4), opaque, self._depth)
        has_alpha = pixels.shape[2] in (2, 4)
        out[..., :3] = pixels[..., : 3 if pixels.shape[2] >= 3 else 1]
        if has_alpha:
            out[..., 3] = pixels[..., -1]
        if mask is not None:
            out[..., 3] = (out[..., 3] * (mask[..., 0] * np.float32(1 / opaque)) + np.float32(0.5)).astype(self._depth)
        return Picture(out, self._metadata)

    def with_layer(self, layer: Layer, name: str, picture: Picture) -> bytes:
        grey = self._file.base == _GREY
        pixels = grey_and_alpha(picture.pixels) if grey else picture.pixels
        stored = np.ascontiguousarray(pixels.astype(self._stored)).view(np.uint8)
        try:
            return with_layer_above(self._file, self._file.items[layer.number], name, 3 if grey else 1, stored)
        except Damaged as error:
            raise UnsupportedPicture(f"{self.path.name}: {error}", "save it again with a newer GIMP") from error

    def _samples(self, item: Item, tiles: Tiles, channels: int) -> Samples:
        """[H, W, channels] of the file's depth, of the item or of its mask. Raises Damaged."""
        if (tiles.width, tiles.height) != (item.width, item.height) or not tiles.width * tiles.height:
            raise Damaged(f"{item.width} x {item.height} pixels are {tiles.width} x {tiles.height}")
        if tiles.depth != channels * self._depth.itemsize:
            raise Damaged(f"a pixel takes {tiles.depth} bytes, not {channels * self._depth.itemsize}")
        stored = decode(self._file.data, tiles, self._file.compression)
        samples: Samples = stored.view(self._stored).astype(self._depth, copy=False)
        return samples

    def _refuse_floating(self, path: Path) -> None:
        for item in self._file.items:
            if item.properties.find(Kind.FLOATING_SELECTION):
                raise UnsupportedPicture(f"{path.name} has a floating selection", "anchor it, and save the file again")

    def _nodes(self, file: Path) -> tuple[Node, ...]:
        """The tree. Layers in groups say where they are; the file has groups before what they hold.

        GIMP paints the lowest of a picture or of a group in normal mode, unless the group passes through.
        """
        inside: dict[tuple[int, ...], list[int]] = {(): []}
        for number, item in enumerate(self._file.items):
            if item.type not in _CHANNELS[self._file.base]:
                raise _broken(file, f"{item.name!r} has other colors than the picture")
            path = item.properties.numbers(Kind.ITEM_PATH) or (len(inside[()]),)
            check_nesting(len(path) - 1)
            siblings = inside.get(path[:-1])
            if siblings is None or path[-1] != len(siblings):
                raise _broken(file, f"the group of {item.name!r} is not there")
            siblings.append(number)
            if item.properties.find(Kind.GROUP_ITEM):
                inside[path] = []

        def nodes(path: tuple[int, ...], grounded: bool) -> tuple[Node, ...]:
            found: list[Node] = []
            shown = [place for place, number in enumerate(inside[path]) if _visible(self._file.items[number])]
            for place, number in enumerate(inside[path]):
                item, own = self._file.items[number], (*path, place)
                lowest = grounded and shown[-1:] == [place]
                through = item.properties.number(Kind.MODE, 0) == PASS_THROUGH
                if own in inside:
                    found.append(_group(item, nodes(own, lowest or not through), lowest, through))
                else:
                    found.append(self._layer(number, lowest))
            return tuple(found)

        return nodes((), True)

    def _layer(self, number: int, lowest: bool) -> Layer:
        item = self._file.items[number]
        left, top = (*item.properties.numbers(Kind.OFFSETS), 0, 0)[:2]
        return Layer(**vars(_node(item, lowest)), left=left, top=top, number=number)


def _open(path: Path) -> Document:
    try:
        with opening(path):
            if path.stat().st_size > MAX_BYTES:
                raise PictureTooLarge(f"{path.name} has more than {MAX_BYTES >> 30} GB")
            content = path.read_bytes()
        return parse(content)
    except TooNew as error:
        raise UnsupportedPicture(f"{path.name} has {error}", "save it as OpenRaster or Photoshop file") from error
    except Damaged as error:
        raise _broken(path, error) from error


def _depth(document: Document, path: Path) -> type[np.unsignedinteger]:
    """Raises UnsupportedPicture for files whose numbers mean something else than encoded values of 8 or 16 bits."""
    if document.base not in _CHANNELS:
        raise UnsupportedPicture(f"{path.name} has indexed colors", "choose Image › Mode › RGB, and save it again")
    depth = _DEPTHS.get(document.precision)
    if depth is None:
        kind = _OTHERS.get(document.precision, "32 bits or float")
        raise UnsupportedPicture(
            f"{path.name} holds {kind}", "choose 8 or 16 bits and not linear light in Image › Precision, and save again"
        )
    if document.precision in _PERCEPTUAL and "icc-profile" in document.parasites:
        raise UnsupportedPicture(
            f"{path.name} holds sRGB-encoded numbers beside a color profile",
            "choose the encoding of the profile in Image › Precision, and save again",
        )
    return depth


def _broken(path: Path, reason: object) -> UnreadablePicture:
    return UnreadablePicture(f"{path.name} is damaged or no GIMP document ({reason})", "save it again")


def _opacity(item: Item) -> float:
    found = item.properties.find(Kind.FLOAT_OPACITY)
    if found and len(found.content) == 4:
        (value,) = struct.unpack(">f", found.content)
    else:
        value = item.properties.number(Kind.OPACITY, 255) / 255
    return float(min(max(value, 0.0), 1.0)) if np.isfinite(value) else 1.0


def _visible(item: Item) -> bool:
    return item.properties.number(Kind.VISIBLE, 1) != 0


def _mask_counts(item: Item) -> bool:
    return item.properties.number(Kind.APPLY_MASK, 1) != 0


def _node(item: Item, lowest: bool) -> Node:
    """What layers and groups have in common. lowest: nothing lies below it with which it could be blended."""
    blended = Blending(Mode.NORMAL) if lowest else blending(item.properties)
    return Node(
        name=item.name,
        opacity=_opacity(item),
        mode=blended.mode,
        visible=_visible(item),
        keeps_alpha=blended.keeps_alpha,
        problem=_problem(item, blended),
    )


def _group(item: Item, inside: tuple[Node, ...], lowest: bool, through: bool) -> Group:
    node = _node(item, lowest)
    if item.mask and _mask_counts(item):
        node = replace(node, problem=node.problem or "is a group with a mask")
    if through and node.opacity < 1 and not all_normal(inside):
        node = replace(node, problem=node.problem or "passes through and is not opaque")
    return Group(**vars(node), inside=inside, passes_through=through)


def _problem(item: Item, blended: Blending) -> str:
    if any(one.number(Kind.VISIBLE, 1) for one in item.filters):
        return "has filters that are not merged into it"
    if item.mask and item.properties.number(Kind.SHOW_MASK, 0):
        return "shows its mask and not itself"
    return blended.problem
