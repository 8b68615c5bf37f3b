"""What a run is to do: which layers, each with its options and, if it was made from another layer, that one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import layers, record, scene, writing
from .errors import CannotHarmonize
from .layers import Image, Layer
from .options import Options, Reference
from .words import _


@dataclass(frozen=True)
class Task:
    """One layer to harmonize."""

    layer: Layer
    options: Options
    made_from: Layer | None = None
    """Whose pixels are harmonized, for a layer that is then replaced, so that no change comes on top of a change."""


def as_they_are(image: Image, drawables: Sequence[Any], options: Options) -> list[Task]:
    """The layers themselves, bottom first: a script says which ones it means. Raises CannotHarmonize."""
    return [Task(layer, options) for layer in layers.check(image, drawables)]


def anew(image: Image, drawables: Sequence[Any], options: Options) -> list[Task]:
    """Results from the layers that they were made from, other layers as they are. Raises CannotHarmonize.

    A run leaves its result selected: without this the next one would change it twice.
    """
    return [Task(layer, options, source(layer)) for layer in layers.check(image, drawables)]


def again(image: Image, drawables: Sequence[Any]) -> list[Task]:
    """Harmonize Again: the choices that are stored with each layer, or the usual ones. Raises CannotHarmonize."""
    return [
        Task(layer, _stored_options(image, layer), _source_that_fits(layer)) for layer in layers.check(image, drawables)
    ]


def source(layer: Layer) -> Layer | None:
    """The layer that this one was made from, if it is still there and still fits."""
    found = record.source(layer)
    return found if found is not None and writing.fits(layer, found) else None


def _source_that_fits(layer: Layer) -> Layer | None:
    found = record.source(layer)
    if found is not None and not writing.fits(layer, found):
        raise CannotHarmonize(
            "source_differs",
            _("“{name}” no longer has the size or the kind of “{source}”, from which it was made").format(
                name=layer.get_name(), source=found.get_name()
            ),
            _("harmonize “{source}” itself").format(source=found.get_name()),
        )
    return found


def _stored_options(image: Image, layer: Layer) -> Options:
    """With a reference layer of this image. Raises CannotHarmonize when that is not in it."""
    known = record.load(layer)
    if known is None:
        return Options()
    options = known.options
    if options.reference is not Reference.LAYER:
        return options
    reference = record.find(image, options.reference_layer, known.reference_mark)
    if reference is None:
        raise scene.reference_gone()
    return replace(options, reference_layer=reference.get_tattoo())
