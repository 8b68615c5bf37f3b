"""Several windows of the real Krita: what is done in one is known in the other."""

from __future__ import annotations

import pytest

from ..said import Said
from .krita import Krita


@pytest.fixture(scope="module")
def said(krita: Krita) -> Said:
    return krita.run("windows")


def test_a_layer_is_harmonized_once_although_two_dockers_are_asked(said: Said) -> None:
    line = said["harmonized"]
    assert line["layers"] == ["Scene", "(Figure)", "Figure harmonized"]
    assert line["histories"] == [1, 1]


def test_live_is_on_in_both_dockers_and_outlives_the_one_of_them(said: Said) -> None:
    line = said["closed"]
    assert line["on"] == [True, True]
    assert line["still"]
    assert line["layers"] == ["Scene", ["Figure", ["Harmonize live"]]]
    assert said["off"]["layers"] == ["Scene", ["Figure", ["Harmonize"]]]
