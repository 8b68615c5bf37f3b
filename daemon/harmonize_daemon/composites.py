"""Composites as files hold them: a flat picture with a mask, or layers, of which one is the foreground."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from harmonize_client import Place
from harmonize_client.errors import BadRequest
from numpy.typing import NDArray

from . import pictures
from .pictures import Layer, LayeredPicture, Picture, Pixels, UnsupportedPicture
from .pictures.box import Box
from .pictures.picture import product

HARMONIZED = "{name} (harmonized)"
"""How the new layer is called, as by the plug-in for GIMP."""
LONGEST_NAME = 255
"""Photoshop's limit, in characters. Old names are cut to it, so that the new layer can be told from the old one."""


@dataclass(frozen=True)
class Foreground:
    """What is rendered."""

    picture: Picture
    mask: NDArray[np.uint8] | None
    """[H, W], 255 = all of the change; None: everywhere."""
    place: Place


@dataclass(frozen=True)
class Composite(ABC):
    """A scene and what was pasted into it."""

    scene: Picture
    """With the foreground, as the networks are to see it."""
    mask: NDArray[np.uint8]
    """[H, W], 255 = foreground; transparent pixels are none."""

    @abstractmethod
    def foreground(self) -> Foreground | None:
        """None if nothing is covered by the mask."""

    @abstractmethod
    def harmonized(self, pixels: Pixels | None) -> Picture:
        """All of it, with other pixels for the foreground (None: its own)."""

    def encoded(self, path: Path, pixels: Pixels | None) -> bytes:
        """What `harmonized` gives, as the file of that name is to hold it. Raises PictureError."""
        return pictures.encode(path.suffix, self.harmonized(pixels), path.name)


@dataclass(frozen=True)
class FlatComposite(Composite):
    """A picture and its mask."""

    selected: NDArray[np.uint8]
    """[H, W]: the mask as it was given. Half-transparent pixels get the whole change, as in the plug-ins."""

    @cached_property
    def _box(self) -> Box | None:
        return foreground_box(self.selected)

    def foreground(self) -> Foreground | None:
        box = self._box
        if box is None:
            return None
        part = self.scene.with_pixels(np.ascontiguousarray(self.scene.pixels[box.inside]))
        place = place_of(box, self.scene.width, self.scene.height)
        return Foreground(part, np.ascontiguousarray(self.selected[box.inside]), place)

    def harmonized(self, pixels: Pixels | None) -> Picture:
        box = self._box
        whole = self.scene.pixels.copy()
        if box is not None and pixels is not None:
            whole[box.inside] = pixels
        return self.scene.with_pixels(whole)


@dataclass(frozen=True)
class LayeredComposite(Composite):
    """A file with layers. The background is what is seen below the layer, and what lies above it is left out; or, with
    the roles reversed, what lies above it.
    """

    document: LayeredPicture
    layer: Layer
    picture: Picture
    """The layer's own pixels."""

    def foreground(self) -> Foreground | None:
        left, top = self.layer.left, self.layer.top
        box = Box(left, top, left + self.picture.width, top + self.picture.height)
        return Foreground(self.picture, None, place_of(box, self.document.width, self.document.height))

    def harmonized(self, pixels: Pixels | None) -> Picture:
        merged = self.document.merged({self.layer: self._changed(pixels)})
        opaque = bool((merged.pixels[..., 3] == np.iinfo(merged.pixels.dtype).max).all())
        return merged.with_pixels(np.ascontiguousarray(merged.pixels[..., :3])) if opaque else merged

    def encoded(self, path: Path, pixels: Pixels | None) -> bytes:
        if path.suffix.lower() not in pictures.LAYERED_SUFFIXES:
            return super().encoded(path, pixels)
        name = HARMONIZED.format(name=self.layer.name[: LONGEST_NAME - len(HARMONIZED.format(name=""))])
        return self.document.with_layer(self.layer, name, self._changed(pixels))

    def _changed(self, pixels: Pixels | None) -> Picture:
        return self.picture if pixels is None else self.picture.with_pixels(pixels)


def read_composite(path: Path, mask: Path | None, layer: str = "", *, to_foreground: bool = False) -> Composite:
    """mask: of a flat picture. layer: of a file with layers, by its name; empty: the topmost that is seen.

    to_foreground: the roles reversed. What is changed is all outside the mask; or the layer, to fit what lies above it,
    and without a name the lowest that is seen.
    Raises BadRequest where they do not go together, and PictureError.
    """
    if path.suffix.lower() in pictures.LAYERED_SUFFIXES:
        if mask is not None:
            raise BadRequest(f"{path.name} has layers and needs no mask", "name the layer with --layer")
        return _layered_composite(pictures.read_layered(path), layer, to_foreground)
    if layer:
        raise BadRequest(f"{path.name} has no layers", "give a mask with --mask, and no --layer")
    if mask is None:
        raise BadRequest(f"{path.name} comes without a mask", "give one with --mask")
    scene = pictures.read(path)
    selected = pictures.read_mask(mask, scene.width, scene.height)
    if to_foreground:
        selected = 255 - selected
    return FlatComposite(scene, times_alpha(selected, scene), selected)


def _layered_composite(document: LayeredPicture, layer: str, to_foreground: bool) -> LayeredComposite:
    subjects = document.subjects(layer)
    for subject in reversed(subjects) if to_foreground else subjects:
        picture = document.decoded(subject)
        if document.shows(subject, picture):
            scene, mask = (document.scene_below_others if to_foreground else document.scene)(subject, picture)
            return LayeredComposite(scene, mask, document, subject, picture)
    what = f"the layer {layer!r}" if layer else "any layer"
    raise UnsupportedPicture(f"{document.path.name}: nothing is seen of {what}", "name another layer with --layer")


def times_alpha(mask: NDArray[np.uint8], picture: Picture) -> NDArray[np.uint8]:
    """A mask [H, W] of the picture, of which transparent pixels are no part."""
    if not picture.has_alpha:
        return mask
    return product(mask, pictures.to_u8(picture.pixels[..., -1]))


def check_output(composite: Path, output: Path) -> None:
    """Raises UnsupportedPicture or BadRequest where what becomes of a composite cannot be written to such a file."""
    known, wanted = composite.suffix.lower(), output.suffix.lower()
    if known in pictures.LAYERED_SUFFIXES and wanted in pictures.LAYERED_SUFFIXES:
        if known != wanted:
            raise BadRequest(f"Layers of {composite.name} cannot become {output.name}", "keep the suffix")
    else:
        pictures.check_suffix(output)


def foreground_box(mask: NDArray[np.uint8]) -> Box | None:
    """The smallest box that holds the mask's pixels above 0; None if there are none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def place_of(box: Box, width: int, height: int) -> Place:
    """The box in fractions of a scene of that size."""
    return Place(box.left / width, box.top / height, box.right / width, box.bottom / height)
