"""The window: the preview on the left, the choices on the right."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GimpUi", "3.0")

from gi.repository import Gimp, GimpUi, GLib, Gtk  # noqa: E402
from harmonize_client import Client, Look, NetworkInfo, Session  # noqa: E402

from . import harmonize, layers, masks, tasks  # noqa: E402
from .choices import CLASSES, CLIENT_NAME, OUTPUTS, REFERENCES, options_from, show_progress, tell  # noqa: E402
from .errors import Ending, NothingChosen, PluginError  # noqa: E402
from .geometry import Scale, closeup  # noqa: E402
from .layers import Image, Layer  # noqa: E402
from .live import Live, Picture  # noqa: E402
from .options import Options, Output, Reference  # noqa: E402
from .preview import SIDE, Mode, Preview  # noqa: E402
from .reading import Scene  # noqa: E402
from .states import Mood, Shown  # noqa: E402
from .variant_strip import VariantStrip  # noqa: E402
from .variants import Variant, variants  # noqa: E402
from .views import Views  # noqa: E402
from .widgets import SPACING, StateLine, bound_combo, bound_switch, column, dim_label, grid, narrow_combo  # noqa: E402
from .words import _, ngettext, note_in_words, summary_in_words  # noqa: E402

STEP_MILLISECONDS = 10
REST_MILLISECONDS = 100
"""While there is nothing to do, the daemon is looked at only to see whether it has ended."""
COLUMN_WIDTH = 340
RESERVE = 80
"""Pixels of the screen's height for the window's title, and for a note of two lines."""

SLIDERS = ("strength", "light", "color", "warmth", "tint", "saturation", "contrast")
SWITCHES = ("protect-highlights", "color-only", "clean-edges")

TIMES = os.environ.get("HARMONIZE_GIMP_TIMES", "")
"""For measuring: a file that gets a line for each preview, the seconds from the wish to the picture."""


def ask(procedure: Any, config: Any, image: Image, drawables: Sequence[Layer]) -> Ending:
    """Shows the dialog, and harmonizes if the artist says so. Raises PluginError."""
    targets = layers.check(image, drawables)
    GimpUi.init("harmonize-selection")
    with Session(CLIENT_NAME) as session:
        dialog = Dialog(procedure, config, image, targets, session)
        agreed = dialog.run()
        if not agreed:
            return Ending.CANCEL
        wanted = tasks.anew(image, targets, options_from(config, image))
        outcome = harmonize.run(Client(session), image, wanted, show_progress)
    tell(outcome.notes)
    return Ending.SUCCESS


class Dialog:
    """Binds the widgets to GIMP's configuration, and both to `Live`."""

    def __init__(self, procedure: Any, config: Any, image: Image, targets: list[Layer], session: Session) -> None:
        self._config = config
        self._image = image
        self._targets = targets
        self._made_from = tasks.source(targets[0])
        self._views = Views(image, targets, self._made_from)
        self._scene: Scene | None = None
        self._on_screen = False
        self._painting = 0
        self._networks: tuple[NetworkInfo, ...] = ()
        self._default = ""
        self._pace = self._timer = 0
        self._roomy = False
        """Whether the window is larger than it must be: so the artist has made it."""
        self._window = GimpUi.ProcedureDialog.new(procedure, config, _("Harmonize Selection"))
        self._preview = Preview()
        expected = Scale.to_fit(image.get_width(), image.get_height(), SIDE)
        self._preview.ask_for(expected.width, expected.height)
        self._state = StateLine(self._try_again)
        self._variants = VariantStrip(self._variant_chosen)
        self._live = Live(session, self._show_picture, self._show_state, self._variants.set_picture)
        self._live.show(None, Look(), Shown(Mood.BUSY, _("Looking at the scene…")))
        self._build()
        config.connect("notify", self._changed)
        self._window.connect("notify::is-active", self._left_or_back)
        self._window.connect_after("size-allocate", self._sized)
        self._window.connect_after("map", self._mapped)

    def run(self) -> bool:
        """Until the artist decides; whether to go on."""
        self._look_every(STEP_MILLISECONDS)
        try:
            return bool(self._window.run())
        finally:
            GLib.source_remove(self._timer)
            self._window.destroy()

    def _mapped(self, window: Any) -> None:
        if not self._painting:
            self._painting = window.get_frame_clock().connect_after("paint", self._painted)

    def _painted(self, clock: Any) -> None:
        """For the first time. While a large image is looked at, the window would else be an empty frame."""
        clock.disconnect(self._painting)
        self._on_screen = True
        GLib.idle_add(self._refresh)

    # Widgets

    def _build(self) -> None:
        columns = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=3 * SPACING)
        columns.set_border_width(2 * SPACING)
        columns.pack_start(self._picture_column(), True, True, 0)
        columns.pack_start(self._choice_column(), False, False, 0)
        self._window.get_content_area().pack_start(columns, True, True, 0)
        columns.show_all()
        self._summary.hide()
        self._show_what_applies()

    def _picture_column(self) -> Any:
        rows = column()
        frame = Gtk.Frame()
        frame.set_shadow_type(Gtk.ShadowType.IN)
        frame.add(self._preview)
        rows.pack_start(frame, True, True, 0)
        rows.pack_start(self._mode_row(), False, False, 0)
        rows.pack_start(self._variants, False, False, 0)
        self._hide = bound_switch(self._config, "hide-original")
        output = bound_combo(self._config, "output", OUTPUTS)
        rows.pack_start(grid(((_("O_utput"), output), ("", self._hide))), False, False, SPACING)
        self._notes = dim_label("")
        rows.pack_start(self._notes, False, False, 0)
        if len(self._targets) > 1:
            text = ngettext("{count} layer is selected.", "{count} layers are selected.", len(self._targets))
            note = text + " " + _("The preview shows “{name}”.")
            name = self._targets[0].get_name()
            rows.pack_start(dim_label(note.format(count=len(self._targets), name=name)), False, False, 0)
        if self._image.get_base_type() == Gimp.ImageBaseType.INDEXED:
            note = _("The image is indexed: the result takes the nearest colors of its palette.")
            rows.pack_start(dim_label(note + " " + _("Convert it to RGB first to keep all colors.")), False, False, 0)
        if self._made_from is not None:
            note = _("“{name}” is made anew from “{source}”.")
            names = {"name": self._targets[0].get_name(), "source": self._made_from.get_name()}
            rows.pack_start(dim_label(note.format(**names)), False, False, 0)
        return rows

    def _mode_row(self) -> Any:
        row = Gtk.Box(spacing=2 * SPACING)
        modes = Gtk.ButtonBox(layout_style=Gtk.ButtonBoxStyle.EXPAND)
        first = None
        for mode, label, hint in (
            (Mode.AFTER, _("A_fter"), _("The layer as it will be")),
            (Mode.BEFORE, _("_Before"), _("The layer as it is")),
            (
                Mode.SPLIT,
                _("Spl_it"),
                _("Before to the left of the line, after to the right: drag it, or use the arrow keys"),
            ),
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
        return row

    def _choice_column(self) -> Any:
        rows = column()
        rows.set_size_request(COLUMN_WIDTH, -1)
        rows.set_hexpand(False)  # what is in it would else take half of what a larger window has for the preview
        rows.pack_start(self._state, False, False, 0)
        self._network = Gtk.ComboBoxText()
        self._network.append("", _("The best"))
        self._network.set_active_id("")
        self._network.connect("changed", self._network_chosen)
        self._summary = dim_label("")
        self._layer, self._file = narrow_combo(), self._file_button()
        self._layer.connect("changed", self._layer_chosen)
        self._list_layers()
        self._show_file()
        choices = (
            (_("_Network"), self._network),
            ("", self._summary),
            (_("The layer shows"), bound_combo(self._config, "foreground-class", CLASSES)),
            (_("_Match"), bound_combo(self._config, "reference", REFERENCES)),
            ("", self._layer),
            ("", self._file),
        )
        rows.pack_start(grid(choices), False, False, SPACING)
        rows.pack_start(Gtk.Separator(), False, False, 0)
        sliders = {name: self._window.get_spin_scale(name, 100.0) for name in SLIDERS}
        switches = {name: bound_switch(self._config, name) for name in SWITCHES}
        for scale in sliders.values():
            scale.set_digits(0)
        for widget in (*sliders.values(), *switches.values()):
            rows.pack_start(widget, False, False, 0)
        self._not_for_curves = (sliders["saturation"], switches["clean-edges"])
        return rows

    def _file_button(self) -> Any:
        button = Gtk.FileChooserButton(title=_("Reference picture"), action=Gtk.FileChooserAction.OPEN)
        button.connect("file-set", self._file_chosen)
        return button

    # What the artist does

    def _try_again(self) -> None:
        """Both sides may have changed: the daemon, and the image, which is open behind the dialog."""
        self._live.retry()
        self._views.forget()
        self._list_layers()
        self._refresh()

    def _left_or_back(self, window: Any, _what: Any) -> None:
        """The image is open behind the dialog: what the artist does there is seen when the artist is back."""
        if not self._on_screen:
            return  # nothing was looked at yet
        if window.is_active():
            self._list_layers()
            self._refresh()
        elif Gtk.grab_get_current() is None:  # else a list of the dialog's own is open, or its file chooser
            self._views.forget()

    def _mode_chosen(self, button: Any, mode: Mode) -> None:
        if button.get_active():
            self._preview.set_mode(mode)

    def _variant_chosen(self, variant: Variant) -> None:
        self._config.freeze_notify()  # one change, and not one for each slider
        self._config.set_property("network", variant.network)
        for item in fields(Look):
            self._config.set_property(item.name.replace("_", "-"), getattr(variant.look, item.name))
        self._config.thaw_notify()

    def _network_chosen(self, combo: Any) -> None:
        key = combo.get_active_id() or ""
        if key != self._config.get_property("network"):
            self._config.set_property("network", key)
        key = key or self._default
        chosen = next((network for network in self._networks if network.key == key), None)
        self._summary.set_text(summary_in_words(chosen.summary) if chosen else "")
        self._summary.set_visible(bool(chosen and chosen.summary))

    def _layer_chosen(self, combo: Any) -> None:
        key = combo.get_active_id()
        if key is not None:
            self._config.set_property("reference-layer", Gimp.Layer.get_by_id(int(key)))

    def _file_chosen(self, button: Any) -> None:
        self._config.set_property("reference-file", button.get_filename() or "")

    def _changed(self, _config: Any, what: Any) -> None:
        # Not only the artist's widgets change it: GIMP's own Reset and Load Saved Settings do, too.
        show = {
            "network": self._show_network,
            "reference-layer": self._show_layer,
            "reference-file": self._show_file,
        }.get(what.name)
        if show is not None:
            show()
        if what.name in ("output", "reference"):
            self._show_what_applies()
        if what.name != "hide-original":
            self._refresh()

    def _show_network(self) -> None:
        """Once the daemon has said which networks it has; the best in place of one that it does not have."""
        if not self._networks:
            return
        if not self._network.set_active_id(self._config.get_property("network") or ""):
            self._network.set_active_id("")
        self._network_chosen(self._network)

    def _show_layer(self) -> None:
        chosen = self._config.get_property("reference-layer")
        if chosen is None or not self._layer.set_active_id(str(chosen.get_id())):
            self._layer.set_active(-1)

    def _show_file(self) -> None:
        chosen = self._config.get_property("reference-file") or ""
        if not chosen:
            self._file.unselect_all()
        elif chosen != self._file.get_filename():
            self._file.set_filename(chosen)

    def _show_what_applies(self) -> None:
        """Hides what the other choices make meaningless."""
        reference = self._config.get_property("reference")
        self._layer.set_visible(reference == Reference.LAYER.value)
        self._file.set_visible(reference == Reference.FILE.value)
        output = self._config.get_property("output")
        self._hide.set_sensitive(output == Output.NEW_LAYER.value)
        for widget in self._not_for_curves:
            widget.set_sensitive(output != Output.CURVES.value)
        self._fit()

    # What follows from it

    def _step(self) -> bool:
        self._live.step()
        daemon = self._live.session.daemon
        if daemon is not None and daemon.networks != self._networks:
            self._networks = daemon.networks
            self._list_networks(daemon.default_network)
        self._look_every(REST_MILLISECONDS if self._live.at_rest else STEP_MILLISECONDS)
        return bool(GLib.SOURCE_CONTINUE)

    def _look_every(self, milliseconds: int) -> None:
        """How often the daemon is looked at, from now on."""
        if milliseconds != self._pace:
            if self._pace:
                GLib.source_remove(self._timer)
            self._pace, self._timer = milliseconds, GLib.timeout_add(milliseconds, self._step)

    def _list_networks(self, default: str) -> None:
        """The daemon's networks, once it has said which it has."""
        self._default = default
        titles = {network.key: network.title for network in self._networks}
        self._network.handler_block_by_func(self._network_chosen)
        self._network.remove_all()
        self._network.append("", _("Best ({title})").format(title=titles.get(default, default)))
        for network in self._networks:
            self._network.append(network.key, network.title)
        self._network.handler_unblock_by_func(self._network_chosen)
        self._show_network()
        self._refresh()

    def _list_layers(self) -> None:
        """The image's other layers, of which one can be matched."""
        others = layers.others(self._image, self._targets) if self._image.is_valid() else []
        self._layer.handler_block_by_func(self._layer_chosen)
        self._layer.remove_all()
        for layer in others:
            self._layer.append(str(layer.get_id()), layer.get_name())
        self._show_layer()
        self._layer.handler_unblock_by_func(self._layer_chosen)

    def _refresh(self) -> bool:
        if not self._on_screen:
            return bool(GLib.SOURCE_REMOVE)
        options = options_from(self._config, self._image)
        try:
            view, scene = self._views.view(options)
        except PluginError as error:
            mood = Mood.CHOOSING if isinstance(error, NothingChosen) else Mood.TROUBLE
            self._live.show(None, options.look, Shown(mood, str(error), error.code))
        else:
            if scene != self._scene:
                if self._scene is None:
                    self._preview.set_room(*self._room())
                self._scene = scene
                self._preview.set_scene(scene.width, scene.height, scene.rgb, scene.mask)
                self._fit()
                self._variants.set_scene(closeup(masks.bounds(scene.mask, scene.width), scene.width, scene.height))
            self._live.show(view, options.look)
            self._offer_variants(options)
        self._look_every(STEP_MILLISECONDS)
        return bool(GLib.SOURCE_REMOVE)

    def _offer_variants(self, options: Options) -> None:
        offered = variants(options.network, options.look, self._live.session.daemon)
        now = (options.network, options.look)
        self._variants.offer(offered, next((each for each in offered if (each.network, each.look) == now), None))
        self._live.offer(offered)

    def _room(self) -> tuple[int, int]:
        """How large the preview may be, so that the buttons below it are still on the screen."""
        screen = self._window.get_display().get_monitor_at_window(self._window.get_window()).get_workarea()
        self._preview.ask_for(SIDE, SIDE)
        _smallest, natural = self._window.get_preferred_size()
        return SIDE + screen.width - natural.width, SIDE + screen.height - natural.height - RESERVE

    def _show_state(self, shown: Shown) -> None:
        self._state.say(shown)
        self._fit()
        # OK would close the dialog, and what was chosen in it would be gone with the error.
        self._window.set_response_sensitive(Gtk.ResponseType.OK, shown.mood not in (Mood.CHOOSING, Mood.TROUBLE))

    def _sized(self, window: Any, given: Any) -> None:
        smallest, _natural = window.get_preferred_size()
        self._roomy = given.width > smallest.width or given.height > smallest.height

    def _fit(self) -> None:
        """Makes the window as small as can be, unless the artist has made it larger."""
        if not self._roomy:
            self._window.resize(1, 1)

    def _show_picture(self, picture: Picture) -> None:
        self._preview.set_result(picture)
        self._notes.set_text("\n".join(self._notes_in_words()))
        self._fit()
        if TIMES:
            with open(TIMES, "a", encoding="utf-8") as file:
                file.write(f"{picture.seconds:.4f}\n")

    def _notes_in_words(self) -> list[str]:
        """What the network said of the scene, and in what the result will differ from the picture."""
        options = options_from(self._config, self._image)
        notes = [note_in_words(note) for note in self._live.prediction.notes] if self._live.prediction else []
        if options.output is Output.CURVES:
            notes.extend(harmonize.curves_notes(options.look))
        if self._scene is not None and self._scene.blended:
            notes.append(_("Because of the layer’s mode the result can look different from the preview."))
        if options.look.clean_edges and self._scene is not None and self._scene.layer is None:
            notes.append(_("The preview shows soft edges as they are; in the result they are clean."))
        return notes
