"""What the artist chose. Needs no GIMP."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from harmonize_client.values import Look


class Output(enum.Enum):
    """Where the result goes."""

    NEW_LAYER = "new-layer"
    REPLACE = "replace"
    CURVES = "curves"


class Reference(enum.Enum):
    """What light and color are taken from."""

    BELOW = "below"
    ABOVE = "above"
    """The roles reversed: the layer is to fit what was put on it."""
    VISIBLE = "visible"
    LAYER = "layer"
    FILE = "file"


@dataclass(frozen=True)
class Options:
    """One run's options; the names are those of the procedure's arguments, with `_` for `-`."""

    network: str = ""
    """A key of the daemon's networks; empty = its default."""
    output: Output = Output.NEW_LAYER
    hide_original: bool = True
    reference: Reference = Reference.BELOW
    reference_layer: int = 0
    """Tattoo (lasting number) of the reference layer in its image."""
    reference_file: str = ""
    """Path of the reference picture."""
    foreground_class: str = ""
    """What the layer shows, for networks that ask: person, vehicle, animal, food, other; empty = unknown."""
    look: Look = field(default_factory=Look)

    @property
    def matched(self) -> tuple[Reference, int, str]:
        """What light and color are taken from: options that agree in it need look there only once."""
        return self.reference, self.reference_layer, self.reference_file

    def to_dict(self) -> dict[str, Any]:
        values = asdict(self)
        values["output"], values["reference"] = self.output.value, self.reference.value
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Options:
        """Raises ValueError for what is not a set of options; fields that a newer version wrote are left out."""
        try:
            known = {item.name: values[item.name] for item in fields(cls) if item.name in values}
            known["output"] = Output(known.get("output", Output.NEW_LAYER.value))
            known["reference"] = Reference(known.get("reference", Reference.BELOW.value))
            names = {item.name for item in fields(Look)}
            known["look"] = Look(**{name: value for name, value in known.get("look", {}).items() if name in names})
            return cls(**known)
        except (AttributeError, TypeError) as error:
            raise ValueError(f"these are not options: {error}") from None
