"""OpenRaster files (`.ora`), which GIMP, Krita and MyPaint write and read.

A zip archive with the layers as PNG files and their order in `stack.xml`, top first (openraster.org, version 0.0.6).
Files of others are copied entry by entry, so that what is not known here comes through.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from harmonize_models.thumbnail import thumbnail

from .archive import Archive
from .blending import Mode
from .errors import UnsupportedPicture
from .layered import Group, Layer, LayeredPicture, Node, check_nesting
from .markup import integer, number, parsed, size
from .picture import Picture, Pixels
from .reading import read_png
from .writing import encode

MIMETYPE = "image/openraster"
MAX_STACK_BYTES = 8 << 20
"""Of `stack.xml`; a layer takes about 200."""
THUMBNAIL_SIDE = 256
_MODES = {mode.value: mode for mode in Mode if mode.value.startswith("svg:")}
_STACK, _MERGED, _THUMBNAIL = "stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"


class OpenRaster(LayeredPicture):
    """One file."""

    def __init__(self, path: Path) -> None:
        """Raises UnreadablePicture, UnsupportedPicture, PictureTooLarge."""
        self._archive = Archive(path, "OpenRaster")
        self._text = self._archive.read(_STACK, MAX_STACK_BYTES)
        root = parsed(self._text, path.name)
        self._elements = list(root.iter("layer"))
        self._numbers = {element: number for number, element in enumerate(self._elements)}
        stack = root.find("stack")
        super().__init__(path, *size(root, "w", "h", path.name), self._nodes(stack) if stack is not None else ())

    def decoded(self, layer: Layer) -> Picture:
        source = self._elements[layer.number].get("src", "")
        with self._archive.opened(source) as stream:
            picture = read_png(stream, f"{self.path.name}: {source}")
        return picture.with_pixels(_rgba(picture.pixels))

    def with_layer(self, layer: Layer, name: str, picture: Picture) -> bytes:
        source = f"data/harmonized-{len(self._archive.entries)}.png"
        root = parsed(self._text, self.path.name)  # another one: ours stays as it is
        hidden = list(root.iter("layer"))[layer.number]
        parent = next(stack for stack in root.iter("stack") if hidden in list(stack))
        shown = {**hidden.attrib, "name": name, "src": source, "visibility": "visible"}
        parent.insert(list(parent).index(hidden), ElementTree.Element("layer", shown))
        hidden.set("visibility", "hidden")
        for group in root.iter("stack"):
            if group.get("visibility") == "hidden" and hidden in group.iter("layer"):
                group.set("visibility", "visible")
        changed = {
            _STACK: ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True),
            source: encode(".png", picture),
            **self._previews(layer, picture),
        }
        return self._archive.rewritten(MIMETYPE, changed)

    def _previews(self, layer: Layer, picture: Picture) -> dict[str, bytes]:
        """Pictures for other programs."""
        try:
            merged = self.merged({layer: picture})
        except UnsupportedPicture:
            # A layer above cannot be painted, which is no reason to refuse the file, and the format demands a picture
            # of the whole. The one that is there shows what lies above as only the program that made it can.
            if _MERGED in self._archive.entries:
                return {}
            merged, _ = self.scene(layer, picture)
        small = Picture(thumbnail(merged.pixels, THUMBNAIL_SIDE))
        return {_MERGED: encode(".png", merged), _THUMBNAIL: encode(".png", small)}

    def _nodes(self, stack: ElementTree.Element, level: int = 0) -> tuple[Node, ...]:
        check_nesting(level)
        return tuple(self._node(element, level) for element in stack if element.tag in ("layer", "stack"))

    def _node(self, element: ElementTree.Element, level: int) -> Node:
        name, visible = element.get("name", ""), element.get("visibility") != "hidden"
        opacity = min(max(number(element, "opacity", 1.0), 0.0), 1.0)
        operation = element.get("composite-op", Mode.NORMAL.value)
        mode = _MODES.get(operation, Mode.NORMAL)
        problem = "" if operation in _MODES else f"is in the mode {operation}"
        facts = Node(name=name, opacity=opacity, mode=mode, visible=visible, problem=problem)
        if element.tag == "stack":
            # By the specification groups of another mode or of less opacity are isolated all the same. Where nothing is
            # said GIMP wrote the file, whose groups are isolated; Krita reads that otherwise, but always says which.
            through = element.get("isolation") == "auto" and mode is Mode.NORMAL and opacity == 1
            return Group(**vars(facts), inside=self._nodes(element, level + 1), passes_through=through)
        left, top = integer(element, "x"), integer(element, "y")
        return Layer(**vars(facts), left=left, top=top, number=self._numbers[element])


def _rgba(pixels: Pixels) -> Pixels:
    """Grey or color, with or without alpha -> RGBA of the same depth."""
    if pixels.shape[2] == 4:
        return pixels
    opaque = np.iinfo(pixels.dtype).max
    color = pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
    alpha = pixels[..., -1:] if pixels.shape[2] in (2, 4) else np.full_like(pixels[..., :1], opaque)
    return np.ascontiguousarray(np.concatenate([color, alpha], axis=2))
