"""The picture in the dialog: before, after, or both with a line to drag; and what the mask leaves out, veiled.

Drawn as one pixel buffer, without cairo, whose Python bindings not every GIMP brings.
"""

from __future__ import annotations

import enum
from typing import Any

from gi.repository import Gdk, GdkPixbuf, GLib, Gtk

from . import compare, masks
from .live import Picture

SIDE = 512
_SMALLEST = 160
"""A smaller one would show nothing."""
_ENLARGED = 1.4
"""It grows where there is room for so many times its size, not whenever a note elsewhere makes the window larger."""
STEP = 0.05
"""How far an arrow key moves the line, of the picture's width."""
_DIRECTIONS = {Gdk.KEY_Left: -1, Gdk.KEY_KP_Left: -1, Gdk.KEY_Right: 1, Gdk.KEY_KP_Right: 1}
_VEIL = (24, 26, 32)
_VEIL_STRENGTH = 0.72


class Mode(enum.Enum):
    AFTER = "after"
    BEFORE = "before"
    SPLIT = "split"


class Preview(Gtk.EventBox):  # type: ignore[misc]
    """Shows a scene's thumbnail: pixel by pixel, smaller where there is no room for it, larger in a larger window."""

    def __init__(self) -> None:
        super().__init__()
        self._image = Gtk.Image()
        self.add(self._image)
        self.add_events(
            Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON1_MOTION_MASK | Gdk.EventMask.KEY_PRESS_MASK
        )
        self.connect("button-press-event", self._drag)
        self.connect("motion-notify-event", self._drag)
        self.connect("key-press-event", self._key)
        for event in ("focus-in-event", "focus-out-event"):
            self.connect_after(event, self._focus_changed)
        self.connect("size-allocate", self._resized)
        self._room = (SIDE, SIDE)
        self._smallest = (SIDE, SIDE * 2 // 3)
        self._width = self._height = 0
        self._shown = (0, 0)
        self._before = self._after = b""
        self._mask = b""
        self._mode = Mode.AFTER
        self._show_mask = False
        self._column = 0

    def do_get_preferred_width(self) -> tuple[int, int]:
        """GTK asks. The picture must not: once it is large, the window could not be made smaller again."""
        return self._smallest[0], self._smallest[0]

    def do_get_preferred_height(self) -> tuple[int, int]:
        return self._smallest[1], self._smallest[1]

    def ask_for(self, width: int, height: int) -> None:
        """How large it is at least."""
        self._smallest = (width, height)
        self.queue_resize()

    def set_room(self, width: int, height: int) -> None:
        """How large it may be; for scenes that come from now on."""
        self._room = (max(width, _SMALLEST), max(height, _SMALLEST))

    def set_scene(self, width: int, height: int, rgb: bytes, mask: bytes) -> None:
        """Another scene, of which there is no result yet."""
        if (width, height) != (self._width, self._height):
            shown = masks.bounds(mask, width)
            self._column = (shown.x + shown.right) // 2
            scale = min(1.0, self._room[0] / width, self._room[1] / height)
            self._shown = (max(1, round(width * scale)), max(1, round(height * scale)))
            self.ask_for(*self._shown)
        self._width, self._height, self._mask = width, height, mask
        self._before = self._after = rgb
        self._draw()

    def set_result(self, picture: Picture) -> None:
        if (picture.width, picture.height) == (self._width, self._height):
            self._after = picture.rgb
            self._draw()

    def set_mode(self, mode: Mode) -> None:
        self._mode = mode
        self.set_can_focus(mode is Mode.SPLIT)
        if mode is Mode.SPLIT:
            # For the arrow keys.
            self.grab_focus()
        self._draw()

    def set_show_mask(self, show: bool) -> None:
        self._show_mask = show
        self._draw()

    def _drag(self, _widget: Any, event: Any) -> bool:
        if self._mode is not Mode.SPLIT:
            return False
        self.grab_focus()
        margin = (self.get_allocated_width() - self._shown[0]) // 2
        self._move_line(round((event.x - margin) * self._width / self._shown[0]))
        return True

    def _key(self, _widget: Any, event: Any) -> bool:
        direction = _DIRECTIONS.get(event.keyval)
        if self._mode is not Mode.SPLIT or direction is None:
            return False
        self._move_line(self._column + direction * round(STEP * self._width))
        return True

    def _resized(self, _widget: Any, given: Any) -> None:
        if not self._width:
            return
        scale = min(given.width / self._smallest[0], given.height / self._smallest[1])
        scale = scale if scale >= _ENLARGED else 1.0
        shown = (round(self._smallest[0] * scale), round(self._smallest[1] * scale))
        if shown != self._shown:
            self._shown = shown
            self._draw()

    def _move_line(self, column: int) -> None:
        self._column = min(max(column, 0), self._width)
        self._draw()

    def _focus_changed(self, _widget: Any, _event: Any) -> bool:
        self._draw()
        return False

    def _draw(self) -> None:
        if not self._width:
            return
        rgb = self._before if self._mode is Mode.BEFORE else self._after
        if self._mode is Mode.SPLIT:
            line = compare.FOCUSED_LINE if self.has_focus() else compare.LINE
            rgb = compare.split(self._before, self._after, self._width, self._height, self._column, line)
        pixbuf = _pixbuf(rgb, self._width, self._height, alpha=False)
        if self._show_mask:
            pixbuf = pixbuf.copy()
            veil = _pixbuf(compare.veil(self._mask, _VEIL, _VEIL_STRENGTH), self._width, self._height, alpha=True)
            veil.composite(pixbuf, 0, 0, self._width, self._height, 0, 0, 1, 1, GdkPixbuf.InterpType.NEAREST, 255)
        if self._shown != (self._width, self._height):
            pixbuf = pixbuf.scale_simple(*self._shown, GdkPixbuf.InterpType.BILINEAR)
        self._image.set_from_pixbuf(pixbuf)


def pixbuf_of(picture: Picture) -> Any:
    """A picture as GTK wants it."""
    return _pixbuf(picture.rgb, picture.width, picture.height, alpha=False)


def _pixbuf(data: bytes, width: int, height: int, *, alpha: bool) -> Any:
    channels = 4 if alpha else 3
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(data), GdkPixbuf.Colorspace.RGB, alpha, 8, width, height, width * channels
    )
