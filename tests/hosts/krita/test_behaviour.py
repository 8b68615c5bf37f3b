"""What artists do with the docker, in the real Krita."""

from __future__ import annotations

import pytest

from ..said import Said
from .krita import Krita

NEW = ["Scene", "(Figure)", "Figure harmonized"]
PLAIN = ["Scene", "Figure"]


@pytest.fixture(scope="module")
def said(krita: Krita) -> Said:
    return krita.run("behaviour", timeout=580)


@pytest.mark.parametrize(
    ("output", "written"),
    [("new-layer", NEW), ("replace", PLAIN), ("curves", ["Scene", ["Figure", ["Harmonize"]]])],
)
def test_each_output_is_one_undo_step(said: Said, output: str, written: list[object]) -> None:
    line = said[f"output-{output}"]
    assert line["problem"] == ""
    assert line["written"] == written
    assert line["undone"] == PLAIN
    assert line["original_same"]
    assert line["redone"] == written
    assert line["shown_again"]


def test_the_menu_entry_harmonizes_the_active_layer(said: Said) -> None:
    assert said["menu"] == {"case": "menu", "problem": "", "layers": NEW}


def test_harmonizing_again_covers_the_first_result(said: Said) -> None:
    line = said["again"]
    assert line["problem"] == ""
    assert line["twice"] == ["Scene", "(Figure)", "(Figure harmonized)", "Figure harmonized"]
    assert line["once"] == NEW
    assert line["never"] == PLAIN


def test_sliders_change_the_written_layer_without_an_undo_step(said: Said) -> None:
    line = said["sliders"]
    assert line["nothing_at_zero"]
    assert line["same_again"]
    assert line["after_one_undo"] == PLAIN


def test_sliders_leave_a_layer_alone_that_was_painted_on(said: Said) -> None:
    assert said["sliders"]["painted_is_left_alone"]


def test_before_shows_the_original(said: Said) -> None:
    assert said["sliders"]["comparing"] == ["Scene", "Figure", "(Figure harmonized)"]


def test_light_and_color_can_come_from_elsewhere(said: Said) -> None:
    line = said["references"]
    assert [line[name] for name in ("below", "visible", "layer", "file")] == [""] * 4
    assert "none.png" in line["missing"]


def test_a_scene_is_made_to_fit_what_lies_above_it(said: Said) -> None:
    line = said["reversed"]
    assert line["problem"] == ""
    assert (line["mask_on_the_figure"], line["mask_in_the_corner"]) == (0, 255)
    assert line["layers"] == ["Scene", "Scene harmonized", "(Figure)", "Dark"]
    assert line["darker_by"] > 10


def test_an_earlier_result_is_no_part_of_what_lies_above(said: Said) -> None:
    line = said["reversed-again"]
    assert line["problem"] == ""
    assert line["layers"] == ["Scene", "(Scene harmonized)", "Scene harmonized", "(Figure)", "Dark"]


def test_the_topmost_layer_has_nothing_above_it_to_fit(said: Said) -> None:
    assert said["nothing-above"]["problem"].startswith("Nothing lies above the layer “Dark”")


def test_a_soft_edge_is_rid_of_the_old_background_if_the_artist_says_so(said: Said) -> None:
    for case in ("fringed", "clean"):
        assert said[case]["problem"] == ""
        assert said[case]["same_alpha"]
    assert said["fringed"]["soft"] > 100
    assert said["fringed"]["green"] > 100
    assert said["clean"]["green"] < said["fringed"]["green"] / 2


def test_a_transparency_mask_cuts_out_as_alpha_does(said: Said) -> None:
    line = said["clean-mask"]
    assert line["problem"] == ""
    assert (line["same_alpha"], line["masks"]) == (True, 1)
    assert line["green"] == pytest.approx(said["clean"]["green"], abs=3)


def test_a_curves_mask_is_native_restricted_to_the_selection_and_survives_a_file(said: Said) -> None:
    line = said["curves-file"]
    assert line["problem"] == ""
    assert line["changed_inside"]
    assert line["same_outside"]
    assert line["reload_differs_by"] == 0
    assert line["undone"][:2] == PLAIN  # then Krita's own selection mask
    assert (line["filter"], line["transfers"]) == ("perchannel", 8)


def test_results_are_remembered_with_the_document(said: Said) -> None:
    assert "harmonize-selection" in said["curves-file"]["remembered"]


def test_all_selected_layers_are_harmonized(said: Said) -> None:
    line = said["several"]
    assert line["problem"] == ""
    assert all(name in line["layers"] for name in ("Figure harmonized", "Second harmonized"))


