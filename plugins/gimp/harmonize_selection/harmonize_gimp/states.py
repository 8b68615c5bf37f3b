"""The state of the daemon in words, for the dialog. Needs no GIMP."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from harmonize_client import DaemonStatus, HarmonizeError, Progress
from harmonize_client.session import State

from .errors import from_client
from .words import _


class Mood(enum.Enum):
    """What kind of state it is: how it is colored."""

    WAITING = "waiting"
    READY = "ready"
    BUSY = "busy"
    CHOOSING = "choosing"
    """The artist has something to choose."""
    TROUBLE = "trouble"


@dataclass(frozen=True)
class Shown:
    """One line for the artist."""

    mood: Mood
    text: str
    code: str = ""
    """The error's code, when there is trouble."""


def describe(
    state: State,
    daemon: DaemonStatus | None,
    error: HarmonizeError | None,
    progress: Progress | None,
    *,
    busy: bool,
    silent: bool,
) -> Shown:
    """From the session's state, what the daemon last said, the last error, and what is under way.

    busy: whether a network is asked. silent: whether the daemon, which is waited for, does not answer just now.
    """
    if error is not None:
        return Shown(Mood.TROUBLE, str(from_client(error)), error.code)
    if state is State.IDLE:
        # It ends by itself when nothing was asked of it for a while; the next change starts it again.
        return Shown(Mood.READY, _("Resting until the next change"))
    if daemon is None or state is not State.READY:
        starting = state is State.STARTING
        return Shown(Mood.WAITING, _("Starting the Harmonize daemon…") if starting else _("Connecting…"))
    if silent:
        return Shown(Mood.WAITING, _("Waiting for the Harmonize daemon…"))
    if daemon.state == "failed":
        return Shown(Mood.TROUBLE, daemon.detail, "worker_failed")
    if progress is not None and progress.stage == "loading":
        return Shown(Mood.WAITING, _("Loading the network…"))
    if daemon.state in ("starting", "restarting"):
        return Shown(Mood.WAITING, _("Starting up…"))
    if progress is not None and progress.stage == "queued":
        return Shown(Mood.BUSY, _("Waiting for other jobs…"))
    if busy:
        return Shown(Mood.BUSY, _("Looking at the scene…"))
    return Shown(Mood.READY, _("Ready, on the {device}").format(device=device_in_words(daemon.device)))


def device_in_words(device: str) -> str:
    """`cpu` or `cuda:0`, as artists say it."""
    if not device or device.startswith("cpu"):
        return _("CPU")
    return _("graphics card ({device})").format(device=device)
