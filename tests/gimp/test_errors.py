from __future__ import annotations

import re
from pathlib import Path

import pytest
from harmonize_client import HarmonizeError
from harmonize_client.errors import _BY_CODE
from harmonize_gimp import errors
from harmonize_gimp.errors import CannotHarmonize, Ending, from_client

SOURCES = Path(errors.__file__).parent
GUIDE = Path(__file__).resolve().parents[2] / "docs/errors.md"


def test_a_message_is_one_sentence_with_what_to_do() -> None:
    assert errors.sentence("the layer is empty.", "paint something.") == "The layer is empty: paint something."


@pytest.mark.parametrize("code", sorted(_BY_CODE))
def test_every_error_of_the_client_is_said_in_plain_words(code: str) -> None:
    error = from_client(HarmonizeError("raw cause", "raw hint", code=code))
    assert error.code == code
    assert re.fullmatch(r"[A-Z“].*\.", str(error))


def test_a_limit_keeps_its_number() -> None:
    assert "200000000" in str(from_client(HarmonizeError("more than 200000000 pixels", code="too_large")))


def test_an_error_that_only_a_newer_daemon_knows_is_passed_on() -> None:
    assert str(from_client(HarmonizeError("the moon is full", "wait", code="moon"))) == "The moon is full: wait."


def test_cancelling_is_no_failure() -> None:
    assert from_client(HarmonizeError("x", code="cancelled")).ending is Ending.CANCEL


def test_what_the_caller_can_change_is_a_calling_error() -> None:
    assert CannotHarmonize("no_layer", "a", "b").ending is Ending.CALLING_ERROR


def test_every_code_has_an_anchor_in_the_guide() -> None:
    own = set(re.findall(r'CannotHarmonize\(\s*"(\w+)"', "".join(path.read_text() for path in SOURCES.glob("*.py"))))
    assert len(own) > 8
    anchors = set(re.findall(r"^#+ `(\w+)`", GUIDE.read_text(), re.MULTILINE))
    assert (own | set(_BY_CODE)) - anchors == set()