@pytest.mark.parametrize("kind", ["group", "inside-pass-through", "clone", "masked", "filtered"])
def test_every_kind_of_layer_can_be_harmonized(said: Said, kind: str) -> None:
    line = said[f"kind-{kind}"]
    assert line["problem"] == ""
    assert line["type"] == "paintlayer"
    assert line["hidden"]
    assert line["changed"]


def test_a_pass_through_group_gets_no_curves_that_it_would_not_show(said: Said) -> None:
    assert "pass-through" in said["curves-pass-through"]["problem"]
    assert said["curves-pass-through"]["layers"] == ["Inner"]


def test_a_transparency_mask_is_kept_and_filters_are_applied(said: Said) -> None:
    assert said["kind-masked"]["masks"] == ["transparencymask"]
    assert said["kind-filtered"]["masks"] == []


def test_blending_mode_and_opacity_are_kept(said: Said) -> None:
    line = said["kind-filtered"]
    assert (line["blending"], line["opacity"]) == ("multiply", 128)


def test_an_empty_layer_and_a_selection_elsewhere_are_quiet_lines(said: Said) -> None:
    assert "empty" in said["trouble-empty"]["problem"]
    assert "selection" in said["trouble-selection"]["problem"]
    assert said["trouble-selection"]["unchanged"]


def test_a_layer_outside_the_picture_gets_no_copy(said: Said) -> None:
    line = said["trouble-outside"]
    assert line["problem"] == "Nothing of the layer “Figure” is both selected and seen in the picture"
    assert line["layers"] == PLAIN


@pytest.mark.parametrize("case", ["transformed", "blurred", "transformed-selected"])
def test_what_masks_show_beyond_the_bounds_of_a_layer_is_harmonized_with_it(said: Said, case: str) -> None:
    line = said[case]
    assert line["problem"] == ""
    assert line["seen_beyond"]
    assert line["off"] <= 1
    assert line["subject"] == "Figure"
    scene, figure, *copies = line["layers"][:4]
    assert (scene, figure[0], copies) == ("Scene", "(Figure)", ["(Figure harmonized)", "Figure harmonized"])


def test_of_an_animated_layer_the_frame_at_hand_is_harmonized_or_all_by_curves(said: Said) -> None:
    copied, curves = said["animated-new-layer"], said["animated-curves"]
    assert copied["problem"] == curves["problem"] == ""
    assert copied["plain_frames"] == [True, False]
    assert "Only this frame" in copied["note"]
    assert curves["plain_frames"] == [False, False]
    assert "Only this frame" not in curves["note"]


def test_of_a_layer_with_inherited_alpha_counts_what_is_seen_of_it(said: Said) -> None:
    group, through = said["inherited-alpha-group"], said["inherited-alpha-through"]
    assert group["whole"]
    assert group["off_the_figure"] < 2
    assert group["off_the_picture"] < 2
    assert through["off_the_picture"] < 2  # it is seen on the scene
    assert said["inherited-alpha-copy"] == {"case": "inherited-alpha-copy", "problem": "", "copies": [True]}


def test_an_error_of_the_daemon_is_a_quiet_line_with_details(said: Said) -> None:
    line = said["trouble-network"]
    assert line["problem"] == "That network is not installed"
    assert "no-such-network" in line["details"]
    assert "unknown_network" in line["details"]


def test_cancelling_leaves_the_picture_as_it_is(said: Said) -> None:
    line = said["cancelled"]
    assert line["busy"] == ""
    assert line["layers"] == PLAIN


def test_the_preview_of_a_grey_layer_has_no_color(said: Said) -> None:
    assert said["grey"]["same"]
    assert said["grey"]["changed"]


def test_a_layer_or_document_that_vanishes_in_the_middle_is_a_quiet_line(said: Said) -> None:
    assert "deleted" in said["vanished-layer"]["problem"]
    assert said["vanished-layer"]["layers"] == ["Scene"]
    assert "closed" in said["vanished-document"]["problem"]


@pytest.mark.parametrize("read", ["background", "layer"])
def test_a_layer_that_vanishes_before_its_document_is_copied_is_a_quiet_line(said: Said, read: str) -> None:
    assert "deleted" in said[f"vanished-before-the-copy-of-the-{read}"]["problem"]


@pytest.mark.parametrize(("what", "words"), [("layer", "deleted"), ("document", "closed")])
def test_what_vanishes_while_a_curves_mask_is_made_is_a_quiet_line(said: Said, what: str, words: str) -> None:
    assert words in said[f"vanished-{what}-of-a-mask"]["problem"]


def test_another_canvas_in_the_middle_disturbs_nothing(said: Said) -> None:
    line = said["switched"]
    assert line["problem"] == ""
    assert line["written"] == NEW
    assert line["other"] == PLAIN
