"""Every word that artists read exists in every language, with the same placeholders and no key twice."""

from __future__ import annotations

import ast
import gettext
import io
import re
from pathlib import Path

import harmonize_gimp
import pytest
from harmonize_daemon.install import catalogs

SOURCES = Path(harmonize_gimp.__file__).parent
CATALOGS = sorted((SOURCES.parents[1] / "po").glob("*.po"))
DIALOG = (
    *("_Network", "_Match", "O_utput", "Hi_de the original layer", "Str_ength", "Li_ght", "Color", "_Warmth", "Tint"),
    *("S_aturation", "Con_trast", "_Protect highlights", "Color onl_y", "A_fter", "_Before", "Spl_it", "Show mas_k"),
)


def messages() -> set[str]:
    """The first argument of every `_` and `ngettext`."""
    found = set()
    for path in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
                first = node.args[0]
                assert isinstance(first, ast.Constant), f"{path.name}:{node.lineno} translates what is not a literal"
                found.add(str(first.value))
    return found


def catalog(path: Path) -> dict[str, str]:
    return {key.split("\0")[0]: text for key, text in catalogs.parse_po(path.read_text("utf-8")).items() if key}


def test_there_are_two_more_languages_than_english() -> None:
    assert [path.stem for path in CATALOGS] == ["de", "fr"]


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_nothing_is_missing_and_nothing_is_left_over(path: Path) -> None:
    assert set(catalog(path)) == messages()


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_placeholders_survive_translation(path: Path) -> None:
    for message, text in catalog(path).items():
        for form in text.split("\0"):
            assert sorted(re.findall(r"{\w+}", form)) == sorted(re.findall(r"{\w+}", message)), message


def test_no_key_opens_two_things_in_the_english_dialog() -> None:
    keys = [label[label.index("_") + 1].lower() for label in DIALOG if "_" in label]
    # GIMP's own buttons: Help, Reset, Cancel, OK, Load, Save.
    taken = [*keys, *"hrcols"]
    assert len(taken) == len(set(taken))
    assert messages() >= set(DIALOG)


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_a_compiled_catalog_is_read_by_gettext(path: Path) -> None:
    translation = gettext.GNUTranslations(io.BytesIO(catalogs.compile_po(path.read_text("utf-8"))))
    assert translation.gettext("What lies below") == catalog(path)["What lies below"]
    one, many = "{count} layer is selected.", "{count} layers are selected."
    assert translation.ngettext(one, many, 1) != translation.ngettext(one, many, 5)
