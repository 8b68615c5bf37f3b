"""Layered pictures: OpenRaster (`.ora`), which GIMP, Krita and MyPaint write and read.

A zip archive with the layers as PNG files and their order in `stack.xml`, top first (openraster.org, version 0.0.6).
Files of others are copied entry by entry, so that what is not known here comes through.
"""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

import numpy as np
from harmonize_models.thumbnail import thumbnail
from numpy.typing import NDArray

from .blending import Blend, Canvas, mode_named, overlap
from .errors import PictureTooLarge, UnreadablePicture, UnsupportedPicture
from .picture import Picture, Pixels
from .reading import MAX_PIXELS, read_png
from .writing import encode, write_whole

MIMETYPE = "image/openraster"
MAX_STACK_BYTES = 8 << 20
"""Of `stack.xml`; a layer takes about 200."""
MAX_ENTRY_BYTES = 4 << 30
THUMBNAIL_SIDE = 256
_STACK, _MERGED, _THUMBNAIL = "stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"


@dataclass(frozen=True)
class Layer:
    """One layer of a file, not decoded yet."""

    name: str
    left: int
    top: int
    opacity: float
    element: ElementTree.Element


class OpenRaster:
    """One file. Layers are decoded when they are asked for, one at a time: there may be many, and large ones."""

    def __init__(self, path: Path) -> None:
        """Raises UnreadablePicture, UnsupportedPicture, PictureTooLarge."""
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
            info = self._archive.getinfo(_STACK)
            if info.file_size > MAX_STACK_BYTES:
                raise PictureTooLarge(f"{path.name} has a list of layers of {info.file_size} bytes")
            text = self._archive.read(_STACK)
        except FileNotFoundError as error:
            raise UnreadablePicture(f"There is no file {path}", "check the path") from error
        except (OSError, zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError) as error:
            raise UnreadablePicture(f"{path.name} is no OpenRaster file ({error})", "save it again") from error
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise UnsupportedPicture(f"{path.name} declares entities of its own", "save it again with another program")
        try:
            self._root = ElementTree.fromstring(text)
            self.width, self.height = int(self._root.attrib["w"]), int(self._root.attrib["h"])
        except (ElementTree.ParseError, KeyError, ValueError) as error:
            raise UnreadablePicture(f"{path.name} has a damaged list of layers ({error})", "save it again") from error
        if self.width < 1 or self.height < 1 or self.width * self.height > MAX_PIXELS:
            raise PictureTooLarge(f"{path.name} is {self.width} x {self.height} pixels")

    def layers(self) -> list[Layer]:
        """All layers, topmost first; those in groups as well, the groups themselves not."""
        return [self._layer(element) for element in self._root.iter("layer")]

    def subject(self, name: str = "") -> Layer:
        """The layer to be harmonized: the topmost of that name, or the topmost that is visible.

        Raises UnsupportedPicture if there is none, or nothing below it.
        """
        seen = set(self._seen(self._root.find("stack")))
        candidates = [layer for layer in self.layers() if (layer.name == name if name else layer.element in seen)]
        if not candidates:
            names = ", ".join(repr(layer.name) for layer in self.layers()) or "none"
            cause = f"{self.path.name} has no layer {name!r}" if name else f"{self.path.name} shows no layer"
            raise UnsupportedPicture(cause, f"name one with --layer; there are {names}")
        return candidates[0]

    def decoded(self, layer: Layer) -> Picture:
        """The layer's own pixels, RGBA of 8 or 16 bits. Raises UnreadablePicture, PictureTooLarge."""
        source = layer.element.get("src", "")
        try:
            info = self._archive.getinfo(source)
            if info.file_size > MAX_ENTRY_BYTES:
                raise PictureTooLarge(f"{self.path.name}: {source} has {info.file_size} bytes")
            data = self._archive.read(info)
        except (KeyError, OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise UnreadablePicture(
                f"{self.path.name} lacks {source or 'a layer'} ({error})", "save it again"
            ) from error
        picture = read_png(data, f"{self.path.name}: {source}")
        return picture.with_pixels(_rgba(picture.pixels))

    def scene(self, layer: Layer, picture: Picture) -> tuple[Picture, NDArray[np.uint8]]:
        """The layer (its decoded pixels: `picture`) over all that is seen below it, and where it covers that.

        Returns RGBA of the file's size, and [H, W] uint8, 255 = foreground.
        """
        canvas = Canvas(self.width, self.height)
        self._draw(self._root.find("stack"), canvas, set(self._below(layer.element)))
        canvas.paint(picture.pixels, layer.left, layer.top, layer.opacity, self._mode(layer.element))
        mask = np.zeros((self.height, self.width), np.uint8)
        on_canvas, on_layer = overlap(picture.pixels.shape, layer.left, layer.top, mask.shape)
        opaque = np.iinfo(picture.pixels.dtype).max
        mask[on_canvas] = picture.pixels[..., 3][on_layer] * np.float32(255 * layer.opacity / opaque) + np.float32(0.5)
        return picture.with_pixels(canvas.pixels(picture.pixels.dtype)), mask

    def merged(self, instead: Mapping[Layer, Pixels] | None = None) -> Picture:
        """All that is seen, RGBA; layers may have other pixels than in the file."""
        known = {layer.element: pixels for layer, pixels in (instead or {}).items()}
        canvas = Canvas(self.width, self.height)
        self._draw(self._root.find("stack"), canvas, known=known)
        depth = np.uint16 if any(pixels.dtype == np.uint16 for pixels in known.values()) else np.uint8
        return Picture(canvas.pixels(depth))

    def write(self, path: Path, layer: Layer, name: str, picture: Picture) -> None:
        """Write the file with another layer above `layer`, which is hidden: whole or not at all.

        picture: in the place of `layer`, of its size. Raises UnwritablePicture.
        """
        source = f"data/harmonized-{len(self._archive.namelist())}.png"
        merged = self.merged({layer: picture.pixels})
        root = copy.deepcopy(self._root)
        place = list(self._root.iter()).index(layer.element)
        hidden = list(root.iter())[place]
        parent = next(stack for stack in root.iter("stack") if hidden in list(stack))
        shown = {**hidden.attrib, "name": name, "src": source, "visibility": "visible"}
        parent.insert(list(parent).index(hidden), ElementTree.Element("layer", shown))
        hidden.set("visibility", "hidden")
        changed = {
            _STACK: ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True),
            _MERGED: encode(".png", merged),
            _THUMBNAIL: encode(".png", Picture(thumbnail(merged.pixels, THUMBNAIL_SIDE))),
            source: encode(".png", picture),
        }
        write_whole(path, self._rewritten(changed))

    def _draw(
        self,
        stack: ElementTree.Element | None,
        canvas: Canvas,
        drawn: Container[ElementTree.Element] | None = None,
        known: Mapping[ElementTree.Element, Pixels] = MappingProxyType({}),
    ) -> None:
        """Everything visible in a group, bottom first. drawn: nothing else; known: pixels instead of a layer's own."""
        for element in reversed(list(stack if stack is not None else [])):
            if (element.get("visibility") == "hidden" and element not in known) or (
                drawn is not None and element not in drawn
            ):
                continue
            mode = self._mode(element)
            opacity = _opacity(element)
            if element.tag == "stack":
                group = Canvas(self.width, self.height)
                self._draw(element, group, drawn, known)
                canvas.blend(group, opacity, mode)
            elif element.tag == "layer":
                layer = self._layer(element)
                pixels = known[element] if element in known else self.decoded(layer).pixels
                canvas.paint(pixels, layer.left, layer.top, opacity, mode)

    def _below(self, layer: ElementTree.Element) -> Iterator[ElementTree.Element]:
        """What is painted before the layer, and the groups that hold it."""
        passed = False
        for element in self._root.iter():  # groups before what they hold, topmost first
            if passed or (element is not layer and layer in element.iter()):
                yield element
            passed = passed or element is layer

    def _mode(self, element: ElementTree.Element) -> Blend | None:
        return mode_named(element.get("composite-op", "svg:src-over"), self.path.name)

    def _rewritten(self, replaced: dict[str, bytes]) -> bytes:
        """The archive with some entries exchanged or added. The type comes first and is not compressed."""
        stream = BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:  # PNG files are compressed already
            archive.writestr("mimetype", MIMETYPE)
            for info in self._archive.infolist():
                if info.filename != "mimetype" and info.filename not in replaced:
                    archive.writestr(info.filename, self._archive.read(info))
            for name, data in replaced.items():
                archive.writestr(name, data)
        return stream.getvalue()

    def _seen(self, stack: ElementTree.Element | None) -> Iterator[ElementTree.Element]:
        """Layers that are visible, and in no hidden group."""
        for element in stack if stack is not None else ():
            if element.get("visibility") != "hidden":
                yield element
                yield from self._seen(element)

    @staticmethod
    def _layer(element: ElementTree.Element) -> Layer:
        left, top = (round(_number(element, axis, 0.0)) for axis in "xy")
        return Layer(element.get("name", ""), left, top, _opacity(element), element)


def _opacity(element: ElementTree.Element) -> float:
    return min(max(_number(element, "opacity", 1.0), 0.0), 1.0)


def _number(element: ElementTree.Element, name: str, default: float) -> float:
    try:
        value = float(element.get(name, default))
    except ValueError:
        return default
    return value if np.isfinite(value) and abs(value) < 1e6 else default


def _rgba(pixels: Pixels) -> Pixels:
    """Grey or color, with or without alpha -> RGBA of the same depth."""
    opaque = np.iinfo(pixels.dtype).max
    color = pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
    alpha = pixels[..., -1:] if pixels.shape[2] in (2, 4) else np.full_like(pixels[..., :1], opaque)
    return np.ascontiguousarray(np.concatenate([color, alpha], axis=2))
