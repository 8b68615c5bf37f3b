"""Krita ends as it should with the docker at work."""

from __future__ import annotations

from .krita import Krita


def test_krita_ends_in_the_middle_of_live_mode(krita: Krita) -> None:
    said = krita.run("quitting")
    assert [line["case"] for line in said.lines] == ["quitting"]
    assert said.code == 0, said.log[-3000:]
