"""What GIMP knows of the plug-in: procedures, their arguments, and how a run ends."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from typing import Any

from gi.repository import Gimp, Gio, GLib, GObject
from harmonize_client import HarmonizeError, connect

from . import harmonize, tasks, words
from .choices import CLASSES, CLIENT_NAME, OUTPUTS, REFERENCES, options_from, show_progress, tell
from .errors import Ending, PluginError, from_client
from .layers import Image, Layer
from .options import Output, Reference
from .words import _

HARMONIZE = "plug-in-harmonize-selection"
AGAIN = "plug-in-harmonize-selection-again"

FOLDER = words.LOCALE_FOLDER.parent


class HarmonizePlugIn(Gimp.PlugIn):  # type: ignore[misc]
    """Filters › Harmonize Selection…, and Harmonize Again."""

    def do_query_procedures(self) -> list[str]:
        self.set_help_domain(words.DOMAIN, Gio.File.new_for_path(str(FOLDER / "help")))
        return [HARMONIZE, AGAIN]

    def do_set_i18n(self, name: str) -> tuple[bool, str, str]:
        return True, words.DOMAIN, "locale"

    def do_create_procedure(self, name: str) -> Any:
        if name == AGAIN:
            return _again_procedure(self)
        return _harmonize_procedure(self)


def _new(plug_in: HarmonizePlugIn, name: str, run: Any, label: str, blurb: str, help: str) -> Any:
    procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_image_types("*")
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE | Gimp.ProcedureSensitivityMask.DRAWABLES)
    procedure.set_menu_label(label)
    procedure.add_menu_path("<Image>/Filters")
    procedure.set_documentation(blurb, help, name)
    procedure.set_attribution("Harmonize Selection", "MIT", "2026")
    icon = FOLDER / "harmonize-selection.svg"
    if icon.is_file():
        procedure.set_icon_file(Gio.File.new_for_path(str(icon)))
    return procedure


def _harmonize_procedure(plug_in: HarmonizePlugIn) -> Any:
    procedure = _new(
        plug_in,
        HARMONIZE,
        _run,
        _("Harmoni_ze Selection…"),
        _("Make a pasted layer belong to its scene"),
        _(
            "Changes light and color of the selected part of a layer (all of it when nothing is selected) so that it "
            "fits what lies below. Pixels outside the selection stay as they are."
        ),
    )
    flags = GObject.ParamFlags.READWRITE
    add_number, add_switch = procedure.add_double_argument, procedure.add_boolean_argument
    procedure.add_string_argument(
        "network", _("_Network"), _("Key of the network; empty = the best one there is"), "", flags
    )
    procedure.add_choice_argument(
        "output", _("O_utput"), _("Where the result goes"), _choice(OUTPUTS), Output.NEW_LAYER.value, flags
    )
    add_switch("hide-original", _("Hi_de the original layer"), _("When the result is a new layer"), True, flags)
    procedure.add_choice_argument(
        "reference",
        _("_Match"),
        _("What light and color are taken from"),
        _choice(REFERENCES),
        Reference.BELOW.value,
        flags,
    )
    procedure.add_layer_argument(
        "reference-layer", _("Reference layer"), _("The layer to match, when a layer is to be matched"), True, flags
    )
    procedure.add_string_argument(
        "reference-file",
        _("Reference picture"),
        _("Path of the picture to match, when a file is to be matched"),
        "",
        flags,
    )
    procedure.add_choice_argument(
        "foreground-class",
        _("The layer shows"),
        _("Helps networks that know what things are"),
        _choice(CLASSES),
        "unknown",
        flags,
    )
    add_number("strength", _("Str_ength"), _("How much of the change is applied"), 0, 1, 1, flags)
    add_number("light", _("Li_ght"), _("Share of the change of lightness"), 0, 2, 1, flags)
    add_number("color", _("Color"), _("Share of the change of color"), 0, 2, 1, flags)
    add_number("warmth", _("_Warmth"), _("From blue to amber"), -1, 1, 0, flags)
    add_number("tint", _("Tint"), _("From green to magenta"), -1, 1, 0, flags)
    add_number("saturation", _("S_aturation"), _("-1 is grey"), -1, 1, 0, flags)
    add_number("contrast", _("Con_trast"), _("Around middle grey"), -1, 1, 0, flags)
    add_switch("protect-highlights", _("_Protect highlights"), _("The change fades out towards white"), False, flags)
    add_switch("color-only", _("Color onl_y"), _("Lightness stays as it was"), False, flags)
    tooltip = _("Removes the old background's color from soft edges")
    add_switch("clean-edges", _("Clean edges"), tooltip, False, flags)
    return procedure


def _again_procedure(plug_in: HarmonizePlugIn) -> Any:
    return _new(
        plug_in,
        AGAIN,
        _run_again,
        _("Harmonize Aga_in"),
        _("Harmonize once more with the choices that are stored with the layer"),
        _(
            "A layer that Harmonize Selection has made is made anew from its original, against what lies below it now. "
            "A layer without stored choices is harmonized with the usual ones."
        ),
    )


def _choice(entries: Mapping[str, str]) -> Any:
    choice = Gimp.Choice.new()
    for index, (nick, label) in enumerate(entries.items()):
        choice.add(nick, index, label, "")
    return choice


def _run(procedure: Any, mode: Any, image: Image, drawables: list[Layer], config: Any, _data: Any) -> Any:
    def work() -> Ending:
        if mode == Gimp.RunMode.INTERACTIVE:
            from .dialog import ask

            return ask(procedure, config, image, drawables)
        which = tasks.as_they_are if mode == Gimp.RunMode.NONINTERACTIVE else tasks.anew
        wanted = which(image, drawables, options_from(config, image))
        with _connected() as client:
            outcome = harmonize.run(client, image, wanted, show_progress)
        tell(outcome.notes)
        return Ending.SUCCESS

    return _end(procedure, work)


def _run_again(procedure: Any, mode: Any, image: Image, drawables: list[Layer], _config: Any, _data: Any) -> Any:
    def work() -> Ending:
        wanted = tasks.again(image, drawables)
        with _connected() as client:
            tell(harmonize.run(client, image, wanted, show_progress).notes)
        return Ending.SUCCESS

    return _end(procedure, work)


def _connected() -> Any:
    show_progress(_("Connecting"), 0.0)
    try:
        return connect(CLIENT_NAME)
    except HarmonizeError as error:
        raise from_client(error) from error


def _end(procedure: Any, work: Any) -> Any:
    """Runs and says to GIMP how it ended."""
    try:
        return procedure.new_return_values(getattr(Gimp.PDBStatusType, work().value), None)
    except PluginError as error:
        status = getattr(Gimp.PDBStatusType, error.ending.value)
        if error.ending is Ending.CANCEL:
            return procedure.new_return_values(status, None)
        message = str(error)
    except HarmonizeError as error:
        status, message = Gimp.PDBStatusType.EXECUTION_ERROR, str(from_client(error))
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        status = Gimp.PDBStatusType.EXECUTION_ERROR
        message = _("Harmonize Selection has a defect ({error}). Please report it.").format(error=repr(error))
    return procedure.new_return_values(status, GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0))
