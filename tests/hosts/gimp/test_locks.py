"""Locked layers: they are seen as they are, hidden where they must be, and never in the way."""

from __future__ import annotations

import pytest

from ..said import Said
from .gimp import Gimp

LOCKS = (
    "pixels-of-a-layer-below",
    "pixels-of-a-group-below",
    "visibility-of-the-background",
    "visibility-of-a-layer-above",
    "everything",
)


@pytest.fixture(scope="module")
def said(gimp: Gimp) -> Said:
    return gimp.run("locks", timeout=300)


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_do_not_change_the_result_for_several_layers(lock: str, said: Said) -> None:
    told, unlocked = said[lock], said["nothing"]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["made"] == ["Snowman (harmonized)", "Upper (harmonized)"]
    assert told["adjustment"] == unlocked["adjustment"]
    assert told["pixels"] == unlocked["pixels"]


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_do_not_change_what_a_network_looks_at(lock: str, said: Said) -> None:
    told, unlocked = said[f"scene-{lock}"], said["scene-nothing"]
    mask = bytes.fromhex(told["mask"])
    assert 0 < sum(mask) < 255 * len(mask) / 2, "the figure is less than half of the picture"
    assert mask == bytes.fromhex(unlocked["mask"])
    assert told["rgb"] == unlocked["rgb"]


@pytest.mark.parametrize("what", ["result", "group"])
def test_again_replaces_a_result_that_was_locked(what: str, said: Said) -> None:
    told = said[f"again-{what}"]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["layers"] == ["Snowman (harmonized)", "Snowman"]
    assert told["same"]
