"""With a window, as an artist: menu, dialog, slider, OK; undo and redo; cancel."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .. import pictures
from ..said import Said
from .gimp import Gimp

PREVIEW_SECONDS = 0.15
PICTURES = ("menu", "split", "mask", "result")


@pytest.fixture(scope="module")
def said(gimp: Gimp) -> Said:
    times = gimp.shared / f"times-{gimp.host.gimp}"
    times.unlink(missing_ok=True)
    # `HARMONIZE_SCREENSHOTS=docs/images` keeps the guide's pictures up to date, and shows a larger scene.
    folder = os.environ.get("HARMONIZE_SCREENSHOTS")
    environ = {"HARMONIZE_GIMP_TIMES": f"/w/{times.name}"}
    if folder:
        pictures.main(str(gimp.shared / "large-pictures"), "900", "600")
        environ["HARMONIZE_TEST_PICTURES"] = "large-pictures"
    said = gimp.run("windowed", windowed=True, environ=environ, timeout=240)
    for name in PICTURES if folder else ():
        shot = Image.open(said.out / f"{name}.png").convert("RGB")
        shot.save(Path(str(folder)) / f"gimp-{gimp.host.gimp}-{name}.png", optimize=True)
    return said


def picture(said: Said, name: str) -> np.ndarray:
    return np.asarray(Image.open(said.out / f"{name}.png").convert("RGB")).astype(int)


def test_ok_makes_one_new_layer(said: Said) -> None:
    assert said["undo"]["done"] == ["Snowman (harmonized)", "Snowman", "Scene"]


def test_one_undo_takes_all_of_it_back(said: Said) -> None:
    assert said["undo"]["undone"] == ["Snowman", "Scene"]
    assert said["undo"]["figure_visible_after_undo"]
    assert said["undo"]["figure_parasites_after_undo"] == []


def test_redo_brings_the_same_pixels(said: Said) -> None:
    assert said["undo"]["redone"] == said["undo"]["done"]
    assert said["undo"]["same_pixels_after_redo"]


def test_replaced_pixels_are_one_undo_step_to_the_last_bit(said: Said) -> None:
    assert said["undo-replace"] == {
        "case": "undo-replace",
        "changed": True,
        "undone": True,
        "selection_kept": True,
        "redone": True,
    }


def test_editable_curves_are_one_undo_step(said: Said, gimp: Gimp) -> None:
    if gimp.host.gimp == "3.0":
        pytest.skip("GIMP 3.0 has no curves filter for plug-ins")
    told = said["undo-curves"]
    assert (told["added"], told["undone"], told["redone"]) == (1, [0, 0], 1)


def test_replacing_pixels_with_curves_on_them_is_one_undo_step(said: Said, gimp: Gimp) -> None:
    if gimp.host.gimp == "3.0":
        pytest.skip("GIMP 3.0 has no curves filter for plug-ins")
    told = said["undo-both"]
    assert (told["taken_off"], told["undone"], told["same"]) == (0, 1, True)


def test_cancel_leaves_the_image_as_it_was(said: Said) -> None:
    assert said["cancel"]["after"] == said["cancel"]["before"]
    assert not said["cancel"]["open"]


def test_the_preview_follows_a_slider_at_once(said: Said) -> None:
    seconds = sorted(said["times"]["seconds"])
    assert len(seconds) >= 4
    assert seconds[len(seconds) // 2] <= PREVIEW_SECONDS


def test_a_variant_sets_the_sliders(said: Said) -> None:
    assert said["variant"] == {"case": "variant", "strength": 1.0, "warmth": 0.0}  # warmth was 0.25


def test_the_slider_changes_the_picture_and_before_does_not_show_it(said: Said) -> None:
    after, warm, before = (picture(said, name) for name in ("dialog", "warmth", "before"))
    preview = (slice(60, 380), slice(20, 500))
    assert np.abs(after[preview] - warm[preview]).max() > 10
    assert np.abs(before[preview] - warm[preview]).max() > 10
