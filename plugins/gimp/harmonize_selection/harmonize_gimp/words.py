"""Translations. Needs no GIMP.

GIMP tells its plug-ins its language through the environment (LANGUAGE), which is where `gettext` looks.
"""

from __future__ import annotations

import gettext
import locale
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
    later("The network changes nothing: the foreground fits already, or the network is not sure enough to help."),
    later("The network had no usable answer for this picture and changes nothing."),
)
"""What the daemon tells artists about a prediction."""


SHORT_OF_MEMORY = later("The memory of {device} did not suffice: computed on the CPU.")
"""And when a prediction had to leave its device."""
SUMMARIES = (
    later("Likeness to real photos: {decibels} dB"),
    later("Likeness to real photos: not measured"),
    later("Imported from {file}"),
    later("Statistics, no network"),
)
"""What the daemon says of its networks."""


def note_in_words(note: str) -> str:
    """A note of the daemon in the artist's language; one that is not known here in its own."""
    return _in_words(note, (SHORT_OF_MEMORY,))


def summary_in_words(summary: str) -> str:
    """What the daemon says of a network, likewise."""
    return _in_words(summary, SUMMARIES)


def _in_words(said: str, patterns: tuple[str, ...]) -> str:
    """The translation of what was said, which may be one of the patterns with a value in it."""
    for pattern in patterns:
        before, brace, rest = pattern.partition("{")
        name, _brace, after = rest.partition("}")
        if brace and said.startswith(before) and said.endswith(after):
            value = said[len(before) : len(said) - len(after)]
            return _(pattern).format(**{name: _number(value) if name == "decibels" else value})
    return _(said)


def _number(text: str) -> str:
    """A number with a decimal point, written as the dialog's other numbers are."""
    return text.replace(".", locale.localeconv()["decimal_point"])  # type: ignore[arg-type]
