from __future__ import annotations

import json

import pytest
from harmonize_client import Look
from harmonize_gimp.options import Options, Output, Reference


def test_options_survive_being_stored() -> None:
    options = Options("s2crnet", Output.CURVES, False, Reference.FILE, 0, "/a/b.png", "person", Look(0.4, warmth=-0.2))
    assert Options.from_dict(json.loads(json.dumps(options.to_dict()))) == options


def test_fields_of_a_newer_version_are_left_out() -> None:
    stored = {**Options().to_dict(), "shadows": True}
    stored["look"]["grain"] = 3
    assert Options.from_dict(stored) == Options()


@pytest.mark.parametrize("values", [{"output": "postcard"}, {"look": 3}, {"look": {"strength": 7}}])
def test_what_is_not_a_set_of_options_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the words are the enum's and the look's
        Options.from_dict(values)
