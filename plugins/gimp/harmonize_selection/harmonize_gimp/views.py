"""What the dialog's network is to look at, read from the image once for each choice."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp
from harmonize_client import Thumbnail

from . import harmonize, layers, reading, writing
from .layers import Image, Layer
from .live import View
from .options import Options, Reference
from .reading import Scene


class Views:
    """The views of one dialog."""

    def __init__(self, image: Image, targets: Sequence[Layer], made_from: Layer | None) -> None:
        """`targets`: the layers to harmonize, bottom first; the first of them is what is previewed.

        `made_from`: the layer from which that first one is made anew, if it was made from one.
        """
        self._image = image
        self._targets = targets
        self._made_from = made_from
        self.forget()

    def forget(self) -> None:
        """The artist may have changed the image: it is looked at once more."""
        self._scenes: dict[bool, tuple[Scene, Thumbnail]] = {}
        """By whether what lies above the layer is to be matched."""
        self._references: dict[object, Thumbnail | None] = {}

    def view(self, options: Options) -> tuple[View, Scene]:
        """Raises PluginError for what these options cannot do."""
        layers.check(self._image, self._targets)
        for target in self._targets:
            harmonize.check_output(target, options.output)
        to_above = options.reference is Reference.ABOVE
        if to_above not in self._scenes:
            self._scenes[to_above] = self._look(to_above)
        found, thumbnail = self._scenes[to_above]
        if options.reference is Reference.BELOW:
            reading.require_background(found, self._targets[0])
        matched = options.matched
        if matched not in self._references:
            self._references[matched] = harmonize.reference_thumbnail(self._image, self._targets, options)
        reference = self._references[matched]
        grey = self._image.get_base_type() == Gimp.ImageBaseType.GRAY
        asked = options.network, options.foreground_class
        return View(thumbnail, found.mask, reference, *asked, grey, found.layer, found.selected, found.opacity), found

    def _look(self, to_above: bool) -> tuple[Scene, Thumbnail]:
        layer, made_from = self._targets[0], self._made_from
        changed = {}
        if made_from is not None and made_from.is_valid():
            changed[layers.position(layer)] = writing.all_of(made_from)
        box = reading.region_box(layer)
        found = reading.around(layer, box, needs_background=False, to_above=to_above, changed=changed)
        return found, found.thumbnail
