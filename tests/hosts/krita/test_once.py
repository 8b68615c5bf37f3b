"""A change is never made on top of a change, nor in another document, in the real Krita."""

from __future__ import annotations

import pytest

from ..said import Said
from .krita import Krita

NEW = ["Scene", "(Figure)", "Figure harmonized"]
PLAIN = ["Scene", "Figure"]


@pytest.fixture(scope="module")
def said(krita: Krita) -> Said:
    return krita.run("once", timeout=580)


def test_a_copy_of_the_picture_is_another_document(said: Said) -> None:
    assert said["copy"] == {"case": "copy", "problem": "", "original": PLAIN, "written": NEW, "undone": PLAIN}
    assert said["copy-switched"] == {"case": "copy-switched", "problem": "", "original": PLAIN, "written": NEW}


def test_undo_does_not_show_an_original_that_was_hidden_before(said: Said) -> None:
    line = said["hidden"]
    assert line["before"] == line["undone"] == ["Scene", "(Figure)"]
    assert line["written"] == NEW


def test_new_curves_take_the_place_of_earlier_ones_and_undo_shows_those(said: Said) -> None:
    line = said["curves"]
    assert line["once"] == line["undone"] == ["Scene", ["Figure", ["Harmonize"]]]
    assert line["twice"] == line["redone"] == ["Scene", ["Figure", ["(Harmonize)", "Harmonize"]]]
    assert line["same"]
    assert line["still"]


def test_a_layer_with_our_curves_gives_the_layer_that_it_gives_without(said: Said) -> None:
    line = said["curves-layer"]
    assert line["problem"] == ""
    assert line["layers"] == ["Scene", ["(Figure)", ["(Harmonize)", "Harmonize"]], "Figure harmonized"]
    assert line["same"]


def test_replacing_a_layer_with_our_curves_is_undone_with_them(said: Said) -> None:
    line = said["curves-replaced"]
    assert line["problem"] == ""
    assert line["layers"] == PLAIN
    assert line["same"]
    assert line["undone"] == ["Scene", ["Figure", ["(Harmonize)", "Harmonize"]]]


def test_harmonize_pressed_while_curves_are_made_is_pressed_once(said: Said) -> None:
    assert said["pressed"] == {"case": "pressed", "times": 2, "layers": ["Scene", ["Figure", ["Harmonize"]]]}


def test_curves_are_seen_although_a_copy_lies_above(said: Said) -> None:
    line = said["covered-curves"]
    assert line["written"] == line["redone"] == ["Scene", ["Figure", ["Harmonize"]], "(Figure harmonized)"]
    assert line["undone"] == NEW
    assert line["again"] == ["Scene", ["(Figure)", ["Harmonize"]], "(Figure harmonized)", "Figure harmonized"]


def test_a_replaced_layer_is_seen_although_a_copy_lies_above(said: Said) -> None:
    line = said["covered-replace"]
    assert line["written"] == line["redone"] == ["Scene", "Figure", "(Figure harmonized)"]
    assert line["undone"] == NEW
    assert line["again"] == ["Scene", "(Figure)", "Figure harmonized", "(Figure harmonized)"]


def test_live_is_seen_although_a_copy_lies_above(said: Said) -> None:
    line = said["covered-live"]
    assert line["seen"] == [["Scene", ["Figure", ["Harmonize live"]], "(Figure harmonized)"]] * 2
    assert line["left"] == ["Scene", ["Figure", ["Harmonize"]], "(Figure harmonized)"]
    assert line["nothing"] == line["undone"] == NEW


def test_harmonize_during_live_reads_the_layer_as_it_is_without(said: Said) -> None:
    line = said["live"]
    assert line["layers"] == NEW
    assert line["same"]
    assert not line["live"]
    assert line["undone"] == PLAIN


def test_a_new_selection_shows_a_new_mask(said: Said) -> None:
    line = said["selected"]
    assert line["unchanged"]
    assert line["milliseconds"] < 50


def test_a_pen_is_seen_without_a_mouse(said: Said) -> None:
    line = said["tablet"]
    assert line["down"] == [True, True]
    assert not line["mouse"]
    assert line["painted"]
    assert line["lifted"]
