"""The real GIMP and Krita take minutes: these tests run when `tests/hosts` is named on the command line.

    pytest tests/hosts                # everything
    pytest tests/hosts/gimp           # one program
    pytest tests/hosts -k gimp3.2    # one version of GIMP
    pytest tests/hosts -k krita6     # one version of Krita

Elsewhere (`pytest` alone) they are reported as skipped, with this reason.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import environment

REPOSITORY = Path(__file__).resolve().parents[2]
ASKED_FOR = "drives the real GIMP and Krita: name tests/hosts on the command line"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    named = any("hosts" in Path(argument.split("::")[0]).resolve().parts for argument in config.invocation_params.args)
    if not named:
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=ASKED_FOR))


@pytest.fixture(scope="session", params=environment.HOSTS, ids=lambda host: host.name)
def host(request: pytest.FixtureRequest) -> environment.Host:
    """Each of the hosts, built when it is not there yet."""
    return prepared(request.param)


def prepared(host: environment.Host) -> environment.Host:
    """The host, built. Skips the test where this machine can neither use nor build it."""
    reason = environment.why_unavailable(host)
    if reason:
        pytest.skip(reason)
    try:
        environment.build(host)
    except RuntimeError as error:
        if not host.is_experimental:
            raise
        pytest.skip(f"Debian's experimental cannot be installed today: {error}")
    return host


@dataclass(frozen=True)
class RunningDaemon:
    """A real daemon outside the hosts. Inside, its connection file is found with `HARMONIZE_HOME=/w/home`."""

    shared: Path
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        """What a program inside a host needs to find the daemon."""
        return {"HARMONIZE_HOME": str(environment.SHARED / "home")}


@pytest.fixture(scope="session")
def daemon() -> Iterator[RunningDaemon]:
    """A daemon on the CPU; `daemon.shared` is the folder to pass to `environment.enter`."""
    shared = Path(tempfile.mkdtemp(prefix="harmonize-hosts-"))
    running = start_daemon(shared)
    yield running
    stop_daemon(running)
    shutil.rmtree(shared, ignore_errors=True)


def start_daemon(shared: Path, *options: str) -> RunningDaemon:
    """Starts a daemon with its connection file under `shared`/home and waits until the file is there."""
    home = shared / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    paths = [str(REPOSITORY / part) for part in ("plugins", "daemon", "models")]
    with (shared / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "harmonize_daemon", "daemon", "run", "--idle-exit", "0", *options],
            env={
                **os.environ,
                "HARMONIZE_HOME": str(home),
                "PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")]),
                "CUDA_VISIBLE_DEVICES": "",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 60
    while not (home / "connection.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            stop_process(process)
            raise RuntimeError("the daemon did not start:\n" + (shared / "daemon.log").read_text()[-3000:])
        time.sleep(0.05)
    return RunningDaemon(shared, home, process)


def stop_daemon(running: RunningDaemon) -> None:
    stop_process(running.process)


def stop_process(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
