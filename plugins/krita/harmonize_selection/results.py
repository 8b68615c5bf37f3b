"""What has been harmonized in the document at hand, and which of it can still be changed."""

from __future__ import annotations

from collections.abc import Iterator

from . import history
from .host import Host
from .values import LayerInfo, LayerRef, Output, Region, Result, Target

KEPT_REGION_BYTES = 256_000_000
"""A harmonized layer's pixels are kept up to this size, so that the sliders can go on changing it."""


class Results:
    """Of one document at a time; each document remembers its own."""

    def __init__(self, host: Host) -> None:
        self.document = ""
        self.all: tuple[Result, ...] = ()
        """The newest first."""
        self._host = host
        self._region: tuple[LayerRef, Region] | None = None

    def open(self, document: str) -> None:
        """From now on, this document is at hand; "" for none."""
        self.document, self._region = document, None
        self.all = self._of(document) if document else ()

    def add(self, result: Result) -> None:
        """Keeps it with its document, which need not be the one at hand any more."""
        document = result.written.document
        if document == self.document:
            self.all = history.added(self.all, result)
            self._host.remember(document, history.to_text(self.all))
        else:
            self._host.remember(document, history.to_text(history.added(self._of(document), result)))

    def keep_region(self, written: LayerRef, region: Region) -> None:
        """What a layer was written from."""
        self._region = (written, region) if region.format.nbytes <= KEPT_REGION_BYTES else None

    def region_of(self, result: Result) -> Region | None:
        return self._region[1] if self._region is not None and self._region[0] == result.written else None

    def let_go(self) -> None:
        """The layer that was written last is the artist's now."""
        self._region = None

    def current(self, layer: LayerInfo | None) -> Result | None:
        """The newest result for a layer, or for its original, that is still there."""
        return next(self._still_there(layer), None)

    def target(self, layer: LayerInfo) -> Target:
        """The layer, with what is left on and above it of earlier times."""
        there = self._left_for(layer)
        copies = [one.written for one in there if one.settings.output is Output.NEW_LAYER and self._covers(one, layer)]
        curves = [one.written for one in there if one.settings.output is Output.CURVES]
        return Target(layer.ref, layer.name, tuple(copies), tuple(curves))

    def left_for(self, layer: LayerInfo) -> frozenset[LayerRef]:
        """All that is left of earlier times, wherever it lies now."""
        return frozenset(result.written for result in self._left_for(layer))

    def _left_for(self, layer: LayerInfo) -> list[Result]:
        """What there is of it, the newest first; not what it is itself."""
        return [one for one in self._still_there(layer) if one.original == layer.ref]

    def _still_there(self, layer: LayerInfo | None) -> Iterator[Result]:
        of_it = [one for one in self.all if layer is not None and layer.ref in (one.original, one.written)]
        return (one for one in of_it if self._host.exists(one.written))

    def _covers(self, result: Result, layer: LayerInfo) -> bool:
        """A copy that was moved is a layer of its own."""
        copy = self._host.find(result.written)
        return copy is not None and (layer.transformed or not copy.bounds.is_moved(layer.bounds))

    def subject(self, active: LayerInfo | None) -> LayerInfo | None:
        """The original, where the artist has its harmonized copy at hand: nothing is harmonized twice by accident."""
        if active is None:
            return None
        for result in self.all:
            if active.ref == result.written and result.settings.output is Output.NEW_LAYER:
                original = self._host.find(result.original)
                if original is not None and self._covers(result, original):
                    return original
        return active

    def _of(self, document: str) -> tuple[Result, ...]:
        return history.moved(history.from_text(self._host.recall(document)), document)
