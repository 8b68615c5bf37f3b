"""Editable curves: one non-destructive filter on a layer, that the artist finds under “fx” and can change."""

from __future__ import annotations

import json
from typing import Any

from gi.repository import Gimp

from .errors import CannotHarmonize
from .layers import Layer
from .words import _

NAME = "Harmonize Selection"
CHANNELS = ("red", "green", "blue")

Curves = dict[str, list[list[float]]]
"""Points, x and y in [0, 1], by channel."""


def require() -> None:
    """Raises CannotHarmonize where GIMP has no curves that plug-ins may add: 3.0, which trying to would end."""
    if not hasattr(Gimp, "Curve"):
        raise CannotHarmonize(
            "no_editable_curves",
            _("GIMP {version} cannot hold curves of a plug-in as an editable filter").format(version=Gimp.version()),
            _("choose a new layer as the output, or use GIMP 3.2 or newer"),
        )


def read(text: str) -> Curves:
    """What the daemon exports as `gimp-curves`."""
    points = json.loads(text)
    return {name: [[float(x), float(y)] for x, y in points[name]] for name in CHANNELS}


def put(layer: Layer, curves: Curves) -> None:
    """In place of older ones: all channels in one filter. GIMP masks it with the selection, softly."""
    remove(layer)
    added = Gimp.DrawableFilter.new(layer, "gimp:curves", NAME)
    config: Any = added.get_config()
    for name in CHANNELS:
        curve = Gimp.Curve.new()
        curve.clear_points()
        for x, y in curves[name]:
            curve.add_point(x, y)
        config.set_property("channel", getattr(Gimp.HistogramChannel, name.upper()))
        config.set_property("curve", curve)
        # One update a channel: the configuration holds one curve at a time.
        added.update()
    layer.append_filter(added)


def remove(layer: Layer) -> None:
    """Takes the curves of an earlier run off the layer, so that no change comes on top of them."""
    for entry in layer.get_filters():
        if entry.get_name() == NAME:
            entry.delete()
