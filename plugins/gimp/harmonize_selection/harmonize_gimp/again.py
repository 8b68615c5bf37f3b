"""Harmonize Again: the choices that are stored with a layer once more, without a dialog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harmonize_client import Client

from . import harmonize, layers, record, scene, writing
from .harmonize import OnProgress, Outcome
from .layers import Image, Layer
from .options import Options, Output, Reference


def run(client: Client, image: Image, drawables: Sequence[Layer], progress: OnProgress) -> Outcome:
    """Harmonizes with the first layer's stored options, or the usual ones if no layer has any.

    A layer that was made from another one is made anew from that one, so that a change never comes on top of a change.
    Raises PluginError; the image is unchanged then.
    """
    targets = layers.check(image, drawables, Output.NEW_LAYER)
    records = {layer.get_id(): record.load(layer) for layer in targets}
    options = next((_options(image, known) for known in records.values() if known), Options())
    sources = {
        layer.get_id(): source for layer in targets if (source := _source(image, layer, records[layer.get_id()]))
    }
    return harmonize.run(client, image, targets, options, progress, sources=sources)


def _options(image: Image, known: record.Record) -> Options:
    """The stored options, about this image. Raises CannotHarmonize when their reference layer is not in it."""
    options = known.options
    if options.reference is not Reference.LAYER:
        return options
    reference = record.find(image, options.reference_layer, known.reference_mark)
    if reference is None:
        raise scene.reference_gone()
    return replace(options, reference_layer=reference.get_tattoo())


def _source(image: Image, layer: Layer, known: record.Record | None) -> Layer | None:
    """The layer that this one was made from, if it is still there and still fits."""
    source = record.find(image, known.source, known.source_mark, but=[layer]) if known and known.source else None
    return source if source is not None and writing.fits(layer, source) else None
