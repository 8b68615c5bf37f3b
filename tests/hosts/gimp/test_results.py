"""Where results go, what they are made from, and that no change comes on top of a change."""

from __future__ import annotations

import pytest

from ..said import Said
from .gimp import Gimp

MADE_ANEW = ["Snowman (harmonized)", "-Snowman", "Scene"]
RUNS = ["plain-again", "plain-dialog", "plain-replace", "inverted-again", "inverted-dialog"]
ONLY_3_2 = "GIMP 3.0 has neither vector layers nor a curves filter for plug-ins"


@pytest.fixture(scope="module")
def said(gimp: Gimp) -> Said:
    return gimp.run("results", timeout=300)


def test_a_layer_whose_mask_is_edited_is_harmonized(said: Said) -> None:
    told = said["mask-edited"]
    assert told["error"] == ""
    assert told["chosen"] == ["LayerMask"]
    assert told["layers"] == MADE_ANEW


@pytest.mark.parametrize("kind", ["plain", "text", "vector"])
def test_a_mask_that_is_disabled_stays_so(kind: str, said: Said, gimp: Gimp) -> None:
    if kind == "vector" and gimp.host.gimp == "3.0":
        pytest.skip(ONLY_3_2)
    told = said[f"disabled-mask-{kind}"]
    assert told["error"] == ""
    assert told["has_mask"]
    assert not told["applied"]


@pytest.mark.parametrize("run", ["filter", "again"])
def test_a_newer_result_lies_above_older_ones_and_is_what_is_seen(run: str, said: Said) -> None:
    told = said[f"original-by-the-{run}" if run == "filter" else f"original-by-{run}"]
    assert told["error"] == ""
    assert told["newest_first"]
    assert told["visible"] == [True, False, False, False, True]


def test_an_older_result_elsewhere_in_the_picture_stays_visible(said: Said) -> None:
    assert said["moved"]["layers"] == ["Snowman (harmonized)", "Moved", "-Snowman", "Scene"]


@pytest.mark.parametrize("case", [*RUNS, "plain-curves", "plain-curves-again"])
def test_no_run_changes_a_result_twice(case: str, said: Said, gimp: Gimp) -> None:
    if "curves" in case and gimp.host.gimp == "3.0":
        pytest.skip(ONLY_3_2)
    told = said[case]
    assert told["error"] == ""
    assert told["before"] > 100
    assert abs(told["after"] - told["before"]) <= 1  # curves round
    assert told["layers"] == MADE_ANEW


@pytest.mark.parametrize("run", ["again", "dialog"])
def test_a_source_whose_filter_makes_it_larger_still_fits(run: str, said: Said) -> None:
    told = said[f"shadowed-{run}"]
    assert told["error"] == ""
    assert told["larger"]
    assert told["layers"] == MADE_ANEW
    assert told["after"] == told["before"]


def test_filters_of_a_result_stay_when_it_is_made_anew(said: Said) -> None:
    told = said["filtered"]
    assert told["error"] == ""
    assert told["layers"] == MADE_ANEW
    assert sorted(told["filters"]) == ["Inverted", "Shadow"]
    assert told["after"] == told["before"]


@pytest.mark.parametrize("output", ["new-layer", "replace", "curves"])
def test_nothing_comes_on_top_of_the_curves_of_an_earlier_run(output: str, said: Said, gimp: Gimp) -> None:
    if gimp.host.gimp == "3.0":
        pytest.skip(ONLY_3_2)
    told = said[f"curves-then-{output}"]
    assert told["error"] == ""
    assert abs(told["curves"] - told["before"] // 2) <= 1
    assert abs(told["after"] - told["before"] // 2) <= 1
    assert told["filters"] == (1 if output == "curves" else 0)


def test_again_says_so_when_a_result_has_another_size_than_its_source(said: Said) -> None:
    told = said["scaled-again"]
    assert told["code"] == "source_differs"
    assert "harmonize “Snowman” itself" in told["message"]
    assert told["layers"] == MADE_ANEW


def test_the_filter_changes_a_scaled_result_as_any_other_layer(said: Said) -> None:
    assert said["scaled-dialog"]["layers"][0] == "Snowman (harmonized) (harmonized)"


def test_again_repeats_each_layers_own_choices(said: Said) -> None:
    assert said["two"]["error"] == ""
    assert said["two"]["strengths"] == [0.2, 0.9]


def test_an_image_that_was_closed_meanwhile_is_no_defect(said: Said) -> None:
    assert said["closed"]["code"] == "image_gone"


@pytest.mark.parametrize("output", ["new-layer", "replace"])
def test_a_layer_that_goes_in_the_middle_of_a_run_is_no_defect(output: str, said: Said) -> None:
    removed, closed = said[f"removed-before-{output}"], said[f"closed-before-{output}"]
    assert (removed["error"], removed["code"]) == ("", "image_gone")
    assert removed["layers"] == ["Snowman", "Scene"]
    assert (closed["error"], closed["code"]) == ("", "image_gone")


def test_a_layer_that_is_locked_in_the_middle_of_a_run_keeps_its_pixels(said: Said) -> None:
    assert (said["locked-before-replace"]["error"], said["locked-before-replace"]["code"]) == ("", "locked_layer")


def test_pixels_of_a_rasterized_layer_can_be_replaced(said: Said, gimp: Gimp) -> None:
    if gimp.host.gimp == "3.0":
        pytest.skip(ONLY_3_2)
    told = said["rasterized"]
    assert told["error"] == ""
    assert told["after"] == told["before"] // 2
