"""Small documents of Krita's for tests, as its versions 5.2 and 5.3 write them."""

from __future__ import annotations

import base64
import zipfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import imagecodecs
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
DOCTYPE = "<!DOCTYPE DOC PUBLIC '-//KDE//DTD krita 2.0//EN' 'http://www.calligra.org/DTD/krita-2.0.dtd'>"
SPACES = {(4, 1): "RGBA", (4, 2): "RGBA16", (2, 1): "GRAYA", (2, 2): "GRAYAU16"}
"""Of channels and bytes each."""


@dataclass(frozen=True)
class Node:
    """A layer, a mask, or a group where it has `inside`; topmost first.

    pixels: [h, w, 4] or [h, w, 2], [h, w, 1] for masks. default: the pixel around them. data: instead of the tiles.
    """

    name: str
    pixels: Pixels | None = None
    left: int = 0
    top: int = 0
    inside: tuple[Node, ...] = ()
    masks: tuple[Node, ...] = ()
    kind: str = "paintlayer"
    attributes: dict[str, str] = field(default_factory=dict)
    default: bytes = b""
    data: bytes | None = None
    profile: bytes | None = b"the picture's"


@dataclass(frozen=True)
class Document:
    """What else a file says."""

    width: int
    height: int
    space: str = "RGBA"
    name: str = "Hüte & <Töpfe>"
    ground: bytes = bytes(4)
    """The pixel below all layers."""


def flat(width: int, height: int, *color: int, dtype: type = np.uint8) -> Pixels:
    """[H, W, C] of one color."""
    return np.broadcast_to(np.array(color, dtype), (height, width, len(color))).copy()


def save(path: Path, document: Document, *nodes: Node, tree: str | bytes | None = None) -> Path:
    """Write a file; topmost node first. tree: another `maindoc.xml`."""
    folder = f"{document.name}/layers/"
    numbers = count(2)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/x-krita")
        layers = "".join(_add(node, folder, archive, numbers) for node in nodes)
        facts = {"name": document.name, "width": document.width, "height": document.height, "x-res": 120}
        facts |= {"colorspacename": document.space, "profile": "sRGB-elle-V2-srgbtrc.icc"}
        ground = f'<ProjectionBackgroundColor ColorData="{base64.b64encode(document.ground).decode()}"/>'
        own = f"{DOCTYPE}\n<DOC xmlns='http://www.calligra.org/DTD/krita' syntaxVersion='2.0'><IMAGE {_written(facts)}>"
        own += f"<layers>{layers}</layers>{ground}<Palettes/></IMAGE></DOC>"
        archive.writestr("maindoc.xml", own if tree is None else tree, zipfile.ZIP_DEFLATED)
        archive.writestr(f"{document.name}/annotations/icc", b"the picture's")
        archive.writestr(f"{document.name}/animation/index.xml", "kept")
        archive.writestr("mergedimage.png", "old")
        archive.writestr("preview.png", "old")
    return path


def without_utf8_flags(path: Path) -> Path:
    """Names of entries as Krita writes them: UTF-8 that does not say so."""
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] &= ~0x08 & 0xFF
            at = data.find(signature, at + 4)
    path.write_bytes(bytes(data))
    return path


def tiles(pixels: Pixels, left: int = 0, top: int = 0, *, raw: bool = False) -> bytes:
    """The content of an entry; left and top are multiples of 64. raw: not compressed."""
    channels = pixels[..., [2, 1, 0, 3]] if pixels.shape[2] == 4 else pixels
    stored = np.ascontiguousarray(channels).view(np.uint8)
    height, width, size = stored.shape
    parts = []
    for y in range(0, height, 64):
        for x in range(0, width, 64):
            tile = np.zeros((64, 64, size), np.uint8)
            part = stored[y : y + 64, x : x + 64]
            tile[: len(part), : part.shape[1]] = part
            planar = b"".join(tile[..., byte].tobytes() for byte in range(size))
            data = b"\0" + tile.tobytes() if raw else b"\1" + bytes(imagecodecs.lzf_encode(planar))
            parts.append(f"{left + x},{top + y},LZF,{len(data)}\n".encode() + data)
    return b"VERSION 2\nTILEWIDTH 64\nTILEHEIGHT 64\nPIXELSIZE %d\nDATA %d\n" % (size, len(parts)) + b"".join(parts)


def entry(path: Path, name: str) -> bytes:
    """The content of one entry."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def _add(node: Node, folder: str, archive: zipfile.ZipFile, numbers: count[int]) -> str:
    """Write the node's files; its element."""
    is_mask = node.kind.endswith("mask")
    file = f"{'mask' if is_mask else 'layer'}{next(numbers)}"
    kind = "grouplayer" if node.inside else node.kind
    facts = {"name": node.name, "filename": file, "nodetype": kind, "visible": "1", "uuid": f"{{{file}}}"}
    if not is_mask:
        facts |= {"opacity": "255", "compositeop": "normal", "channelflags": ""}
    if node.pixels is not None:
        entry = folder + file + (".pixelselection" if is_mask else "")
        # Krita's tiles begin at multiples of 64; where the layer was moved to stands in its element.
        archive.writestr(entry, tiles(node.pixels) if node.data is None else node.data)
        if node.default:
            archive.writestr(f"{entry}.defaultpixel", node.default)
        if not is_mask:
            facts["colorspacename"] = SPACES[node.pixels.shape[2], node.pixels.dtype.itemsize]
            if node.profile is not None:
                archive.writestr(f"{folder}{file}.icc", node.profile)
    inside = "".join(_add(part, folder, archive, numbers) for part in node.inside)
    masks = "".join(_add(part, folder, archive, numbers) for part in node.masks)
    # The masks of a group stand among its layers.
    content = f"<layers>{masks}{inside}</layers>" if inside else f"<masks>{masks}</masks>" if masks else ""
    facts |= {"x": str(node.left), "y": str(node.top), **node.attributes}
    tag = "mask" if is_mask else "layer"
    return f"<{tag} {_written(facts)}>{content}</{tag}>"


def _written(facts: dict[str, Any]) -> str:
    return " ".join(f"{key}={quoteattr(str(value))}" for key, value in facts.items())
