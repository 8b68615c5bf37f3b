"""The dialog while things change behind it."""

from __future__ import annotations

import pytest
from PIL import Image

from ..said import Said
from .gimp import Gimp


@pytest.fixture(scope="module")
def said(gimp: Gimp) -> Said:
    return gimp.run("trouble", windowed=True, timeout=240)


def test_try_again_looks_at_the_image_again(said: Said) -> None:
    told = said["background"]
    assert "nothing below" in told["before"]
    assert told["after"].startswith("Ready")
    assert told["predicted"]


def test_what_is_done_elsewhere_is_seen_when_the_artist_is_back(said: Said) -> None:
    told = said["elsewhere"]
    assert told["left"] <= 5
    assert abs(told["right"] - told["wanted"]) <= 2


def test_layers_that_come_and_go_meanwhile_are_in_the_list_and_not(said: Said) -> None:
    told = said["layers"]
    assert told["listed"] == ["Added meanwhile", "Scene"]
    assert (told["chosen"], told["gone"]) == ("Added meanwhile", None)


def test_a_list_that_is_opened_needs_no_other_look_at_the_image(said: Said) -> None:
    assert said["elsewhere"]["listed"]


def test_coming_back_to_an_unchanged_image_leaves_the_preview_alone(said: Said) -> None:
    assert said["elsewhere"]["unchanged"]


def test_an_image_that_was_closed_is_said_to_be(said: Said) -> None:
    assert said["closed"]["after"].startswith("The image was closed")


def test_a_floating_selection_is_said_before_ok_is_pressed(said: Said) -> None:
    assert said["floating"]["after"].startswith("There is a floating selection")


def test_a_daemon_that_hangs_is_said_to_be_waited_for(said: Said) -> None:
    told = said["hangs"]
    assert told["after"].startswith("Ready")
    assert told["ok"]


def test_ok_waits_until_there_is_a_daemon(said: Said) -> None:
    told = said["no-daemon"]
    assert told["after"].endswith(".")
    assert not told["ok"]


def test_the_window_is_painted_before_the_image_is_looked_at(said: Said) -> None:
    first = Image.open(said.out / "first-look.png").convert("RGB")
    button = first.crop((first.width - 120, first.height - 80, first.width, first.height))  # OK
    assert len(button.getcolors(120 * 80)) > 20


def test_the_daemon_is_seldom_looked_at_while_there_is_nothing_to_do(said: Said) -> None:
    resting, wishing, resting_again = said["rest"]["paces"]
    assert resting == resting_again > wishing


def test_arrow_keys_move_the_line_of_split(said: Said) -> None:
    told = said["keys"]
    assert told["focused"]
    step = round(told["width"] / 20)
    start = told["columns"][0]
    assert told["columns"] == [start, start + step, start + 2 * step, start + step]


def test_a_result_is_shown_as_its_original_was(said: Said) -> None:
    assert said["result"]["rgb"] == said["original"]["rgb"]
    assert said["result"]["after"].startswith("Ready")
