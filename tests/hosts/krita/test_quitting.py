"""Krita ends as it should with the docker at work."""

from __future__ import annotations

from ..said import fail
from .krita import Krita


def test_krita_ends_in_the_middle_of_live_mode(krita: Krita) -> None:
    said = krita.run("quitting")
    assert [line["case"] for line in said.lines] == ["quitting"]
    if said.code != 0:
        fail(f"Krita ended with {said.code}", said.log)
