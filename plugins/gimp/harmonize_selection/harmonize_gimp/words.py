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
