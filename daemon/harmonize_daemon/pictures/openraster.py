"""OpenRaster files (`.ora`), which GIMP, Krita and MyPaint write and read.

A zip archive with the layers as PNG files and their order in `stack.xml`, top first (openraster.org, version 0.0.6).
Files of others are copied entry by entry, so that what is not known here comes through.
"""

from __future__ import annotations

import copy
import zipfile
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from harmonize_models.thumbnail import thumbnail

from .blending import Mode
from .errors import PictureTooLarge, UnreadablePicture, UnsupportedPicture
from .layered import Group, Layer, LayeredPicture, Node, check_nesting
from .picture import Picture, Pixels
from .reading import read_png
from .writing import encode, write_whole

MIMETYPE = "image/openraster"
MAX_STACK_BYTES = 8 << 20
"""Of `stack.xml`; a layer takes about 200."""
MAX_ENTRY_BYTES = 4 << 30
THUMBNAIL_SIDE = 256
_STACK, _MERGED, _THUMBNAIL = "stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"
_BROKEN = (OSError, zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError)
"""What `zipfile` raises for damaged, encrypted and unknown archives, and for entries that are not there."""


class OpenRaster(LayeredPicture):
    """One file."""

    def __init__(self, path: Path) -> None:
        """Raises UnreadablePicture, UnsupportedPicture, PictureTooLarge."""
        try:
            self._archive = zipfile.ZipFile(path)
            if self._archive.getinfo(_STACK).file_size > MAX_STACK_BYTES:
                raise PictureTooLarge(f"{path.name} has too long a list of layers")
            text = self._archive.read(_STACK)
        except FileNotFoundError as error:
            raise UnreadablePicture(f"There is no file {path}", "check the path") from error
        except _BROKEN as error:
            raise UnreadablePicture(f"{path.name} is no OpenRaster file ({error})", "save it again") from error
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise UnsupportedPicture(f"{path.name} declares entities of its own", "save it again with another program")
        try:
            self._root = ElementTree.fromstring(text)
            width, height = int(self._root.attrib["w"]), int(self._root.attrib["h"])
        except (ElementTree.ParseError, KeyError, ValueError) as error:
            raise UnreadablePicture(f"{path.name} has a damaged list of layers ({error})", "save it again") from error
        self._elements = list(self._root.iter("layer"))
        self._numbers = {element: number for number, element in enumerate(self._elements)}
        stack = self._root.find("stack")
        super().__init__(path, width, height, self._nodes(stack) if stack is not None else ())

    def decoded(self, layer: Layer) -> Picture:
        source = self._elements[layer.number].get("src", "")
        try:
            info = self._archive.getinfo(source)
            if info.file_size > MAX_ENTRY_BYTES:
                raise PictureTooLarge(f"{self.path.name}: {source} has {info.file_size} bytes")
            data = self._archive.read(info)
        except _BROKEN as error:
            raise UnreadablePicture(
                f"{self.path.name} lacks {source or 'a layer'} ({error})", "save it again"
            ) from error
        picture = read_png(data, f"{self.path.name}: {source}")
        return picture.with_pixels(_rgba(picture.pixels))

    def write(self, path: Path, layer: Layer, name: str, picture: Picture) -> None:
        source = f"data/harmonized-{len(self._archive.namelist())}.png"
        merged = self.merged({layer: picture})
        root = copy.deepcopy(self._root)
        hidden = list(root.iter("layer"))[layer.number]
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

    def _nodes(self, stack: ElementTree.Element, level: int = 0) -> tuple[Node, ...]:
        check_nesting(level)
        return tuple(self._node(element, level) for element in stack if element.tag in ("layer", "stack"))

    def _node(self, element: ElementTree.Element, level: int) -> Node:
        name, visible = element.get("name", ""), element.get("visibility") != "hidden"
        opacity = min(max(_number(element, "opacity", 1.0), 0.0), 1.0)
        operation = element.get("composite-op", Mode.NORMAL.value)
        known = any(operation == mode.value for mode in Mode)
        mode, problem = (Mode(operation), "") if known else (Mode.NORMAL, f"is in the mode {operation}")
        if element.tag == "stack":
            inside = self._nodes(element, level + 1)
            return Group(name=name, opacity=opacity, mode=mode, visible=visible, problem=problem, inside=inside)
        left, top = (round(_number(element, axis, 0.0)) for axis in "xy")
        return Layer(
            name=name,
            opacity=opacity,
            mode=mode,
            visible=visible,
            problem=problem,
            left=left,
            top=top,
            number=self._numbers[element],
        )

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
