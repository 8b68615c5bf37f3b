"""References, several layers, editable curves, Harmonize Again."""

from __future__ import annotations

import numpy as np
import pytest

from ..said import Said
from .gimp import Gimp


@pytest.fixture(scope="module")
def said(gimp: Gimp) -> Said:
    return gimp.run("behaviour", timeout=300)


def test_each_of_several_layers_gets_its_own_result(said: Said) -> None:
    told = said["several-layers"]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["layers"] == ["Upper (harmonized)", "Upper", "Snowman (harmonized)", "Snowman", "Scene"]
    assert told["visible"] == [True, False, True, False, True]
    assert told["selected"] == ["Snowman (harmonized)", "Upper (harmonized)"]


def test_the_upper_layer_is_matched_with_the_lower_one_as_it_became(said: Said) -> None:
    assert said["bottom-first"]["same_as_one_by_one"]
    assert said["bottom-first"]["other_than_alone"]


def test_each_reference_is_another_scene(said: Said) -> None:
    assert said["references"]["different"] == 4
    assert said["references"]["file_is_scene"]


def test_a_scene_is_made_to_fit_what_lies_above_it(said: Said) -> None:
    told = said["reversed"]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["other_than_below"]
    width, height = told["size"]
    mask = np.frombuffer((said.out / "reversed.mask").read_bytes(), np.uint8).reshape(height, width)
    x, y, figure_width, figure_height = (round(value * width / told["image"][0]) for value in told["figure"])
    inside = mask[y : y + figure_height, x : x + figure_width]
    assert (inside == 0).mean() > 0.4
    outside = mask.copy()
    outside[y - 1 : y + figure_height + 2, x - 1 : x + figure_width + 2] = 255
    assert (outside == 255).all()
    before, after = (
        np.frombuffer((said.out / f"reversed.{name}").read_bytes(), np.uint8).astype(float).mean()
        for name in ("before", "after")
    )
    assert after < before - 5


def test_an_earlier_result_is_no_part_of_what_lies_above(said: Said) -> None:
    assert said["reversed"]["again"] is True


def test_the_topmost_layer_has_nothing_above_it_to_fit(said: Said) -> None:
    status, message = said["reversed"]["nothing_above"]
    assert status == "CALLING_ERROR"
    assert "nothing above the layer “Snowman”" in message


def test_curves_are_one_editable_filter_where_gimp_can_hold_them(said: Said, gimp: Gimp) -> None:
    told = said["curves"]
    if gimp.host.gimp == "3.0":
        assert told["status"] == "CALLING_ERROR"
        assert "3.0" in told["message"]
        assert "new layer" in told["message"]
        assert told["changed"] == 0
        return
    assert told["status"] == "SUCCESS", told["message"]
    assert told["filters"] == ["Harmonize Selection"]
    assert told["pixels_kept"]
    assert told["changed"] > 1000


def test_the_curves_filter_survives_saving_with_the_same_pixels(said: Said, gimp: Gimp) -> None:
    if gimp.host.gimp == "3.0":
        pytest.skip("GIMP 3.0 has no curves filter for plug-ins")
    told = said["curves"]
    assert told["same_after_reload"]
    assert told["filters_after_reload"] == ["Harmonize Selection"]
    assert told["record_after_reload"]


def test_a_second_run_replaces_the_curves(said: Said, gimp: Gimp) -> None:
    if gimp.host.gimp == "3.0":
        pytest.skip("GIMP 3.0 has no curves filter for plug-ins")
    assert said["curves"]["again_status"] == "SUCCESS"
    assert said["curves"]["filters_after_second_time"] == 1


def test_the_curves_filter_looks_like_the_rendered_layer(said: Said, gimp: Gimp) -> None:
    if gimp.host.gimp == "3.0":
        pytest.skip("GIMP 3.0 has no curves filter for plug-ins")
    shown = np.frombuffer((said.out / "curves.filter").read_bytes(), np.uint8).reshape(-1, 4).astype(int)
    rendered = np.frombuffer((said.out / "curves.rendered").read_bytes(), np.uint8).reshape(-1, 4).astype(int)
    opaque = rendered[:, 3] == 255
    difference = np.abs(shown - rendered)[opaque, :3]
    assert np.percentile(difference, 99) <= 3


def test_again_starts_from_the_original(said: Said) -> None:
    told = said["again"]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["layers"] == ["Snowman (harmonized)", "Snowman", "Scene"]
    assert told["same"], "a second run on top of the first would drift"


def test_again_follows_a_moved_layer_with_the_stored_choices(said: Said) -> None:
    told = said["again"]
    assert told["strength"] == 0.7
    assert told["offsets"] == [10, 30]
    assert told["like_anew"]


def test_a_soft_edge_is_rid_of_the_old_background_if_the_artist_says_so(said: Said) -> None:
    for case in ("fringed", "clean"):
        assert said[case]["status"] == "SUCCESS", said[case]["message"]
        assert said[case]["same_alpha"]
    assert said["fringed"]["soft"] > 100
    assert said["fringed"]["green"] > 100
    assert said["clean"]["green"] < said["fringed"]["green"] / 2


def test_what_the_mask_of_a_group_hides_is_no_foreground(said: Said) -> None:
    told = said["masked-by-its-group"]
    assert told["hidden"]
    assert (told["same"], told["blended"]) == (True, True)


def test_a_mask_that_is_looked_at_is_not_taken_for_its_layer(said: Said) -> None:
    assert said["mask-looked-at"]["same"] == [True, True]


def test_channels_that_are_looked_at_change_nothing(said: Said) -> None:
    assert said["channels-looked-at"] == {"case": "channels-looked-at", "few": True, "tinted": True, "visible": True}


def test_a_reference_file_is_seen_without_what_its_artist_looked_at(said: Said) -> None:
    assert said["reference-file"] == {"case": "reference-file", "same": True}


def test_in_a_filtered_group_a_layer_is_not_previewed_in_its_own_colors(said: Said) -> None:
    assert said["in-a-filtered-group"] == {"case": "in-a-filtered-group", "plain": True, "filtered": False}


def test_clean_edges_are_previewed_where_the_layer_is_seen_as_it_is(said: Said) -> None:
    assert said["by-itself"] == {"case": "by-itself", "plain": True, "faint": True, "blended": None, "masked": True}


def test_a_layer_mask_cuts_out_as_alpha_does(said: Said) -> None:
    line = said["clean-mask"]
    assert line["status"] == "SUCCESS", line["message"]
    assert (line["same_alpha"], line["same_mask"]) == (True, True)
    assert line["green"] == pytest.approx(said["clean"]["green"], abs=3)


def test_text_becomes_pixels(said: Said) -> None:
    told = said["text"]
    assert told["status"] == "SUCCESS", told["message"]
    assert not told["still_text"]
    assert told["name"] == "Harmony (harmonized)"
    assert told["alike"], "pixels of a text are blended as the text was"


def test_a_linked_picture_is_harmonized_as_its_pixels_would_be(said: Said, gimp: Gimp) -> None:
    if gimp.host.gimp == "3.0":
        pytest.skip("GIMP 3.0 has no link layers")
    assert said["link"] == {"case": "link", "of": "LinkLayer", "kind": "Layer", "same": True, "changed": True}
