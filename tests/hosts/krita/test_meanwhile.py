"""What artists do to layers while the docker works with them, in the real Krita."""

from __future__ import annotations

import pytest

from ..said import Said
from .krita import Krita

NEW = ["Scene", "(Figure)", "Figure harmonized"]
PLAIN = ["Scene", "Figure"]


@pytest.fixture(scope="module")
def said(krita: Krita) -> Said:
    return krita.run("meanwhile", timeout=580)


def test_a_dab_of_two_pixels_is_not_overwritten_by_the_sliders(said: Said) -> None:
    assert "painted" in said["dab"]["note"]
    assert said["dab"]["kept"]


def test_a_dab_that_is_painted_while_the_layer_is_rendered_is_not_overwritten(said: Said) -> None:
    assert said["rendering"] == {"case": "rendering", "refused": True, "kept": True}


def test_the_sliders_leave_a_locked_layer_alone(said: Said) -> None:
    assert "locked" in said["locked-result"]["note"]
    assert said["locked-result"]["kept"]


@pytest.mark.parametrize("what", ["layer", "group"])
def test_a_locked_layer_is_not_replaced(said: Said, what: str) -> None:
    line = said[f"locked-{what}"]
    assert line["problem"] == "The layer is locked"
    assert "Unlock it" in line["details"]
    assert line["unchanged"]


@pytest.mark.parametrize("kind", ["layer", "group"])
def test_a_layer_that_was_changed_since_it_was_read_is_not_written(said: Said, kind: str) -> None:
    assert said[f"nothing-{kind}"] == {"case": f"nothing-{kind}", "refused": "", "written": True}
    for what in ("moved", "painted"):
        line = said[f"{what}-{kind}"]
        assert "changed meanwhile" in line["refused"]
        assert not line["written"]


@pytest.mark.parametrize(
    ("hide", "with_result"), [(True, NEW), (False, ["Scene", "Figure", "Figure harmonized"])], ids=["hidden", "shown"]
)
def test_the_picture_after_before_is_as_it_was(said: Said, hide: bool, with_result: list[str]) -> None:
    line = said[f"comparing-{hide}"]
    assert line["before"] == line["after"] == line["slid"] == with_result
    assert line["during"] == ["Scene", "Figure", "(Figure harmonized)"]


def test_undo_and_redo_during_before_show_one_of_the_two(said: Said) -> None:
    line = said["comparing-undo-True"]
    assert line["undone"] == PLAIN
    assert line["redone"] == NEW
    assert not line["comparing"]


def test_merging_or_deleting_the_result_leaves_the_original_hidden(said: Said) -> None:
    line = said["merged"]
    assert line["merged"][:2] == ["Scene", "(Figure)"]
    assert len(line["merged"]) == 3
    assert line["unmerged"] == [*NEW, "Top"]
    assert line["deleted"] == ["Scene", "(Figure)"]
    assert line["back"] == NEW
    assert line["undone"] == PLAIN
    assert line["redone"] == NEW


def test_live_goes_on_when_clearing_its_layer_is_undone(said: Said) -> None:
    line = said["cleared"]
    assert line["empty"]
    assert "empty" in line["text"]
    assert line["live"]
    assert line["active"] == "Figure"
    assert line["layers"] == ["Scene", ["Figure", ["Harmonize live"]]]
    assert line["problem"] == ""


def test_a_layer_that_an_undo_brings_back_has_no_mask_of_live_mode(said: Said) -> None:
    line = said["removed"]
    assert line["back"] == line["again"] == PLAIN
    assert line["active"] == "Figure"
    assert line["gone"] == ["Scene"]
    assert line["problem"] == ""


def test_nothing_is_written_during_a_stroke(said: Said) -> None:
    line = said["stroke"]
    assert line["busy"]
    assert line["during"] == PLAIN
    assert line["after"] == NEW
    assert line["problem"] == ""
