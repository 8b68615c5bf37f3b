"""Live mode in the real Krita."""

from __future__ import annotations

import pytest

from ..said import Said
from .krita import Krita


@pytest.fixture(scope="module")
def said(krita: Krita) -> Said:
    return krita.run("live", timeout=580)


def test_it_shows_the_layer_through_one_mask_without_an_undo_step(said: Said) -> None:
    line = said["begun"]
    assert line["layers"] == ["Scene", ["Figure", ["Harmonize live"]]]
    assert "Add Layer" in line["undo"]


def test_a_moved_layer_takes_on_the_color_of_its_new_place(said: Said) -> None:
    line = said["moved"]
    assert line["different"] == 3
    assert line["layers"] == ["Scene", ["Figure", ["Harmonize live"]]]


def test_what_changes_below_is_followed(said: Said) -> None:
    assert said["below"]["updates"] >= 1


def test_the_curves_are_exact_when_the_pen_rests(said: Said) -> None:
    assert said["slider"]["same_at_zero"]


def test_a_selection_that_is_made_meanwhile_counts_until_it_is_taken_away(said: Said) -> None:
    assert said["selected"]["lower_half_plain"] == [True, False]


def test_a_layer_is_followed_while_it_is_dragged(said: Said) -> None:
    line = said["dragged"]
    assert line["by"] < -100
    assert line["updates_on_the_way"] >= 2
    assert line["active"] == "Figure"


def test_switching_off_leaves_one_undo_step(said: Said) -> None:
    line = said["off"]
    assert line["left"] == ["Scene", ["Figure", ["Harmonize"]]]
    assert line["undone"] == ["Scene", "Figure"]
    assert line["same_again"]
    assert line["colors_kept"]


def test_switched_on_again_it_hides_the_curves_that_it_left(said: Said) -> None:
    line = said["twice"]
    assert line["visible"] == [False, True]
    assert line["same"]


def test_a_deleted_layer_ends_it_quietly(said: Said) -> None:
    line = said["deleted"]
    assert "gone" in line["note"]
    assert line["layers"] == ["Scene"]


def test_a_document_saved_meanwhile_shows_what_was_seen_and_live_mode_goes_on_in_it(said: Said) -> None:
    line = said["saved"]
    live = ["Scene", ["Figure", ["Harmonize live"]]]
    assert line["opened"] == live
    assert line["same"]
    assert line["adopted"] == live
    assert line["still"] < 1
    assert line["left"] == ["Scene", ["Figure", ["Harmonize"]]]
    assert line["undone"] == ["Scene", "Figure"]
    assert line["plain_again"]


@pytest.mark.parametrize("depth", ["U8", "U16", "F32"])
def test_what_a_drag_shows_is_near_the_curves(said: Said, depth: str) -> None:
    """In means over the layer, of 8-bit values; the change itself is some twenty of them."""
    line = said[f"near-{depth}"]
    assert line["near"]
    assert line["filter"] == "levels"
    assert line["change"] > 8
    assert line["off"] < 3


def test_a_scene_follows_what_lies_above_it_and_comes_to_rest(said: Said) -> None:
    line = said["above"]
    assert line["problem"] == ""
    assert (line["rested"], line["rests_again"]) == (True, True)
    assert line["darker_by"] > 10


def test_a_scene_fits_what_lies_above_it_but_not_its_own_copy(said: Said) -> None:
    assert said["above"]["copy_off"] < 1


def test_a_redo_that_brings_a_harmonized_copy_back_ends_it(said: Said) -> None:
    following, copied = ["Scene", ["Figure", ["Harmonize live"]]], ["Scene", "(Figure)", "Figure harmonized"]
    assert said["redone"]["seen"] == [[True, following, False, copied]] * 2


def test_a_redo_right_after_it_was_switched_on_ends_it(said: Said) -> None:
    line = said["redone-at-once"]
    assert not line["live"]
    assert line["layers"] == ["Scene", "(Figure)", "Figure harmonized"]


def test_deleting_a_moved_copy_and_taking_that_back_does_not_end_it(said: Said) -> None:
    line, following = said["moved-copy"], ["Scene", ["Figure", ["Harmonize live"]]]
    assert line["deleted"] == following
    assert line["back"] == [*following, "Figure harmonized"]
    assert line["live"]


@pytest.mark.parametrize("what", ["opacity", "blending", "inherited alpha", "mask"])
def test_a_layer_that_is_blended_in_another_way_is_looked_at_so(said: Said, what: str) -> None:
    line = said[f"blended-{what}"]
    assert line["noticed"]
    assert line["changed"]
    assert line["same_as_anew"]


def test_a_layer_that_takes_no_curves_is_left_to_harmonize(said: Said) -> None:
    line = said["lab"]
    assert "Press Harmonize" in line["details"]
    assert line["layers"] == ["Scene", "Figure"]
