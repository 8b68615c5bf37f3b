"""Signals that ask for the end."""

from __future__ import annotations

import select
import signal
import sys
from collections.abc import Iterator

import pytest
from harmonize_daemon.front.wakeup import Wakeup

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")


@pytest.fixture
def hangups() -> Iterator[None]:
    """What the test sets for SIGHUP ends with it."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangups")
@pytest.mark.parametrize(("before", "wakes"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False)])
def test_the_end_of_the_terminal_ends_the_daemon_unless_it_runs_under_nohup(
    before: signal.Handlers, wakes: bool
) -> None:
    signal.signal(signal.SIGHUP, before)
    with Wakeup() as wakeup:
        signal.raise_signal(signal.SIGHUP)
        assert bool(select.select([wakeup.reader], [], [], 0)[0]) is wakes
    assert signal.getsignal(signal.SIGHUP) is before
