"""Krita crashes over a copy of what it is painting, and a transformation is the artist's to end: in the real Krita."""

from __future__ import annotations

import pytest

from ..said import Said
from .krita import Krita


@pytest.fixture(scope="module")
def said(krita: Krita) -> Said:
    return krita.run("strokes", timeout=400)


def test_the_preview_follows_a_layer_although_the_move_tool_keeps_its_stroke_open(said: Said) -> None:
    assert said["moved"]["layers"] == ["Scene", "Figure"]


@pytest.mark.parametrize("live", [False, True], ids=["preview", "live"])
def test_a_transformation_stays_open_until_the_artist_ends_it(said: Said, live: bool) -> None:
    line = said[f"transformed-{live}"]
    assert line["left_alone"]
    assert line["busy"] < 0.5, "Krita stands still while the docker waits"
    assert line["layers"] == ["Scene", ["Figure", ["Harmonize live"]] if live else "Figure"]


@pytest.mark.parametrize("live", [False, True], ids=["preview", "live"])
def test_krita_lives_while_it_scales_a_picture_that_the_docker_looks_at(said: Said, live: bool) -> None:
    line = said[f"scaled-{live}"]
    assert line["wide"] > 1000
    assert line["text"] == ("Live pauses: the picture is too large." if live else "")
