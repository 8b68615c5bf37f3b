"""Errors: one plain sentence with what to do, the right status for scripts, and the image as it was."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import RunningDaemon, start_daemon, stop_daemon
from ..said import Said
from .gimp import Gimp

CALLING, EXECUTION = "CALLING_ERROR", "EXECUTION_ERROR"
EXPECTED = {
    "group": (CALLING, "layer group"),
    "locked-replace": (CALLING, "locked"),
    "locked-group-replace": (CALLING, "locked"),
    "elsewhere": (CALLING, "does not touch"),
    "on-transparency": (CALLING, "“Snowman” is both selected and visible"),
    "outside": (CALLING, "visible in the image"),
    "alone": (CALLING, "nothing below"),
    "floating": (CALLING, "floating selection"),
    "channel": (CALLING, "Only layers"),
    "layer-of-another-image": (CALLING, "closed meanwhile"),
    "layer-not-in-the-image": (CALLING, "closed meanwhile"),
    "path-layer-replace": (CALLING, "from its path"),
    "no-such-network": (EXECUTION, "network"),
    "no-reference-layer": (CALLING, "reference layer"),
    "no-reference-file": (CALLING, "nowhere.png"),
    "too-large": (EXECUTION, "smaller selection"),
    "untrusted": (EXECUTION, "Others can read"),
    "cannot-start": (EXECUTION, "harmonize doctor"),
    "version": (EXECUTION, "different versions"),
    "unauthorized": (EXECUTION, ""),
    "daemon-dies": (EXECUTION, "ry again"),
}


@pytest.fixture(scope="module")
def small_and_doomed(daemon: RunningDaemon) -> Iterator[tuple[RunningDaemon, RunningDaemon]]:
    """A daemon that takes few pixels only, and one that will be ended in the middle of its work."""
    folders = [Path(tempfile.mkdtemp(prefix=name, dir=daemon.shared)) for name in ("small-", "doomed-")]
    small = start_daemon(folders[0], "--max-pixels", "1000")
    doomed = start_daemon(folders[1])
    yield small, doomed
    stop_daemon(small)
    stop_daemon(doomed)


@pytest.fixture(scope="module")
def said(gimp: Gimp, daemon: RunningDaemon, small_and_doomed: tuple[RunningDaemon, RunningDaemon]) -> Said:
    small, doomed = small_and_doomed
    if doomed.process.poll() is not None:
        start = start_daemon(doomed.shared)
        doomed = start
    home = daemon.shared / "home-of-errors"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700)
    homes = [str(each.home.relative_to(daemon.shared)) for each in (daemon, small, doomed)]
    return gimp.run("errors", *homes, environ={"HARMONIZE_HOME": f"/w/{home.name}"}, timeout=400)


@pytest.mark.parametrize("case", EXPECTED)
def test_an_error_says_what_to_do_and_changes_nothing(case: str, said: Said, gimp: Gimp) -> None:
    if case.startswith("path-layer") and gimp.host.gimp == "3.0":
        pytest.skip("GIMP 3.0 has no vector layers")
    told = said[case]
    status, words = EXPECTED[case]
    assert told["status"] == status, told["message"]
    assert words in told["message"]
    assert told["message"].endswith(".")
    assert told["unchanged"]


@pytest.mark.parametrize("case", ["hidden", "locked", "locked-group"])
def test_invisible_and_locked_layers_get_a_new_layer(case: str, said: Said) -> None:
    told = said[case]
    assert told["status"] == "SUCCESS", told["message"]
    assert told["made"] == "Snowman (harmonized)"


def test_cancel_in_the_middle_leaves_the_image_as_it_was(said: Said) -> None:
    told = said["cancelled"]
    assert told["status"] != "SUCCESS"
    assert told["unchanged"]
    assert told["undo"]
