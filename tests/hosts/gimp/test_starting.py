"""The plug-in starts the daemon with the command that was written down when it was installed."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

from ..conftest import RunningDaemon, start_daemon, stop_daemon
from .gimp import Gimp

# Inside the host there is no torch: the command asks the test, outside, to start the real daemon.
ASK = """#!/bin/sh
echo "$@" > "$HARMONIZE_HOME/../asked"
exec sleep 120
"""


def test_a_missing_daemon_is_started_by_the_installed_command(gimp: Gimp, daemon: RunningDaemon) -> None:
    folder = Path(tempfile.mkdtemp(prefix="started-", dir=daemon.shared))
    command = daemon.shared / "start-daemon"
    command.write_text(ASK)
    command.chmod(0o755)
    started: list[RunningDaemon] = []

    def start_when_asked() -> None:
        until = time.monotonic() + 120
        while not (folder / "asked").exists() and time.monotonic() < until:
            time.sleep(0.05)
        started.append(start_daemon(folder))

    outside = threading.Thread(target=start_when_asked)
    outside.start()
    try:
        said = gimp.run("starting", environ={"HARMONIZE_HOME": f"/w/{folder.name}/home"})
    finally:
        outside.join()
        command.unlink()
        for running in started:
            stop_daemon(running)
    assert (folder / "asked").read_text() == "daemon run\n"
    assert said["starting"]["status"] == "SUCCESS", said["starting"]["message"]
    assert said["starting"]["layers"][0] == "Snowman (harmonized)"
