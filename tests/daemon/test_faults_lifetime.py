"""FAULTS 18 to 20: files that others can read, a second daemon, what a crash leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.daemon.conftest import Start
from tests.daemon.rig import PATIENCE_SECONDS, ROOT, Daemon, until


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o770, 0o777, 0o707])
def test_fault_18_a_folder_that_others_can_use_is_refused(start: Start, tmp_path: Path, mode: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    daemon = start(home)
    assert "UntrustedConnectionFile" in daemon.output()
    assert daemon.process.returncode != 0
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_fault_18_a_connection_file_that_others_can_use_is_refused(start: Start, tmp_path: Path, mode: int) -> None:
    left = tmp_path / "connection.json"
    left.write_text("{}")
    left.chmod(mode)
    daemon = start()
    assert "UntrustedConnectionFile" in daemon.output()
    assert left.read_text() == "{}"


def test_fault_18_what_the_daemon_writes_is_private(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    home.parent.mkdir()
    daemon = start(home)
    daemon.ready()
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "connection.json").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in home.iterdir() if file.name.startswith("connection")] == ["connection.json"]


def test_fault_19_a_second_daemon_prints_where_the_first_is_and_exits_0(start: Start) -> None:
    first = start()
    endpoint = first.connection()["endpoint"]
    second = start()
    assert endpoint in second.output()
    assert second.process.returncode == 0
    with first.raw() as client:
        assert client.status()["pid"] == first.process.pid


def test_fault_19_daemons_started_at_once_leave_one(start: Start) -> None:
    daemons = [start() for _ in range(4)]
    until(lambda: sum(daemon.process.poll() is None for daemon in daemons) == 1)
    running = [daemon for daemon in daemons if daemon.process.poll() is None]
    assert len(running) == 1
    endpoint = running[0].connection()["endpoint"]
    for daemon in daemons:
        if daemon is not running[0]:
            assert endpoint in daemon.output()
            assert daemon.process.returncode == 0


def leave_behind(home: Path, pid: int, protocol: int = 1) -> None:
    """What a daemon that crashed, or a computer that was switched off, leaves."""
    endpoint = "tcp://127.0.0.1:9"
    fields = {"endpoint": endpoint, "token": "0" * 64, "pid": pid, "version": "0.0.1", "protocol": protocol}
    (home / "connection.json").write_text(json.dumps(fields))
    (home / "connection.json").chmod(0o600)
    (home / "daemon.lock").write_text(str(pid))


@pytest.mark.parametrize("pid", [1, 999_999_999, os.getpid()], ids=["reused", "gone", "ours"])
def test_fault_20_a_stale_connection_file_and_lock_are_replaced(start: Start, tmp_path: Path, pid: int) -> None:
    leave_behind(tmp_path, pid)
    daemon = start()
    with daemon.raw() as client:
        assert client.status()["pid"] == daemon.process.pid


def test_fault_20_a_killed_daemon_is_replaced(start: Start) -> None:
    first = start()
    first.ready()
    first.process.kill()
    first.process.wait()
    assert (first.home / "connection.json").exists()
    second: Daemon = start()
    with second.raw() as client:
        assert client.status()["pid"] == second.process.pid


@pytest.mark.parametrize("text", ["", "{", "[]", '{"endpoint": 5}', '{"protocol": 99, "version": "9"}'])
def test_fault_20_a_damaged_connection_file_is_replaced(start: Start, tmp_path: Path, text: str) -> None:
    (tmp_path / "connection.json").write_text(text)
    (tmp_path / "connection.json").chmod(0o600)
    daemon = start()
    assert daemon.connection()["protocol"] == 1


def test_a_port_that_is_taken_is_a_clear_error(start: Start, tmp_path: Path) -> None:
    first = start(tmp_path / "a")
    second = start(tmp_path / "b", port=first.port)
    assert "Address already in use" in second.output()
    assert second.process.returncode != 0


def test_a_daemon_that_nobody_can_find_any_more_ends(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "home"
    daemon = start(home).ready()
    shutil.rmtree(home)
    assert daemon.process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("updated", [True, False])
def test_a_daemon_whose_program_is_updated_or_removed_ends(start: Start, tmp_path: Path, updated: bool) -> None:
    """The next request finds one of the new version. What runs is finished before."""
    installed = shutil.copytree(ROOT / "plugins" / "harmonize_client", tmp_path / "packages" / "harmonize_client")
    daemon = start(packages=[installed.parent]).ready()
    with daemon.raw() as client:
        with daemon.paused_worker():
            id = client.predict()
            client.status()  # now the daemon has taken it in
            shutil.rmtree(installed)
            if updated:
                shutil.copytree(ROOT / "plugins" / "harmonize_client", installed, copy_function=shutil.copyfile)
            time.sleep(0.5)  # longer than it takes to look again
            client.status()
        client.expect("predicted", id)
    assert daemon.process.wait(PATIENCE_SECONDS) == 0
    assert "updated or removed" in daemon.log()


def test_a_folder_that_becomes_readable_does_not_keep_the_daemon_from_ending(start: Start, tmp_path: Path) -> None:
    daemon = start().ready()
    tmp_path.chmod(0o755)
    daemon.process.terminate()
    assert daemon.output() == ""
    assert daemon.process.returncode == 0
