"""What the dialog's network is to look at, read from the image once for each choice."""

from __future__ import annotations

from collections.abc import Sequence

from harmonize_client import Thumbnail

from . import harmonize, reading, record, writing
from .layers import Image, Layer
from .live import View
from .options import Options, Output, Reference
from .reading import Scene


class Views:
    """The views of one dialog. Thumbnails stay the same objects as long as it is open."""

    def __init__(self, image: Image, targets: Sequence[Layer]) -> None:
        """`targets`: the layers to harmonize, bottom first; the first of them is what is previewed."""
        self._image = image
        self._targets = targets
        self._scenes: dict[bool, tuple[Scene, Thumbnail]] = {}
        self._references: dict[tuple[Reference, int, str], Thumbnail | None] = {}

    def view(self, options: Options) -> tuple[View, Scene]:
        """Raises PluginError for what these options cannot do."""
        if options.output is Output.CURVES:
            writing.require_curves()
        found, thumbnail = self._scene(options.output)
        if options.reference is Reference.BELOW:
            reading.require_background(found, self._targets[0])
        kind = (options.reference, options.reference_layer, options.reference_file)
        if kind not in self._references:
            self._references[kind] = harmonize.reference_thumbnail(self._image, self._targets, options)
        view = View(thumbnail, found.mask, self._references[kind], options.network, options.foreground_class)
        return view, found

    def _scene(self, output: Output) -> tuple[Scene, Thumbnail]:
        # Curves replace older curves: those must not be looked at.
        anew = output is Output.CURVES
        if anew not in self._scenes:
            layer = self._targets[0]
            box = reading.region_box(layer)
            found = reading.around(layer, box, needs_background=False, drop=record.NAME if anew else "")
            self._scenes[anew] = (found, found.thumbnail)
        return self._scenes[anew]
