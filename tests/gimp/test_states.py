from __future__ import annotations

from dataclasses import replace

import pytest
from harmonize_client import DaemonStatus, HarmonizeError, JobCounts, Limits, NotInstalled, Progress, State
from harmonize_gimp.states import Mood, describe

READY = DaemonStatus("0.1.0", 1, 7, "ready", "", "cpu", (), "x", JobCounts(0, 0), Limits(1, 1, 1, 1, 1), 0)


def test_a_daemon_that_is_not_there_yet_is_being_started() -> None:
    assert describe(State.STARTING, None, None, None, busy=False, silent=False).text == "Starting the Harmonize daemon…"


def test_a_daemon_that_ended_because_nothing_was_asked_is_not_being_connected_to() -> None:
    shown = describe(State.IDLE, READY, None, None, busy=False, silent=False)
    assert (shown.mood, shown.text) == (Mood.READY, "Resting until the next change")


def test_the_device_is_named() -> None:
    assert describe(State.READY, READY, None, None, busy=False, silent=False).text == "Ready, on the CPU"
    shown = describe(State.READY, replace(READY, device="cuda:0"), None, None, busy=False, silent=False)
    assert shown.text == "Ready, on the graphics card (cuda:0)"


@pytest.mark.parametrize(
    ("progress", "mood"),
    [
        (Progress("loading", None), Mood.WAITING),
        (Progress("queued", None), Mood.BUSY),
        (Progress("predicting", 0.5), Mood.BUSY),
    ],
)
def test_what_is_under_way_is_told_apart(progress: Progress, mood: Mood) -> None:
    assert describe(State.READY, READY, None, progress, busy=True, silent=False).mood is mood


def test_a_daemon_that_hangs_is_not_ready() -> None:
    shown = describe(State.READY, READY, None, None, busy=False, silent=True)
    assert (shown.mood, shown.text) == (Mood.WAITING, "Waiting for the Harmonize daemon…")


def test_an_error_wins_over_everything() -> None:
    error: HarmonizeError = NotInstalled("no command")
    shown = describe(State.READY, READY, error, Progress("predicting", 0.5), busy=True, silent=False)
    assert (shown.mood, shown.code) == (Mood.TROUBLE, "not_installed")


def test_a_worker_that_cannot_start_is_trouble() -> None:
    failed = replace(READY, state="failed", detail="No torch.")
    shown = describe(State.READY, failed, None, None, busy=False, silent=False)
    assert (shown.mood, shown.text) == (Mood.TROUBLE, "No torch.")
