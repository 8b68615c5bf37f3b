"""The docker's texts in the artist's language: gettext catalogues in `locale/`, which `harmonize install` compiles."""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "harmonize-selection"
FOLDER = Path(__file__).resolve().parent / "locale"

_translations: gettext.NullTranslations = gettext.NullTranslations()


def choose(language: str, folder: Path = FOLDER) -> None:
    """language: such as "de" or "fr_CA"; English where there is no catalogue."""
    global _translations
    name = language.replace("-", "_")
    _translations = gettext.translation(DOMAIN, folder, [name, name.split("_")[0]], fallback=True)


def tr(text: str, /, **values: object) -> str:
    """The text in the artist's language, with {name} replaced by `values`."""
    translated = _translations.gettext(text)
    return translated.format(**values) if values else translated


def later(text: str) -> str:
    """The text as it is, of which the catalogues hold a translation: it is looked up when it is shown."""
    return text
