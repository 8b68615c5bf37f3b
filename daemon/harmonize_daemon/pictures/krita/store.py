"""What Krita's archives hold for each layer and mask: its pixels, the pixel where it has none, its color profile."""

from __future__ import annotations

from itertools import count
from xml.etree.ElementTree import Element

import numpy as np

from ..archive import Archive
from ..box import Box
from ..errors import UnreadablePicture
from ..markup import integer
from . import tiles
from .tiles import Bytes

PIXELS, SELECTION, DEFAULT, PROFILE = "", ".pixelselection", ".defaultpixel", ".icc"
"""Suffixes of the files of a layer or a mask."""
_SHAPES = ".shapeselection/"
_LAYERS = "/layers/"
_MAX_PROFILE_BYTES = 16 << 20


class Store:
    """The part of an archive that belongs to a picture."""

    def __init__(self, archive: Archive, image: Element) -> None:
        """image: of `maindoc.xml`. Raises UnreadablePicture."""
        files = [_file(element) for element in image.iter() if element.tag in ("layer", "mask")]
        if len(files) != len(set(files)):
            raise UnreadablePicture(f"{archive.name} has layers that share a file", "save it again")
        self._archive, self._files = archive, files
        self._folder = _folder(image.get("name", ""), archive)
        self._shapes = {name.partition(_SHAPES)[0] for name in archive.entries if _SHAPES in name}

    def entry(self, element: Element | str, suffix: str = PIXELS) -> str:
        """Where the file of an element lies, or one that no element has yet."""
        return self._folder + (element if isinstance(element, str) else _file(element)) + suffix

    def unused_file(self) -> str:
        taken = {name.removeprefix(self._folder).partition(".")[0] for name in self._archive.entries} | {*self._files}
        return next(file for file in (f"layer{number}" for number in count(len(taken))) if file not in taken)

    def box(self, element: Element, pixel_bytes: int) -> Box | None:
        """The box of the canvas where a layer has tiles; None: it has none. Raises PictureError."""
        with self._archive.opened(self.entry(element)) as stream:
            box = tiles.extent(stream, pixel_bytes)
        return box.moved(integer(element, "x"), integer(element, "y")) if box else None

    def default(self, element: Element, pixel_bytes: int, suffix: str = PIXELS) -> bytes:
        """The pixel where there is no tile; transparent where the file has none of that size. Raises PictureError."""
        entry = self.entry(element, suffix + DEFAULT)
        found = self._archive.entries.get(entry)
        return self._archive.read(entry) if found and found.file_size == pixel_bytes else bytes(pixel_bytes)

    def pixels(self, element: Element, box: Box, pixel_bytes: int, suffix: str = PIXELS) -> Bytes:
        """[h, w, pixel_bytes] uint8: what a layer or a mask has in a box of the canvas. Raises PictureError."""
        own, entry = box.moved(-integer(element, "x"), -integer(element, "y")), self.entry(element, suffix)
        if suffix == SELECTION and entry not in self._archive.entries:
            return np.zeros((*box.size, pixel_bytes), np.uint8)  # a mask without pixels hides all, for Krita, too
        with self._archive.opened(entry) as stream:
            return tiles.decode(stream, own, self.default(element, pixel_bytes, suffix))

    def has_shapes(self, mask: Element) -> bool:
        """It is, or partly is, made of vectors."""
        return self.entry(mask) in self._shapes

    def profile(self, element: Element | None = None) -> bytes | None:
        """The color profile of a layer, or the picture's. Raises PictureError."""
        entry = self._profile_entry(element)
        return self._archive.read(entry, _MAX_PROFILE_BYTES) if entry in self._archive.entries else None

    def has_other_profile(self, element: Element) -> bool:
        """A layer has another profile than the picture."""
        own, common = (self._archive.entries.get(self._profile_entry(of)) for of in (element, None))
        return own is not None and common is not None and (own.CRC, own.file_size) != (common.CRC, common.file_size)

    def _profile_entry(self, element: Element | None) -> str:
        common = self._folder.removesuffix(_LAYERS) + "/annotations/icc"
        return common if element is None else self.entry(element, PROFILE)


def _file(element: Element) -> str:
    return element.get("filename", "") or element.get("name", "")


def _folder(image_name: str, archive: Archive) -> str:
    """Of the layers: the one of the picture's name; else, as for Krita, the first."""
    named = image_name.removeprefix("/") + _LAYERS
    found = [name.partition(_LAYERS)[0] + _LAYERS for name in archive.entries if _LAYERS in name]
    return named if named in found or not found else found[0]
