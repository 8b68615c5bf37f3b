"""What is stored with a layer, so that it can be harmonized again with the same choices."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp

from .layers import Layer
from .options import Options

NAME = "Harmonize Selection"
PARASITE = "harmonize-selection"
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


def store(layer: Layer, record: Record) -> None:
    fields: dict[str, Any] = {
        "version": VERSION,
        "options": record.options.to_dict(),
        "adjustment": record.adjustment,
        "network": record.network,
        "source": record.source,
    }
    flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    layer.attach_parasite(Gimp.Parasite.new(PARASITE, flags, list(json.dumps(fields).encode())))


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
        )
    except (KeyError, TypeError, ValueError):
        return None
