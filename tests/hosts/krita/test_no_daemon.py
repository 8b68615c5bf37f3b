"""Without a daemon, and without the means to start one."""

from __future__ import annotations

from .krita import Krita


def test_it_is_a_quiet_line_that_says_what_to_do(krita: Krita) -> None:
    said = krita.run("no_daemon", environ={"HARMONIZE_HOME": "/tmp/none"})
    line = said["no-daemon"]
    assert line["line"] == "The Harmonize daemon did not start"
    assert "/w/start-daemon" in line["details"]
    assert "cannot_start" in line["details"]
    assert line["health"] == "broken"
    assert line["layers"] == ["Scene", "Figure"]
    assert line["windows"] == []
    assert said["live"]["problem"]
    assert said["after-live"]["layers"] == ["Scene", "Figure"]
