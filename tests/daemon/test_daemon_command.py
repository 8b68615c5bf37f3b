"""`harmonize daemon`: says what is the case, and its exit status says it too."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harmonize_client import connect, paths
from harmonize_daemon.cli import daemon as command
from harmonize_daemon.cli import main
from harmonize_daemon.front.lifetime import daemon_runs
from harmonize_daemon.options import Limits, Options

from tests.daemon.conftest import Start
from tests.daemon.rig import PATIENCE_SECONDS, until
from tests.daemon.test_faults_lifetime import leave_behind


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    for variable in command.SETTINGS.values():
        monkeypatch.setenv(variable, "so that it is put back")
        monkeypatch.delenv(variable)
    return tmp_path


@pytest.mark.parametrize("stale", [False, True])
def test_no_daemon_is_nothing_to_stop(home: Path, capsys: pytest.CaptureFixture[str], stale: bool) -> None:
    if stale:
        leave_behind(home, os.getpid())
    assert not daemon_runs(home)
    assert main(["daemon", "stop"]) == 0
    assert capsys.readouterr().out == "No daemon runs.\n"
    assert main(["daemon", "status"]) == 1
    assert capsys.readouterr().err == "No daemon runs.\n"


def test_a_daemon_that_was_stopped_has_ended(start: Start, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    daemon = start().ready()
    assert daemon_runs(home)
    assert main(["daemon", "status"]) == 0
    assert "ready" in capsys.readouterr().out
    assert main(["daemon", "stop"]) == 0
    assert capsys.readouterr().out == "The daemon has stopped.\n"
    assert not daemon_runs(home)
    assert daemon.process.wait(5) == 0


def test_a_daemon_that_does_not_answer_is_no_stopped_daemon(
    start: Start, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = start().ready()
    os.kill(daemon.process.pid, signal.SIGSTOP)
    assert main(["daemon", "stop"]) == 1
    said = capsys.readouterr()
    assert f"process {daemon.process.pid}) cannot be used: it does not answer" in said.err
    assert "[cannot_connect]" in said.err
    assert said.out == ""


def test_a_daemon_that_takes_its_time_to_end_is_no_stopped_daemon(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = start().ready()
    monkeypatch.setattr(command, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(command, "daemon_runs", lambda home: True)
    assert main(["daemon", "stop"]) == 1
    assert f"process {daemon.process.pid}, has not ended within 0.1 seconds" in capsys.readouterr().err


OTHER = """
import fcntl, sys, time
lock = open(sys.argv[-1] + "/daemon.lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(1000)
"""


@contextmanager
def other_version(home: Path, program: str, protocol: int = 99) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the daemon's lock, and is named by a connection file of another protocol."""
    script = home / program
    script.write_text(OTHER)
    words = [sys.executable, str(script), "daemon", "run", str(home)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            leave_behind(home, process.pid, protocol)
            yield process
        finally:
            process.kill()


def test_a_daemon_of_another_protocol_is_stopped(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with other_version(home, "harmonize") as process:
        assert main(["daemon", "stop"]) == 0
        assert capsys.readouterr().out == "The daemon has stopped.\n"
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGTERM


def test_what_was_not_started_as_a_daemon_is_not_ended(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with other_version(home, "editor") as process:
        assert main(["daemon", "stop"]) == 1
        assert f"process {process.pid}) speaks protocol 99" in capsys.readouterr().err
        assert process.poll() is None


def test_a_folder_that_others_can_read_is_named(start: Start, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start().ready()
    home.chmod(0o755)
    assert main(["daemon", "stop"]) == 1
    assert "[untrusted_connection_file]" in capsys.readouterr().err
    assert main(["daemon", "status"]) == 1
    assert "[untrusted_connection_file]" in capsys.readouterr().err
    home.chmod(0o700)


def test_settings_reach_a_daemon_in_the_background_and_a_restart_brings_new_ones(
    command_line_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARMONIZE_HOME", str(command_line_home))

    def limits() -> tuple[int, int]:
        with connect("test/1", start=False) as client:
            status = client.status()
        return status.limits.pixels, status.idle_exit_seconds

    assert main(["daemon", "start", "--max-pixels", "1000", "--idle-exit", "77"]) == 0
    assert "already" not in capsys.readouterr().out
    assert limits() == (1000, 77)
    first = paths.read_connection(command_line_home)
    assert main(["daemon", "start", "--max-pixels", "2000"]) == 0
    assert "runs already" in (said := capsys.readouterr().out)
    assert "harmonize daemon restart" in said
    assert limits() == (1000, 77)
    assert main(["daemon", "restart", "--max-pixels", "2000"]) == 0
    assert limits()[0] == 2000
    assert paths.read_connection(command_line_home) != first
    assert main(["daemon", "stop"]) == 0
    until(lambda: not daemon_runs(command_line_home))


def test_a_variable_that_is_no_number_matters_only_where_it_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARMONIZE_IDLE_EXIT", "never")
    assert main(["daemon", "stop"]) == 0
    with pytest.raises(SystemExit) as ended:
        main(["daemon", "run"])
    assert ended.value.code == 2
    assert "--idle-exit: 'never' is no number" in capsys.readouterr().err


@pytest.mark.parametrize("setting", command.SETTINGS)
def test_a_variable_without_a_value_is_none(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv(command.SETTINGS[setting], "")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert vars(parser.parse_args(["run"]))[setting] in (Options.device, Options.idle_exit_seconds, Limits.pixels)


@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_port_that_there_cannot_be_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["daemon", "run", f"--port={port}"])
    assert ended.value.code == 2
    assert "give a number from 0 to 65535" in capsys.readouterr().err
