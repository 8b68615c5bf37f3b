"""`harmonize doctor`: looks at everything, and says each thing as soon as it knows."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from harmonize_client import CannotStart
from harmonize_daemon import doctor
from harmonize_daemon.cli import main
from harmonize_daemon.doctor import Finding
from harmonize_models import checkpoints

from tests.client.fake_daemon import pid_of_the_dead
from tests.daemon.test_faults_lifetime import leave_behind

ROOT = Path(__file__).parents[2]


def test_every_package_that_is_installed_is_looked_at() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = {re.split(r"[ ;<>=]", line)[0] for line in setup["options"]["install_requires"].split("\n") if line}
    assert required == set(doctor.PACKAGES)


def test_a_finding_is_printed_before_the_next_one_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def examine() -> Iterator[Finding]:
        yield Finding("first", "well")
        assert capsys.readouterr().out == "ok    first: well\n"
        yield Finding("second", "not so well", fine=False)

    monkeypatch.setattr(doctor, "examine", examine)
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out == "FAIL  second: not so well\n"


def test_a_connection_file_that_was_left_behind_is_no_daemon_that_runs(command_line_home: Path) -> None:
    leave_behind(command_line_home, pid_of_the_dead())
    assert doctor._daemon().startswith("was started")
    assert doctor._daemon().startswith("runs")


def test_weights_that_were_deleted_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "missing", lambda: ("scenefit.safetensors",))
    finding = doctor._guarded("weights", doctor._weights)
    assert finding == Finding(
        "weights", "Missing: scenefit.safetensors. Install harmonize-selection again. [bad_weights]", fine=False
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="other systems have no such device")
def test_a_full_disk_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It keeps a daemon from starting, which then cannot even say why: its words would go to the same disk."""
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    assert doctor._folders().startswith("can be written")

    def full(dir: Path) -> BinaryIO:
        return open("/dev/full", "wb", buffering=0)

    monkeypatch.setattr(doctor, "TemporaryFile", full)
    with pytest.raises(OSError, match=r"cannot write into the folder .*No space left on device"):
        doctor._folders()


def test_who_runs_the_doctor_is_not_told_to_run_it() -> None:
    def fail() -> str:
        raise CannotStart("the command ended with status 1; it said:\nNo module named torch\n")

    said = "the command ended with status 1; it said:\nNo module named torch [cannot_start]"
    assert doctor._guarded("daemon", fail) == Finding("daemon", said, fine=False)
