"""Krita's own documents (`.kra`).

A zip archive: the tree of layers in `maindoc.xml`, topmost first, and their pixels in `NAME/layers/`, as `tiles`
describes them. Source: files of Krita 5.2 and 5.3, and `plugins/impex/libkra` of its code. Layer styles are not
painted; what cannot be painted at all says so where it matters.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

import numpy as np
from harmonize_models.thumbnail import thumbnail

from ..archive import Archive
from ..blending import Canvas, Mode
from ..box import Box
from ..errors import PictureTooLarge, UnreadablePicture, UnsupportedPicture
from ..layered import Group, Layer, LayeredPicture, Node, check_nesting
from ..markup import integer, parsed, size
from ..picture import Metadata, Picture
from ..reading import MAX_PIXELS
from ..writing import encode
from . import tiles
from .colors import COLOR_SPACES, ColorSpace, from_rgba, to_rgba
from .nodes import MODES, is_group, passes_through, problem_of, shows, transparency_masks
from .store import DEFAULT, PROFILE, SELECTION, Store

MIMETYPE = "application/x-krita"
MAX_TREE_BYTES = 16 << 20
"""Of `maindoc.xml`; a layer takes about 500."""
PREVIEW_SIDE = 256
_TREE, _MERGED, _PREVIEW = "maindoc.xml", "mergedimage.png", "preview.png"
_PROLOG = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE DOC PUBLIC '-//KDE//DTD krita 2.0//EN' 'http://www.calligra.org/DTD/krita-2.0.dtd'>
"""
_REFERENCES = "referenceimages"
"""Pictures beside the canvas, which are no part of it."""
_ONE_PIXEL = Box(0, 0, 1, 1)
"""Where a layer without pixels is: pictures have at least one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Group(Group):
    """With its transparency masks."""

    masks: tuple[Element, ...]


class Krita(LayeredPicture):
    """One file."""

    def __init__(self, path: Path) -> None:
        """Raises UnreadablePicture, UnsupportedPicture, PictureTooLarge."""
        self._archive = Archive(path, "Krita")
        self._tree = self._archive.read(_TREE, MAX_TREE_BYTES)
        self._image = _image(parsed(self._tree, path.name), path.name)
        super().__init__(path, *size(self._image, "width", "height", path.name), ())
        self._space = _space(self._image, path.name)
        self._store = Store(self._archive, self._image)
        self._elements = list(self._image.iter("layer"))
        self._numbers = {element: number for number, element in enumerate(self._elements)}
        self._boxes: dict[int, Box] = {}
        self.nodes = self._nodes(self._image)

    def decoded(self, layer: Layer) -> Picture:
        element, box = self._elements[layer.number], self._boxes[layer.number]
        space = self._space_of(element)
        pixels = to_rgba(self._store.pixels(element, box, space.pixel_bytes), space)
        for mask in transparency_masks(element):
            covers = self._store.pixels(mask, box, 1, SELECTION)[..., 0]
            pixels[..., 3] = pixels[..., 3] * (covers * np.float32(1 / 255)) + np.float32(0.5)
        # A grey profile fits no RGB pixels.
        return Picture(pixels, Metadata(icc=self._store.profile() if space.colors == 3 else None))

    def with_layer(self, layer: Layer, name: str, picture: Picture) -> bytes:
        tree = parsed(self._tree, self.path.name)  # another one: ours stays as it is
        hidden = list(_image(tree, self.path.name).iter("layer"))[layer.number]
        parent = next(layers for layers in tree.iter("layers") if hidden in list(layers))
        file = self._store.unused_file()
        shown = {**hidden.attrib, "name": name, "filename": file, "uuid": f"{{{uuid.uuid4()}}}", "visible": "1"}
        parent.insert(list(parent).index(hidden), Element("layer", shown))
        for group in tree.iter("layer"):
            if hidden in group.iter("layer"):
                group.set("visible", "1")
        hidden.set("visible", "0")
        hidden.attrib.pop("selected", None)

        space = self._space_of(hidden)
        left, top = layer.left - integer(hidden, "x"), layer.top - integer(hidden, "y")
        changed = {
            _TREE: _PROLOG + tostring(tree, encoding="UTF-8", xml_declaration=False),
            self._store.entry(file): tiles.encode(from_rgba(picture.pixels, space), left, top),
            self._store.entry(file, DEFAULT): bytes(space.pixel_bytes),
            self._store.entry(file, PROFILE): self._store.profile(hidden),
            **self._previews(layer, picture),
        }
        return self._archive.rewritten(MIMETYPE, changed)

    def _canvas(self) -> Canvas:
        """Painted with the color that the picture has below all layers."""
        canvas = super()._canvas()
        color = self._image.find("ProjectionBackgroundColor")
        data = _bytes_of(color.get("ColorData", "")) if color is not None else b""
        if len(data) == self._space.pixel_bytes and any(data):
            pixel = to_rgba(np.frombuffer(data, np.uint8).reshape(1, 1, -1), self._space)
            canvas.paint(np.broadcast_to(pixel, (self.height, self.width, 4)), 0, 0, 1.0, Mode.NORMAL)
        return canvas

    def _masked(self, group: Group, painted: Canvas) -> Canvas:
        for mask in group.masks if isinstance(group, _Group) else ():
            painted.hide(self._store.pixels(mask, Box(0, 0, self.width, self.height), 1, SELECTION)[..., 0])
        return painted

    def _nodes(self, parent: Element, level: int = 0, strength: float = 1.0) -> tuple[Node, ...]:
        """strength: times which all opacities are, because the group that holds them has one and passes through."""
        check_nesting(level)
        layers = parent.find("layers")
        found = [] if layers is None else [element for element in layers if element.tag == "layer"]
        found = [element for element in found if element.get("nodetype") != _REFERENCES]
        return tuple(self._node(element, level, strength) for element in found)

    def _node(self, element: Element, level: int, strength: float) -> Node:
        opacity = strength * min(max(integer(element, "opacity", 255), 0), 255) / 255
        passes = passes_through(element)
        facts = Node(
            name=element.get("name", ""),
            opacity=1.0 if passes else opacity,
            mode=MODES.get(element.get("compositeop", "normal"), Mode.NORMAL),
            visible=shows(element),
            problem=self._problem(element),
        )
        if is_group(element):
            inside = self._nodes(element, level + 1, opacity if passes else 1.0)
            masks = tuple(transparency_masks(element))
            return _Group(**vars(facts), inside=inside, passes_through=passes, masks=masks)
        number = self._numbers[element]
        box = self._boxes[number] = _ONE_PIXEL if facts.problem else self._box(element)
        return Layer(**vars(facts), left=box.left, top=box.top, number=number)

    def _problem(self, element: Element) -> str:
        problem = problem_of(element, self._space)
        if problem:
            return problem
        common = self._image.get("profile")
        if self._store.has_other_profile(element) or (is_group(element) and element.get("profile", common) != common):
            return "has a color profile of its own"  # Krita converts its colors while it paints
        if any(self._store.has_shapes(mask) for mask in transparency_masks(element)):
            return "has a transparency mask of shapes"
        return ""

    def _box(self, element: Element) -> Box:
        """Where the layer has pixels, on the canvas. Raises UnreadablePicture, PictureTooLarge."""
        space = self._space_of(element)
        box = self._store.box(element, space.pixel_bytes) or _ONE_PIXEL
        default = np.frombuffer(self._store.default(element, space.pixel_bytes), space.depth)
        if default[-1]:
            box = box.around(Box(0, 0, self.width, self.height))
        height, width = box.size
        if width * height > MAX_PIXELS:
            cause = f"{self.path.name}: the layer {element.get('name')!r} is {width} x {height} pixels"
            raise PictureTooLarge(cause, "trim it to the size of the picture, in Krita")
        return box

    def _space_of(self, element: Element) -> ColorSpace:
        return COLOR_SPACES.get(element.get("colorspacename", ""), self._space)

    def _previews(self, layer: Layer, picture: Picture) -> dict[str, bytes | None]:
        """Pictures for other programs; none where a layer cannot be painted: the old ones would show the old layer."""
        try:
            merged = self.merged({layer: picture})
        except UnsupportedPicture:
            return {_MERGED: None, _PREVIEW: None}
        small = merged.with_pixels(thumbnail(merged.pixels, PREVIEW_SIDE))
        return {_MERGED: encode(".png", merged), _PREVIEW: encode(".png", small)}


def _image(root: Element, name: str) -> Element:
    image = root.find("IMAGE")
    if image is None:
        raise UnreadablePicture(f"{name} has a list of layers without a picture", "save it again")
    return image


def _space(image: Element, name: str) -> ColorSpace:
    space = image.get("colorspacename", "")
    if space not in COLOR_SPACES:
        raise UnsupportedPicture(f"{name} holds {space or 'no colors'}", "convert it to RGB of 8 or 16 bits first")
    return COLOR_SPACES[space]


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""
