"""Reset and Load Saved Settings: the dialog shows what is meant."""

from __future__ import annotations

import pytest

from ..said import Said
from .gimp import Gimp


@pytest.fixture(scope="module")
def said(gimp: Gimp) -> Said:
    return gimp.run("resetting", windowed=True, timeout=180)


def test_what_is_chosen_is_meant(said: Said) -> None:
    assert said["chosen"]["shown"] == ["s2crnet", "Scene", "/w/pictures/scene.png"]
    assert said["chosen"]["meant"] == said["chosen"]["shown"]


def test_reset_is_seen_in_the_dialog(said: Said) -> None:
    assert said["reset"]["meant"] == ["", "", ""]
    assert said["reset"]["shown"] == ["", "", ""]
    assert said["reset"]["summary"] == said["opened"]["summary"]


def test_saved_settings_are_seen_in_the_dialog(said: Said) -> None:
    assert said["loaded"]["meant"][0] == "s2crnet"
    assert said["loaded"]["shown"] == said["loaded"]["meant"]
    assert said["loaded"]["summary"] == said["chosen"]["summary"] != said["opened"]["summary"]
