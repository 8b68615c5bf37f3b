from __future__ import annotations

import gettext
import io

import pytest
from harmonize_daemon.install import catalogs

PO = r"""
# A comment.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "layer"
msgstr "Ebene"

#, fuzzy
msgid "guess"
msgstr "Vermutung"

msgid "open"
msgstr ""

msgctxt "verb"
msgid "layer"
msgstr "schichten"

msgid "{n} layer"
msgid_plural "{n} layers"
msgstr[0] "{n} Ebene"
msgstr[1] "{n} "
"Ebenen"
"""


def read(po: str) -> gettext.GNUTranslations:
    return gettext.GNUTranslations(io.BytesIO(catalogs.compile_po(po)))


def test_words_are_found_in_the_compiled_catalog() -> None:
    assert read(PO).gettext("layer") == "Ebene"


def test_plurals_and_contexts_are_kept_apart() -> None:
    assert [read(PO).ngettext("{n} layer", "{n} layers", n) for n in (1, 2)] == ["{n} Ebene", "{n} Ebenen"]
    assert read(PO).pgettext("verb", "layer") == "schichten"


def test_fuzzy_and_untranslated_words_stay_english() -> None:
    assert read(PO).gettext("guess") == "guess"
    assert read(PO).gettext("open") == "open"


def test_what_is_no_catalog_is_refused() -> None:
    with pytest.raises(ValueError, match="not part of a"):
        catalogs.compile_po("hello")
