"""What is stored with a layer, so that it can be harmonized again with the same choices.

A record names other layers by their tattoos, small numbers that each image gives anew: in another image, to which a
layer was dragged, another layer has the same one. So the layers that a record names carry a mark, and only a layer with
that mark is the one that was meant.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp

from . import layers
from .layers import Image, Layer
from .options import Options, Reference

PARASITE = "harmonize-selection"
MARK = "harmonize-selection-mark"
VERSION = 1


@dataclass(frozen=True)
class Record:
    """How a layer came to its pixels."""

    options: Options
    adjustment: str
    """What the network said, as the daemon's JSON."""
    network: str
    source: int = 0
    """Tattoo of the layer that this one was made from; 0 = the layer itself was changed."""
    source_mark: str = ""
    """The mark of that layer; empty in records of documents that are older than marks."""
    reference_mark: str = ""
    """The mark of the reference layer, if there is one."""


def store(layer: Layer, record: Record) -> None:
    """Keeps the record with the layer, and marks the layers that it names."""
    image, options = layer.get_image(), record.options
    reference = options.reference_layer if options.reference is Reference.LAYER else 0
    fields: dict[str, Any] = {
        "version": VERSION,
        "options": record.options.to_dict(),
        "adjustment": record.adjustment,
        "network": record.network,
        "source": record.source,
        "source_mark": _marked(image, record.source),
        "reference_mark": _marked(image, reference),
    }
    _attach(layer, PARASITE, json.dumps(fields))


def load(layer: Layer) -> Record | None:
    """The layer's record; None when it has none, or one that this version cannot read."""
    parasite = layer.get_parasite(PARASITE)
    if parasite is None:
        return None
    try:
        fields = json.loads(bytes(parasite.get_data()))
        return Record(
            Options.from_dict(fields["options"]),
            str(fields["adjustment"]),
            str(fields["network"]),
            int(fields["source"]),
            str(fields.get("source_mark", "")),
            str(fields.get("reference_mark", "")),
        )
    except (KeyError, TypeError, ValueError):
        return None


def find(image: Image, tattoo: int, mark: str, but: Sequence[Layer] = ()) -> Layer | None:
    """The layer that a record names, if it is there; never one of `but`.

    Copies of a layer carry its mark, too, and duplicating an image deals new tattoos: of several layers with the mark
    the tattoo says which one it is, and one alone is the one. Older records have no mark, and the tattoo must do.
    """
    candidates = [layer for layer in layers.others(image, but) if not mark or _mark(layer) == mark]
    named = [layer for layer in candidates if layer.get_tattoo() == tattoo]
    if not named and mark:
        named = candidates
    return named[0] if len(named) == 1 else None


def source(layer: Layer) -> Layer | None:
    """The layer that this one was made from, if it is in the image."""
    known = load(layer)
    if known is None or not known.source:
        return None
    return find(layer.get_image(), known.source, known.source_mark, but=[layer])


def is_made_from(layer: Layer, other: Layer) -> bool:
    made_from = source(layer)
    return made_from is not None and made_from.get_id() == other.get_id()


def results_above(layer: Layer) -> list[Layer]:
    """What was made from the layer before and lies right above it: a new result below these would not be seen."""
    siblings = layers.siblings(layer)
    place = [sibling.get_id() for sibling in siblings].index(layer.get_id())
    above = reversed(siblings[:place])
    return list(itertools.takewhile(lambda sibling: is_made_from(sibling, layer), above))


def _marked(image: Image, tattoo: int) -> str:
    """The mark of a layer, which gets one if it has none; empty when there is no such layer."""
    layer = image.get_layer_by_tattoo(tattoo) if tattoo else None
    if layer is None:
        return ""
    mark = _mark(layer)
    if not mark:
        mark = uuid.uuid4().hex
        _attach(layer, MARK, mark)
    return mark


def _mark(layer: Layer) -> str:
    parasite = layer.get_parasite(MARK)
    return bytes(parasite.get_data()).decode("ascii", "replace") if parasite is not None else ""


def _attach(layer: Layer, name: str, text: str) -> None:
    flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    layer.attach_parasite(Gimp.Parasite.new(name, flags, list(text.encode())))
