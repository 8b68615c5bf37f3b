"""The comparison of ways back to full size, as a command; what it compares is tested with the fit."""

from __future__ import annotations

import pytest
from harmonize_models.evaluation.full_resolution import main


def test_a_network_that_is_not_there_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--network", "nosuch", "--side", "64"])
    assert left.value.code == 2
    assert "no network named 'nosuch'" in capsys.readouterr().err


def test_a_line_for_each_scene(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--side", "128", "--scenes", "2"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == ["0", "1"]
