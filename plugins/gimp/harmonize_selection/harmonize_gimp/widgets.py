"""The dialog's building blocks: the line about the daemon, and widgets bound to GIMP's configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gi.repository import Gimp, GObject, Gtk, Pango

from .states import Mood, Shown
from .words import DOMAIN, _

SPACING = 6
TEXT_WIDTH = 42
BOUND = GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE
_DOTS = {
    Mood.WAITING: "#e0a030",
    Mood.READY: "#46b05a",
    Mood.BUSY: "#4a90d9",
    Mood.CHOOSING: "#e0a030",
    Mood.TROUBLE: "#d9534f",
}


class StateLine(Gtk.Box):  # type: ignore[misc]
    """What the daemon is about, in words, with a colored dot; in trouble, with ways out."""

    def __init__(self, retry: Callable[[], object]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=SPACING)
        self._code = ""
        self._dot = Gtk.Label(valign=Gtk.Align.START)
        self._text = Gtk.Label(xalign=0, wrap=True, width_chars=TEXT_WIDTH, max_width_chars=TEXT_WIDTH)
        self._spinner = Gtk.Spinner()
        row = Gtk.Box(spacing=SPACING)
        row.pack_start(self._dot, False, False, 0)
        row.pack_start(self._text, True, True, 0)
        row.pack_start(self._spinner, False, False, 0)
        again = Gtk.Button.new_with_label(_("Try again"))
        again.connect("clicked", lambda _button: retry())
        more = Gtk.Button.new_with_label(_("What to do"))
        more.connect("clicked", lambda _button: Gimp.help(DOMAIN, f"error-{self._code}"))
        self._ways_out = Gtk.Box(spacing=SPACING, halign=Gtk.Align.END)
        for button in (more, again):
            self._ways_out.pack_start(button, False, False, 0)
            button.show()
        self._ways_out.set_no_show_all(True)
        self.pack_start(row, False, False, 0)
        self.pack_start(self._ways_out, False, False, 0)

    def say(self, shown: Shown) -> None:
        self._dot.set_markup(f'<span foreground="{_DOTS[shown.mood]}">●</span>')
        self._text.set_text(shown.text)
        working = shown.mood in (Mood.WAITING, Mood.BUSY)
        self._spinner.set_visible(working)
        (self._spinner.start if working else self._spinner.stop)()
        self._code = shown.code
        self._ways_out.set_visible(shown.mood is Mood.TROUBLE)


def bound_switch(config: Any, name: str) -> Any:
    """A check button for a boolean argument."""
    about = config.find_property(name)
    button = Gtk.CheckButton.new_with_mnemonic(about.get_nick())
    button.set_tooltip_text(about.get_blurb())
    config.bind_property(name, button, "active", BOUND)
    return button


def bound_combo(config: Any, name: str, labels: Mapping[str, str]) -> Any:
    """A combo box for a choice argument; `labels` by what the argument holds."""
    combo = Gtk.ComboBoxText()
    for nick, label in labels.items():
        combo.append(nick, label)
    config.bind_property(name, combo, "active-id", BOUND)
    return combo


def narrow_combo() -> Any:
    """A combo box for names that are not ours: long ones are cut, and must not make the window wider."""
    combo = Gtk.ComboBoxText()
    for cell in combo.get_cells():
        cell.set_properties(ellipsize=Pango.EllipsizeMode.END, max_width_chars=1)
    return combo


def column() -> Any:
    return Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=SPACING)


def grid(rows: Sequence[tuple[str, Any]]) -> Any:
    """Labels, some of them empty, and what they label."""
    table = Gtk.Grid(column_spacing=SPACING, row_spacing=SPACING)
    for index, (label, widget) in enumerate(rows):
        if label:
            text = Gtk.Label.new_with_mnemonic(label)
            text.set_mnemonic_widget(widget)
            text.set_xalign(0)
            table.attach(text, 0, index, 1, 1)
        widget.set_hexpand(True)
        table.attach(widget, 1, index, 1, 1)
    return table


def dim_label(text: str) -> Any:
    label = Gtk.Label(label=text, xalign=0, wrap=True, max_width_chars=TEXT_WIDTH)
    label.get_style_context().add_class("dim-label")
    return label
