"""The exceptions, and that they are those of docs/protocol.md."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from harmonize_client import Busy, ConnectionLost, Failed, HarmonizeError, NoDaemon, Refused, Stopped, errors
from harmonize_client.errors import error_from_wire

PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
TABLE = PROTOCOL[PROTOCOL.index("## Errors") :]


def leaves(base: type[HarmonizeError] = HarmonizeError) -> list[type[HarmonizeError]]:
    # Other packages derive errors of their own, which are no part of the protocol.
    children = [child for child in base.__subclasses__() if child.__module__ == errors.__name__]
    return [leaf for child in children for leaf in leaves(child)] if children else [base]


def test_every_code_of_the_protocol_has_a_class_and_no_other_has() -> None:
    from_the_daemon = set(re.findall(r"^\| `(\w+)` \|", TABLE, re.MULTILINE))
    from_the_client = set(re.findall(r"`(\w+)`", TABLE[TABLE.index("codes of its own") :]))
    classes = {leaf.default_code for leaf in leaves()}
    assert from_the_daemon
    assert classes == from_the_daemon | from_the_client
    assert {leaf.default_code for leaf in leaves(NoDaemon)} == from_the_client


def test_the_docstring_draws_every_class_with_its_code() -> None:
    drawn = dict(re.findall(r"── (\w+) +(\w+)$", errors.__doc__ or "", re.MULTILINE))
    assert drawn == {leaf.__name__: leaf.default_code for leaf in leaves()}


@pytest.mark.parametrize("leaf", leaves())
def test_every_class_has_a_hint_a_docstring_and_a_place_in_the_tree(leaf: type[HarmonizeError]) -> None:
    assert leaf.default_hint != HarmonizeError.default_hint
    assert leaf.__doc__
    assert issubclass(leaf, (NoDaemon, Refused, Stopped, Failed))


def test_an_error_is_one_sentence_that_ends_with_what_to_do() -> None:
    assert str(Busy("The queue is full.", "try again later.")) == "The queue is full: try again later."
    assert str(Busy("The queue is full")) == "The queue is full: try again when other jobs have ended."


def test_an_error_from_the_wire_has_its_class_and_its_words() -> None:
    error = error_from_wire("busy", "The queue is full.", "wait")
    assert (type(error), error.code, error.cause, error.hint) == (Busy, "busy", "The queue is full.", "wait")


def test_an_unknown_code_stays_generic_and_keeps_its_code() -> None:
    error = error_from_wire("on_strike", "The daemon is on strike.", "")
    assert (type(error), error.code) == (HarmonizeError, "on_strike")
    assert str(error) == "The daemon is on strike: see the daemon's log."


def test_errors_survive_the_way_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(error_from_wire("on_strike", "cause", "hint")))
    assert (error.code, str(error)) == ("on_strike", "cause: hint.")
    assert type(pickle.loads(pickle.dumps(ConnectionLost("cause")))) is ConnectionLost
