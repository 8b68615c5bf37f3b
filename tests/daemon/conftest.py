"""Daemons for the tests: one a module where the test leaves it as it was, else one of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harmonize_daemon.cli import main

from tests.daemon.rig import Daemon, RawClient, environment

Start = Callable[..., Daemon]


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A ready daemon with the fake engine, for all tests of a module."""
    daemon = Daemon(tmp_path_factory.mktemp("shared"))
    try:
        yield daemon.ready()
    finally:
        daemon.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts daemons that are stopped after the test."""
    started = []

    def start_one(home: Path | None = None, **settings: Any) -> Daemon:
        daemon = Daemon(home or tmp_path, **settings)
        started.append(daemon)
        return daemon

    yield start_one
    for daemon in started:
        daemon.stop()


@pytest.fixture
def client(shared_daemon: Daemon) -> Iterator[RawClient]:
    """A connection of its own to the shared daemon; the daemon must be as good as before afterwards."""
    with shared_daemon.raw() as client:
        yield client
    with shared_daemon.raw() as another:
        identifier = another.predict()
        another.expect("predicted", identifier)


@pytest.fixture(scope="module")
def command_line_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose daemon, with the real engine, the `harmonize` command starts when it needs one."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HARMONIZE_HOME", "PYTHONPATH"):
            patch.setenv(name, environment(home)[name])
        patch.setenv("HARMONIZE_DAEMON", json.dumps([sys.executable, "-m", "harmonize_daemon"]))
        patch.setenv("HARMONIZE_IDLE_EXIT", "120")
        yield home
        main(["daemon", "stop"])
