"""Every text of the docker is translated, and every translation can be filled in."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest
from harmonize_client import HarmonizeError, NotInstalled, TooLarge, WorkerDied
from harmonize_daemon.install.catalogs import compile_po, parse_po
from harmonize_daemon.worker import catalogue, engine
from harmonize_models import predict
from harmonize_selection import i18n, words
from harmonize_selection.task import HostError
from harmonize_selection.trouble import problem_of

PLUGIN = Path(__file__).resolve().parents[2] / "plugins" / "krita"
LANGUAGES = sorted(path.stem for path in (PLUGIN / "po").glob("*.po"))


def texts() -> set[str]:
    """All constant arguments of `tr` and `later`."""
    return {
        node.args[0].value
        for path in PLUGIN.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("tr", "later")
        and isinstance(node.args[0], ast.Constant)
    }


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    catalog = parse_po((PLUGIN / "po" / f"{language}.po").read_text("utf-8"))
    assert texts() - set(catalog) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_name_the_same_fields(language: str) -> None:
    catalog = parse_po((PLUGIN / "po" / f"{language}.po").read_text("utf-8"))
    assert {text for text, translation in catalog.items() if text and fields(text) != fields(translation)} == set()


def test_a_language_of_a_country_uses_its_language(tmp_path: Path) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / f"{i18n.DOMAIN}.mo").write_bytes(compile_po((PLUGIN / "po" / "de.po").read_text("utf-8")))
    try:
        i18n.choose("de-AT", tmp_path)
        assert i18n.tr("Strength") == "Stärke"
        assert i18n.tr("Layer: {name}", name="x") == "Ebene: x"
        i18n.choose("cy", tmp_path)
        assert i18n.tr("Strength") == "Strength"
    finally:
        i18n.choose("en", tmp_path)


@pytest.mark.parametrize("error", [NotInstalled, WorkerDied, TooLarge])
def test_trouble_is_told_in_the_artists_language(tmp_path: Path, error: type[HarmonizeError]) -> None:
    catalog = parse_po((PLUGIN / "po" / "de.po").read_text("utf-8"))
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / f"{i18n.DOMAIN}.mo").write_bytes(compile_po((PLUGIN / "po" / "de.po").read_text("utf-8")))
    english = problem_of(error("17 of 4", "see the log"))
    try:
        i18n.choose("de", tmp_path)
        german = problem_of(error("17 of 4", "see the log"))
        empty = problem_of(HostError(i18n.tr("the layer was deleted")))
    finally:
        i18n.choose("en", tmp_path)
    assert german.line == catalog[english.line]
    cause, hint, said = english.details.split("\n\n")
    assert german.details == f"{catalog[cause]}\n\n{catalog[hint]}\n\n{said}"
    assert said == f"17 of 4 ({error.default_code})"
    assert empty.details == "Die Ebene wurde gelöscht.\n\n(host)"


def test_what_the_host_cannot_do_is_told_in_the_artists_language() -> None:
    """Nothing that is raised in Krita is a text of its own."""
    raised = [
        argument
        for path in (PLUGIN / "harmonize_selection" / "krita_host").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "HostError"
        for argument in node.args
    ]
    assert raised
    assert all(isinstance(argument, ast.Call) and ast.unparse(argument.func) == "tr" for argument in raised)


def test_the_notes_are_those_of_the_daemon() -> None:
    assert words.SHORT_OF_MEMORY == engine.SHORT_OF_MEMORY
    assert words.note_words(engine.SHORT_OF_MEMORY.format(device="cuda:0")).startswith("The memory of cuda:0 did")
    assert set(words.NOTES) == {predict.EMPTY_MASK, predict.FULL_MASK, predict.ALREADY_FITS, predict.NO_ANSWER}


def test_what_the_host_cannot_do_is_told_in_sentences() -> None:
    problem = problem_of(HostError("the layer was deleted", "try again"))
    assert problem.line == "The layer was deleted"
    assert problem.details == "The layer was deleted\n\nTry again\n\n(host)"


def test_what_is_said_of_networks_is_what_the_daemon_says() -> None:
    said = (catalogue.LIKENESS, catalogue.NOT_MEASURED, catalogue.IMPORTED, catalogue.STATISTICS)
    assert said == words.SUMMARIES
    assert words.summary_words(catalogue.IMPORTED.format(file="a.pth")) == "Imported from a.pth"
    assert words.summary_words("something new") == "something new"
