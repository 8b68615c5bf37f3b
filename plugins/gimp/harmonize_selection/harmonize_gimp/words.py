"""Translations. Needs no GIMP.

GIMP tells its plug-ins its language through the environment (LANGUAGE), which is where `gettext` looks.
"""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "harmonize-selection"
LOCALE_FOLDER = Path(__file__).resolve().parent.parent / "locale"

_catalog = gettext.translation(DOMAIN, LOCALE_FOLDER, fallback=True)
_ = _catalog.gettext
ngettext = _catalog.ngettext


def later(text: str) -> str:
    """The text as it is, of which the catalogs hold a translation: it is looked up when it is shown."""
    return text


NOTES = (
    later("The mask is empty: there is nothing to harmonize."),
    later("The mask covers the whole picture: there is no background to match."),
    later("Nothing is changed: the foreground fits already, or the network is not sure enough to help."),
    later("The network had no usable answer for this picture: nothing is changed."),
)
"""What the daemon tells artists about a prediction."""


def note_in_words(note: str) -> str:
    """A note of the daemon in the artist's language; one that is not known here in its own."""
    return _(note)
