"""What the procedures and the dialog share: GIMP's configuration as `Options`, progress and notes to the artist."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from gi.repository import Gimp
from harmonize_client import Look, __version__

from .layers import Image, is_in
from .options import Options, Output, Reference
from .words import _, note_in_words

CLIENT_NAME = f"gimp/{__version__}"


OUTPUTS = {
    Output.NEW_LAYER.value: _("New layer above the original"),
    Output.REPLACE.value: _("Replace the layer’s pixels"),
    Output.CURVES.value: _("Editable curves on the layer"),
}
REFERENCES = {
    Reference.BELOW.value: _("What lies below"),
    Reference.ABOVE.value: _("What lies above"),
    Reference.VISIBLE.value: _("All that is visible"),
    Reference.LAYER.value: _("Another layer"),
    Reference.FILE.value: _("A picture file"),
}
CLASSES = {
    "unknown": _("Anything"),
    "person": _("A person"),
    "vehicle": _("A vehicle"),
    "animal": _("An animal"),
    "food": _("Food"),
    "other": _("Something else"),
}


def look_from(config: Any) -> Look:
    """The sliders and switches of a configuration."""
    return Look(**{item.name: config.get_property(item.name.replace("_", "-")) for item in fields(Look)})


def options_from(config: Any, image: Image) -> Options:
    """The options that a configuration holds, for this image: a reference layer of another one is none."""
    layer = config.get_property("reference-layer")
    if layer is not None and not is_in(image, layer):
        layer = None
    foreground_class = config.get_property("foreground-class")
    output, look = Output(config.get_property("output")), look_from(config)
    if output is Output.CURVES:
        # Curves know no transparency, and red, green and blue only one by one: neither a preview nor the layers above
        # may be shown what they cannot do.
        look = replace(look, clean_edges=False, saturation=0.0)
    return Options(
        network=config.get_property("network") or "",
        output=output,
        hide_original=config.get_property("hide-original"),
        reference=Reference(config.get_property("reference")),
        reference_layer=layer.get_tattoo() if layer is not None else 0,
        reference_file=config.get_property("reference-file") or "",
        foreground_class="" if foreground_class == "unknown" else foreground_class,
        look=look,
    )


def show_progress(text: str, fraction: float) -> None:
    """GIMP's own progress bar, in its status area."""
    if not _progress_shown:
        Gimp.progress_init(text)
        _progress_shown.append(text)
    elif _progress_shown[-1] != text:
        Gimp.progress_set_text(text)
        _progress_shown[-1] = text
    Gimp.progress_update(fraction)


_progress_shown: list[str] = []


def tell(notes: tuple[str, ...]) -> None:
    """Notes of the daemon, as GIMP's own messages."""
    for note in notes:
        Gimp.message(note_in_words(note))
