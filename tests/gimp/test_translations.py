"""Every word that artists read exists in every language, with the same placeholders and no key twice."""

from __future__ import annotations

import ast
import gettext
import io
import re
from collections.abc import Iterable
from pathlib import Path

import harmonize_gimp
import pytest
from harmonize_daemon.install import catalogs
from harmonize_daemon.worker import catalogue, engine
from harmonize_gimp import words
from harmonize_models import predict

SOURCES = Path(harmonize_gimp.__file__).parent
CATALOGS = sorted((SOURCES.parents[1] / "po").glob("*.po"))
CALLS = ("_", "ngettext", "later")
DIALOG = (
    *("_Network", "_Match", "O_utput", "Hi_de the original layer", "Str_ength", "Li_ght", "Color", "_Warmth", "Tint"),
    *("S_aturation", "Con_trast", "_Protect highlights", "Color onl_y", "A_fter", "_Before", "Spl_it", "Show mas_k"),
)


def messages() -> set[str]:
    """The first argument of every `_`, `ngettext` and `later`."""
    found = set()
    for path in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                first = node.args[0]
                if path.name == "words.py" and isinstance(first, ast.Name):
                    continue  # what `later` has marked
                assert isinstance(first, ast.Constant), f"{path.name}:{node.lineno} translates what is not a literal"
                found.add(str(first.value))
    return found


def catalog(path: Path) -> dict[str, str]:
    return {key.split("\0")[0]: text for key, text in catalogs.parse_po(path.read_text("utf-8")).items() if key}


def test_gimp_and_krita_speak_the_same_languages() -> None:
    krita = SOURCES.parents[2] / "krita" / "po"
    assert [path.name for path in CATALOGS] == sorted(path.name for path in krita.glob("*.po"))
    assert len(CATALOGS) == 10


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_nothing_is_missing_and_nothing_is_left_over(path: Path) -> None:
    assert set(catalog(path)) == messages()


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_placeholders_survive_translation(path: Path) -> None:
    for message, text in catalog(path).items():
        for form in text.split("\0"):
            assert sorted(re.findall(r"{\w+}", form)) == sorted(re.findall(r"{\w+}", message)), message


def keys_of(labels: Iterable[str]) -> list[str]:
    return [label[label.index("_") + 1].lower() for label in labels if "_" in label]


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_no_key_opens_two_things_in_the_dialog(path: Path) -> None:
    texts = catalog(path)
    keys = keys_of(texts[label] for label in DIALOG)
    assert len(keys) == len(set(keys))


def test_no_key_opens_two_things_in_the_english_dialog() -> None:
    keys = keys_of(DIALOG)
    # GIMP's own buttons: Help, Reset, Cancel, OK, Load, Save.
    taken = [*keys, *"hrcols"]
    assert len(taken) == len(set(taken))
    assert messages() >= set(DIALOG)


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_a_compiled_catalog_is_read_by_gettext(path: Path) -> None:
    translation = gettext.GNUTranslations(io.BytesIO(catalogs.compile_po(path.read_text("utf-8"))))
    assert translation.gettext("What lies below") == catalog(path)["What lies below"]
    one, many = "{count} layer is selected.", "{count} layers are selected."
    no_plurals = "nplurals=1" in translation.gettext("")
    assert (translation.ngettext(one, many, 1) == translation.ngettext(one, many, 5)) is no_plurals


def test_the_notes_are_those_of_the_daemon() -> None:
    assert set(words.NOTES) == {predict.EMPTY_MASK, predict.FULL_MASK, predict.ALREADY_FITS, predict.NO_ANSWER}
    assert words.SHORT_OF_MEMORY == engine.SHORT_OF_MEMORY
    note = engine.SHORT_OF_MEMORY.format(device="cuda:0")
    assert words.note_in_words(note) == note


def test_what_is_said_of_networks_is_what_the_daemon_says() -> None:
    said = (catalogue.LIKENESS, catalogue.NOT_MEASURED, catalogue.IMPORTED, catalogue.STATISTICS)
    assert said == words.SUMMARIES
    assert words.summary_in_words("something new") == "something new"


def test_what_is_said_of_networks_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    german = catalog(next(path for path in CATALOGS if path.stem == "de"))
    monkeypatch.setattr(words, "_", german.get)
    assert words.summary_in_words(catalogue.IMPORTED.format(file="a.pth")) == "Importiert aus a.pth"
    assert words.summary_in_words(catalogue.LIKENESS.format(decibels="31.4")).endswith(": 31.4 dB")


def test_decibels_are_written_with_the_comma_of_the_artist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words.locale, "localeconv", lambda: {"decimal_point": ","})
    assert words.summary_in_words(catalogue.LIKENESS.format(decibels="31.4")).endswith(": 31,4 dB")
    assert words.summary_in_words(catalogue.IMPORTED.format(file="a.pth")).endswith("a.pth")
