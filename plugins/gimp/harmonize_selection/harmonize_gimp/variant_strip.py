"""The row of small pictures below the preview: variants, of which a click takes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gi.repository import GdkPixbuf, Gtk, Pango

from .geometry import Box
from .live import Picture
from .preview import pixbuf_of
from .variants import Variant
from .widgets import SPACING

SIDE = 72
"""Longest side of a small picture."""
TITLE = 9
"""Characters of a title that are seen at least; all of it is in the tooltip."""
_LINE = 24
"""Height of the line below it."""


class VariantStrip(Gtk.Box):  # type: ignore[misc]
    """Buttons of one width, with a picture and a title each; the chosen one is raised."""

    def __init__(self, chosen: Callable[[Variant], object]) -> None:
        super().__init__(spacing=SPACING // 2, homogeneous=True)
        self.set_size_request(-1, SIDE + _LINE)  # the window keeps its size when the first ones come
        self._chosen = chosen
        self._part = Box(0, 0, 1, 1)
        self._buttons: dict[Variant, tuple[Any, Any]] = {}
        """Each variant's button, and its picture."""

    def offer(self, variants: Sequence[Variant], chosen: Variant | None) -> None:
        """Shows these, and which of them is what the artist has now, if any is."""
        if list(self._buttons) != list(variants):
            for button, _image in self._buttons.values():
                self.remove(button)
            self._buttons = {variant: self._button(variant) for variant in variants}
        for variant, (button, _image) in self._buttons.items():
            button.set_relief(Gtk.ReliefStyle.NORMAL if variant == chosen else Gtk.ReliefStyle.NONE)

    def set_scene(self, part: Box) -> None:
        """Shows that part of each picture, and none until there are new ones."""
        self._part = part
        for _button, image in self._buttons.values():
            image.clear()

    def set_picture(self, variant: Variant, picture: Picture) -> None:
        if variant in self._buttons:
            part = self._part
            scale = SIDE / max(part.width, part.height)
            size = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
            cut = pixbuf_of(picture).new_subpixbuf(part.x, part.y, part.width, part.height)
            self._buttons[variant][1].set_from_pixbuf(cut.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR))

    def _button(self, variant: Variant) -> tuple[Any, Any]:
        image = Gtk.Image()
        # Long names of networks must not make the dialog wider than its preview.
        title = Gtk.Label(label=variant.title, ellipsize=Pango.EllipsizeMode.END, max_width_chars=TITLE)
        rows = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        rows.pack_start(image, True, True, 0)
        rows.pack_end(title, False, False, 0)
        button = Gtk.Button(tooltip_text=variant.title)
        button.add(rows)
        button.get_accessible().set_name(variant.title)
        button.connect("clicked", lambda _button: self._chosen(variant))
        self.pack_start(button, True, True, 0)
        button.show_all()
        return button, image
