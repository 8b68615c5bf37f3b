"""Harmonize Again after a layer has come to another image: a tattoo means another layer there."""

from __future__ import annotations

import pytest

from ..said import Said
from .gimp import Gimp


@pytest.fixture(scope="module")
def said(gimp: Gimp) -> Said:
    return gimp.run("elsewhere", timeout=300)


def test_a_layer_is_never_filled_with_a_strangers_pixels(said: Said) -> None:
    told = said["beside-a-stranger"]
    assert told["same_tattoo"], "this test would see nothing"
    assert told["status"] == "SUCCESS", told["message"]
    assert told["layers"] == ["Dragged (harmonized)", "Dragged", "Stranger", "Scene"]
    assert told["dragged_kept"]
    assert told["colors"] > 100, "the stranger has one color"


@pytest.mark.parametrize("case", ["itself", "itself-twice", "itself-old"])
def test_a_layer_is_never_its_own_source(case: str, said: Said) -> None:
    told = said[case]
    assert told["same_tattoo"], "this test would see nothing"
    assert told["status"] == "SUCCESS", told["message"]
    assert told["layers"][:2] == ["Dragged (harmonized)", "Dragged"]


@pytest.mark.parametrize("case", ["home", "home-old", "opened", "duplicate"])
def test_a_layer_is_made_anew_from_its_source_where_that_is(case: str, said: Said) -> None:
    told = said[case]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["layers"] == ["Snowman (harmonized)", "Snowman", "Scene"]
    assert told["same"]
    assert told["record_marked"]


def test_results_are_not_marked_as_their_sources_are(said: Said) -> None:
    assert said["home"]["parasites"] == [["harmonize-selection"], ["harmonize-selection"]]


def test_a_source_that_came_along_is_found(said: Said) -> None:
    told = said["with-its-source"]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["layers"][:3] == ["Source", "Dragged", "More"]


def test_what_took_the_place_of_a_source_is_found(said: Said) -> None:
    told = said["result-of-a-result"]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["after"] == told["before"]


def test_a_strangers_light_is_never_taken_for_the_references(said: Said) -> None:
    told = said["reference-elsewhere"]
    assert told["same_tattoo"], "this test would see nothing"
    assert told["status"] == "CALLING_ERROR"
    assert "The reference layer is gone" in told["message"]
    assert told["unchanged"]


@pytest.mark.parametrize("place", ["home", "duplicate", "opened", "old"])
def test_again_finds_the_reference_layer(place: str, said: Said) -> None:
    told = said[f"reference-{place}"]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["same"]


def test_a_reference_layer_of_another_image_is_refused(said: Said) -> None:
    told = said["reference-of-another-image"]
    assert told["same_tattoo"], "this test would see nothing"
    assert told["status"] == "CALLING_ERROR"
    assert "No reference layer is chosen" in told["message"]
    assert told["layers"] == ["Namesake", "Snowman", "Scene"]
