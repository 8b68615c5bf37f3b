"""The dialog on a small screen, with choices that are half made, and for an indexed image."""

from __future__ import annotations

import pytest

from ..said import Said
from .gimp import Gimp

WIDTH, HEIGHT = 1280, 720


@pytest.fixture(scope="module")
def said(gimp: Gimp) -> Said:
    return gimp.run("choosing", windowed=True, environ={"HARMONIZE_TEST_SCREEN": f"{WIDTH}x{HEIGHT}"}, timeout=180)


def test_the_buttons_are_on_a_small_screen(said: Said) -> None:
    told = said["small"]
    assert told["right"] <= WIDTH
    assert told["bottom"] <= HEIGHT
    assert told["shown"][0] == told["shown"][1] >= 200


def test_the_line_of_a_smaller_preview_goes_where_the_pointer_is(said: Said) -> None:
    assert abs(said["small"]["column"] - 0.25) < 0.02


def test_a_larger_window_shows_a_larger_preview(said: Said) -> None:
    as_it_was, larger, again = said["larger"]["shown"]
    assert larger[0] == larger[1] >= 1.4 * as_it_was[0]
    assert again == as_it_was


def test_the_window_is_no_larger_than_it_must_be(said: Said) -> None:
    before, with_a_file, after = said["larger"]["heights"]
    assert before == after < with_a_file


def test_a_window_that_the_artist_has_made_a_little_larger_stays_so(said: Said) -> None:
    width, height = said["slightly-larger"]["before"]
    assert said["slightly-larger"]["after"] == [width + 60, height + 60]


def test_long_names_of_layers_make_the_window_no_wider(said: Said) -> None:
    assert len(set(said["long-names"]["widths"])) == 1
    assert said["long-names"]["text"].startswith("Ready")


@pytest.mark.parametrize(
    ("case", "words"),
    [("layer", "No reference layer is chosen: choose a"), ("file", "No reference picture is chosen: choose a")],
)
def test_what_is_not_chosen_yet_is_no_trouble(case: str, words: str, said: Said) -> None:
    assert said[case]["text"].startswith(words)
    assert not said[case]["buttons"]


def test_ok_waits_until_the_choices_can_be_carried_out(said: Said) -> None:
    assert [said[case]["ok"] for case in ("layer", "file", "below")] == [False, False, True]


def test_clean_edges_are_seen_in_the_preview(said: Said) -> None:
    assert said["clean"]["after"] < said["clean"]["before"] * 0.7
    assert said["clean"]["before"] == pytest.approx(said["fringed-result"]["green"], abs=5)
    assert said["clean"]["after"] == pytest.approx(said["clean-result"]["green"], abs=5)


def test_edges_that_only_the_result_has_clean_are_told_of(said: Said) -> None:
    assert "soft edges" in said["blended"]["notes"]
    assert "soft edges" not in said["clean"]["notes"]


@pytest.mark.parametrize("layer", ["plain", "faint"])
@pytest.mark.parametrize("part", ["solid", "edge"])
def test_the_preview_shows_the_change_of_solid_and_of_half_transparent_pixels(
    layer: str, part: str, said: Said
) -> None:
    told = said[f"preview-{layer}-{part}"]
    assert told["change"] > 3
    assert told["off"] < 0.2 * told["change"]


def test_a_mode_that_the_preview_does_not_know_is_told_of(said: Said) -> None:
    assert "mode" in said["preview-multiplied-solid"]["notes"]
    assert said["preview-plain-solid"]["notes"] == ""


def test_curves_are_previewed_without_clean_edges_and_saturation_which_they_cannot_have(said: Said, gimp: Gimp) -> None:
    if gimp.host.gimp == "3.0":
        pytest.skip("GIMP 3.0 has no curves filter for plug-ins")
    told = said["curves"]
    assert told["after"] == pytest.approx(said["clean"]["before"], rel=0.1)
    assert not told["sensitive"]
    assert "not what differs from place to place" in told["notes"]
    assert "each by itself" not in told["notes"]
    assert "each by itself" in said["curves-color-only"]["notes"]


def test_an_indexed_image_is_said_to_take_colors_of_its_palette(said: Said) -> None:
    assert any("nearest colors of its palette" in text for text in said["indexed"]["labels"])
