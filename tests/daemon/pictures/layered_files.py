"""Small OpenRaster files for tests."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import imagecodecs
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]


@dataclass(frozen=True)
class Node:
    """A layer, or a group where it has `inside` instead of pixels; topmost first."""

    name: str
    pixels: Pixels | None = None
    left: int = 0
    top: int = 0
    inside: tuple[Node, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)


def flat(width: int, height: int, *color: int, dtype: type = np.uint8) -> Pixels:
    """[H, W, C] of one color."""
    return np.broadcast_to(np.array(color, dtype), (height, width, len(color))).copy()


def save(path: Path, width: int, height: int, *nodes: Node, stack: bytes | None = None) -> Path:
    """Write a file; topmost node first. stack: another `stack.xml`."""
    root = ElementTree.Element("image", {"version": "0.0.3", "w": str(width), "h": str(height)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("extra/note.txt", "kept")
        _add(ElementTree.SubElement(root, "stack"), nodes, archive)
        archive.writestr("stack.xml", stack if stack is not None else ElementTree.tostring(root))
    return path


def _add(parent: ElementTree.Element, nodes: tuple[Node, ...], archive: zipfile.ZipFile) -> None:
    for node in nodes:
        if node.pixels is None:
            _add(ElementTree.SubElement(parent, "stack", {"name": node.name, **node.attributes}), node.inside, archive)
            continue
        source = f"data/{len(archive.namelist())}.png"
        archive.writestr(source, bytes(imagecodecs.png_encode(node.pixels)))
        facts = {"name": node.name, "src": source, "x": str(node.left), "y": str(node.top), **node.attributes}
        ElementTree.SubElement(parent, "layer", facts)


def entry(path: Path, name: str) -> bytes:
    """The content of one entry."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def picture_in(path: Path, name: str) -> Pixels:
    """The pixels of one entry."""
    pixels: Pixels = imagecodecs.png_decode(entry(path, name))
    return pixels


def stack_of(path: Path) -> list[dict[str, str]]:
    """The attributes of all layers and groups, topmost first."""
    root = ElementTree.parse(BytesIO(entry(path, "stack.xml"))).getroot()
    return [dict(element.attrib) for element in root.iter() if element.tag in ("layer", "stack") and element.attrib]
