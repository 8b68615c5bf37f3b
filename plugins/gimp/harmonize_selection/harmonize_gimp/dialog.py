"""The window: the preview on the left, the choices on the right."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GimpUi", "3.0")

from gi.repository import Gimp, GimpUi, GLib, GObject, Gtk  # noqa: E402
from harmonize_client import Client, NetworkInfo, Session, Thumbnail  # noqa: E402

from . import harmonize, layers, reading, record, writing  # noqa: E402
from .choices import CLIENT_NAME, OUTPUTS, REFERENCES, look_from, options_from, show_progress, tell  # noqa: E402
from .errors import Ending, PluginError  # noqa: E402
from .layers import Image, Layer  # noqa: E402
from .live import Live, Picture, View  # noqa: E402
from .options import Options, Output, Reference  # noqa: E402
from .preview import Mode, Preview  # noqa: E402
from .reading import Scene  # noqa: E402
from .states import Mood, Shown  # noqa: E402
from .words import DOMAIN, _, ngettext  # noqa: E402

BOUND = GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE
STEP_MILLISECONDS = 10
SPACING = 6
COLUMN_WIDTH = 340
TEXT_WIDTH = 42

TIMES = os.environ.get("HARMONIZE_GIMP_TIMES", "")
"""For measuring: a file that gets a line for each preview, the seconds from the wish to the picture."""

SLIDERS = ("strength", "light", "color", "warmth", "tint", "saturation", "contrast")
SWITCHES = ("protect-highlights", "color-only")
_DOTS = {Mood.WAITING: "#e0a030", Mood.READY: "#46b05a", Mood.BUSY: "#4a90d9", Mood.TROUBLE: "#d9534f"}


def ask(procedure: Any, config: Any, image: Image, drawables: Sequence[Layer]) -> Ending:
    """Shows the dialog, and harmonizes if the artist says so. Raises PluginError."""
    targets = layers.check(image, drawables, Output.NEW_LAYER)
    GimpUi.init("harmonize-selection")
    with Session(CLIENT_NAME) as session:
        dialog = Dialog(procedure, config, image, targets, session)
        agreed = dialog.run()
        if not agreed:
            return Ending.CANCEL
        outcome = harmonize.run(Client(session), image, drawables, options_from(config), show_progress)
    tell(outcome.notes)
    return Ending.SUCCESS


class Dialog:
    """Binds the widgets to GIMP's configuration, and both to `Live`."""

    def __init__(self, procedure: Any, config: Any, image: Image, targets: list[Layer], session: Session) -> None:
        self._config = config
        self._image = image
        self._targets = targets
        self._scenes: dict[bool, tuple[Scene, Thumbnail]] = {}
        self._references: dict[tuple[Reference, int, str], Thumbnail | None] = {}
        self._thumbnail: Thumbnail | None = None
        self._networks: tuple[NetworkInfo, ...] = ()
        self._default = ""
        self._code = ""
        self._window = GimpUi.ProcedureDialog.new(procedure, config, _("Harmonize Selection"))
        self._preview = Preview()
        self._live = Live(session, self._show_picture, self._show_state)
        self._build()
        config.connect("notify", self._changed)

    def run(self) -> bool:
        """Until the artist decides; whether to go on."""
        timer = GLib.timeout_add(STEP_MILLISECONDS, self._step)
        GLib.idle_add(self._refresh)
        try:
            return bool(self._window.run())
        finally:
            GLib.source_remove(timer)
            self._window.destroy()

    # Widgets

    def _build(self) -> None:
        columns = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=3 * SPACING)
        columns.set_border_width(2 * SPACING)
        columns.pack_start(self._picture_column(), True, True, 0)
        columns.pack_start(self._choice_column(), False, False, 0)
        self._window.get_content_area().pack_start(columns, True, True, 0)
        self._window.set_resizable(False)
        columns.show_all()
        self._summary.hide()
        self._show_what_applies()

    def _picture_column(self) -> Any:
        column = _column()
        frame = Gtk.Frame()
        frame.set_shadow_type(Gtk.ShadowType.IN)
        frame.add(self._preview)
        column.pack_start(frame, False, False, 0)
        row = Gtk.Box(spacing=2 * SPACING)
        modes = Gtk.ButtonBox(layout_style=Gtk.ButtonBoxStyle.EXPAND)
        first = None
        for mode, label, hint in (
            (Mode.AFTER, _("A_fter"), _("The layer as it will be")),
            (Mode.BEFORE, _("_Before"), _("The layer as it is")),
            (Mode.SPLIT, _("Spl_it"), _("Before to the left of the line, after to the right: drag in the picture")),
        ):
            button = Gtk.RadioButton.new_with_mnemonic_from_widget(first, label)
            first = first or button
            button.set_mode(False)
            button.set_tooltip_text(hint)
            button.connect("toggled", self._mode_chosen, mode)
            modes.pack_start(button, True, True, 0)
        row.pack_start(modes, False, False, 0)
        veil = Gtk.CheckButton.new_with_mnemonic(_("Show mas_k"))
        veil.set_tooltip_text(_("Darkens all that will stay as it is"))
        veil.connect("toggled", lambda button: self._preview.set_show_mask(button.get_active()))
        row.pack_start(veil, False, False, 0)
        column.pack_start(row, False, False, 0)
        self._output = self._string_combo("output", OUTPUTS)
        self._hide = self._switch("hide-original")
        column.pack_start(_grid(((_("O_utput"), self._output), ("", self._hide))), False, False, SPACING)
        self._notes = _dim_label("")
        column.pack_start(self._notes, False, False, 0)
        if len(self._targets) > 1:
            text = ngettext("{count} layer is selected.", "{count} layers are selected.", len(self._targets))
            note = text + " " + _("The preview shows “{name}”.")
            name = self._targets[0].get_name()
            column.pack_start(_dim_label(note.format(count=len(self._targets), name=name)), False, False, 0)
        return column

    def _choice_column(self) -> Any:
        column = _column()
        column.set_size_request(COLUMN_WIDTH, -1)
        column.pack_start(self._state_row(), False, False, 0)
        self._network = Gtk.ComboBoxText()
        self._network.append("", _("The best"))
        self._network.set_active_id("")
        self._network.connect("changed", self._network_chosen)
        self._summary = _dim_label("")
        self._match = self._string_combo("reference", REFERENCES)
        self._layer = Gtk.ComboBoxText()
        for layer in self._other_layers():
            self._layer.append(str(layer.get_id()), layer.get_name())
        self._layer.connect("changed", self._layer_chosen)
        self._file = Gtk.FileChooserButton(title=_("Reference picture"), action=Gtk.FileChooserAction.OPEN)
        if self._config.get_property("reference-file"):
            self._file.set_filename(self._config.get_property("reference-file"))
        self._file.connect("file-set", self._file_chosen)
        rows = (
            (_("_Network"), self._network),
            ("", self._summary),
            (_("_Match"), self._match),
            ("", self._layer),
            ("", self._file),
        )
        column.pack_start(_grid(rows), False, False, SPACING)
        column.pack_start(Gtk.Separator(), False, False, 0)
        for name in SLIDERS:
            scale = self._window.get_spin_scale(name, 100.0)
            scale.set_digits(0)
            column.pack_start(scale, False, False, 0)
        for name in SWITCHES:
            column.pack_start(self._switch(name), False, False, 0)
        return column

    def _state_row(self) -> Any:
        row = Gtk.Box(spacing=SPACING)
        self._dot = Gtk.Label(valign=Gtk.Align.START)
        self._state = Gtk.Label(xalign=0, wrap=True, width_chars=TEXT_WIDTH, max_width_chars=TEXT_WIDTH)
        self._spinner = Gtk.Spinner()
        row.pack_start(self._dot, False, False, 0)
        row.pack_start(self._state, True, True, 0)
        row.pack_start(self._spinner, False, False, 0)
        again = Gtk.Button.new_with_label(_("Try again"))
        again.connect("clicked", lambda _button: self._live.retry())
        more = Gtk.Button.new_with_label(_("What to do"))
        more.connect("clicked", lambda _button: Gimp.help(DOMAIN, f"error-{self._code}"))
        self._ways_out = Gtk.Box(spacing=SPACING, halign=Gtk.Align.END)
        for button in (more, again):
            self._ways_out.pack_start(button, False, False, 0)
            button.show()
        self._ways_out.set_no_show_all(True)
        rows = _column()
        rows.pack_start(row, False, False, 0)
        rows.pack_start(self._ways_out, False, False, 0)
        return rows

    def _switch(self, name: str) -> Any:
        """A check button for a boolean argument, bound both ways."""
        about = self._config.find_property(name)
        button = Gtk.CheckButton.new_with_mnemonic(about.get_nick())
        button.set_tooltip_text(about.get_blurb())
        self._config.bind_property(name, button, "active", BOUND)
        return button

    def _string_combo(self, name: str, labels: Mapping[str, str]) -> Any:
        """A combo box for a choice argument, bound both ways."""
        combo = Gtk.ComboBoxText()
        for nick, label in labels.items():
            combo.append(nick, label)
        self._config.bind_property(name, combo, "active-id", BOUND)
        return combo

    def _other_layers(self) -> list[Layer]:
        """All layers that could be a reference, topmost first."""
        targets = {layer.get_id() for layer in self._targets}
        found: list[Layer] = []
        waiting = list(self._image.get_layers())
        while waiting:
            layer = waiting.pop(0)
            if layer.get_id() not in targets:
                found.append(layer)
            if layer.is_group_layer():
                waiting = [*layer.get_children(), *waiting]
        return found

    # What the artist does

    def _mode_chosen(self, button: Any, mode: Mode) -> None:
        if button.get_active():
            self._preview.set_mode(mode)

    def _network_chosen(self, combo: Any) -> None:
        key = combo.get_active_id() or ""
        if key != self._config.get_property("network"):
            self._config.set_property("network", key)
        key = key or self._default
        chosen = next((network for network in self._networks if network.key == key), None)
        self._summary.set_text(chosen.summary if chosen else "")
        self._summary.set_visible(bool(chosen and chosen.summary))

    def _layer_chosen(self, combo: Any) -> None:
        self._config.set_property("reference-layer", Gimp.Layer.get_by_id(int(combo.get_active_id())))

    def _file_chosen(self, button: Any) -> None:
        self._config.set_property("reference-file", button.get_filename() or "")

    def _changed(self, _config: Any, what: Any) -> None:
        if what.name in ("output", "reference"):
            self._show_what_applies()
        if what.name not in ("output", "hide-original"):
            self._refresh()

    def _show_what_applies(self) -> None:
        """Hides what the other choices make meaningless."""
        reference = self._config.get_property("reference")
        self._layer.set_visible(reference == Reference.LAYER.value)
        self._file.set_visible(reference == Reference.FILE.value)
        self._hide.set_sensitive(self._config.get_property("output") == Output.NEW_LAYER.value)

    # What follows from it

    def _step(self) -> bool:
        self._live.step()
        daemon = self._live.session.daemon
        if daemon is not None and daemon.networks != self._networks:
            self._networks = daemon.networks
            self._list_networks(daemon.default_network)
        return bool(GLib.SOURCE_CONTINUE)

    def _list_networks(self, default: str) -> None:
        """The daemon's networks, once it has said which it has."""
        self._default = default
        wanted = self._config.get_property("network")
        titles = {network.key: network.title for network in self._networks}
        self._network.handler_block_by_func(self._network_chosen)
        self._network.remove_all()
        self._network.append("", _("Best ({title})").format(title=titles.get(default, default)))
        for network in self._networks:
            self._network.append(network.key, network.title)
        if not self._network.set_active_id(wanted):
            self._network.set_active_id("")
        self._network.handler_unblock_by_func(self._network_chosen)
        self._network_chosen(self._network)

    def _refresh(self) -> bool:
        options = options_from(self._config)
        try:
            view = self._view(options)
        except PluginError as error:
            self._live.show(None, options.look)
            self._show_state(Shown(Mood.TROUBLE, str(error), error.code))
        else:
            self._live.show(view, look_from(self._config))
        return bool(GLib.SOURCE_REMOVE)

    def _view(self, options: Options) -> View:
        """What the network is to look at; read from the image once for each choice."""
        if options.output is Output.CURVES:
            writing.require_curves()
        found, thumbnail = self._scene(options.output)
        kind = (options.reference, options.reference_layer, options.reference_file)
        if options.reference is Reference.BELOW:
            reading.require_background(found, self._targets[0])
        if kind not in self._references:
            self._references[kind] = harmonize.reference_thumbnail(self._image, self._targets, options)
        return View(thumbnail, found.mask, self._references[kind], options.network, options.foreground_class)

    def _scene(self, output: Output) -> tuple[Scene, Thumbnail]:
        """The scene around the first layer, and the one object that stands for its thumbnail."""
        anew = output is Output.CURVES
        if anew not in self._scenes:
            layer = self._targets[0]
            found = reading.around(
                layer, reading.region_box(layer), needs_background=False, drop=record.NAME if anew else ""
            )
            self._scenes[anew] = (found, found.thumbnail)
        found, thumbnail = self._scenes[anew]
        if thumbnail is not self._thumbnail:
            self._thumbnail = thumbnail
            self._preview.set_scene(found.width, found.height, found.rgb, found.mask)
        return found, thumbnail

    def _show_picture(self, picture: Picture) -> None:
        self._preview.set_result(picture)
        if self._live.prediction is not None:
            self._notes.set_text("\n".join(self._live.prediction.notes))
        if TIMES:
            with open(TIMES, "a", encoding="utf-8") as file:
                file.write(f"{picture.seconds:.4f}\n")

    def _show_state(self, shown: Shown) -> None:
        self._dot.set_markup(f'<span foreground="{_DOTS[shown.mood]}">●</span>')
        self._state.set_text(shown.text)
        working = shown.mood in (Mood.WAITING, Mood.BUSY)
        self._spinner.set_visible(working)
        (self._spinner.start if working else self._spinner.stop)()
        self._code = shown.code
        self._ways_out.set_visible(shown.mood is Mood.TROUBLE)


def _column() -> Any:
    return Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=SPACING)


def _grid(rows: Sequence[tuple[str, Any]]) -> Any:
    """Labels, some of them empty, and what they label."""
    grid = Gtk.Grid(column_spacing=SPACING, row_spacing=SPACING)
    for index, (label, widget) in enumerate(rows):
        if label:
            text = Gtk.Label.new_with_mnemonic(label)
            text.set_mnemonic_widget(widget)
            text.set_xalign(0)
            grid.attach(text, 0, index, 1, 1)
        widget.set_hexpand(True)
        grid.attach(widget, 1, index, 1, 1)
    return grid


def _dim_label(text: str) -> Any:
    label = Gtk.Label(label=text, xalign=0, wrap=True, max_width_chars=TEXT_WIDTH)
    label.get_style_context().add_class("dim-label")
    return label
