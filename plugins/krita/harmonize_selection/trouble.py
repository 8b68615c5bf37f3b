"""What went wrong, in the artist's words: one line, and what to do about it."""

from __future__ import annotations

import traceback

from .client import HarmonizeError
from .i18n import later, tr
from .state import Problem

_LONGEST_LINE = 70
_AGAIN = later("try again")
_DOCTOR = later("run “harmonize doctor” in a terminal to see why")
_RENEW = later("run “harmonize install krita” to renew the plug-in")
_KNOWN = {
    "not_installed": (
        later("The Harmonize daemon is not installed"),
        later("install it with “pipx install harmonize-selection”, then run “harmonize install krita”"),
    ),
    "cannot_start": (later("The Harmonize daemon did not start"), _DOCTOR),
    "cannot_connect": (later("The Harmonize daemon does not answer"), _DOCTOR),
    "connection_lost": (later("The connection to the Harmonize daemon broke"), _AGAIN),
    "untrusted_connection_file": (
        later("Others can read or change the file that names the Harmonize daemon"),
        later("remove it and try again"),
    ),
    "unauthorized": (later("The Harmonize daemon was restarted"), _AGAIN),
    "version_mismatch": (later("The plug-in and the Harmonize daemon are of different versions"), _RENEW),
    "bad_request": (later("The plug-in and the Harmonize daemon do not understand each other"), _RENEW),
    "too_large": (later("The layer is too large"), later("harmonize a smaller selection, or raise the limit")),
    "unknown_network": (
        later("That network is not installed"),
        later("choose another network, or run “harmonize models list”"),
    ),
    "busy": (later("The Harmonize daemon is busy"), later("try again when other jobs have ended")),
    "timeout": (later("The Harmonize daemon waited too long for pixels"), _AGAIN),
    "out_of_memory": (
        later("The memory of the graphics card and of the computer did not suffice"),
        later("close other programs, harmonize a smaller selection, or use the CPU"),
    ),
    "worker_died": (
        later("The process that computes ended in the middle"),
        later("try again; if it happens again, run “harmonize doctor”"),
    ),
    "worker_failed": (later("The process that computes cannot start"), _DOCTOR),
    "bad_weights": (later("The network’s weights file is damaged"), later("reinstall, or import it again")),
    "internal": (
        later("The Harmonize daemon has a defect"),
        later("report it together with the log that “harmonize doctor” names"),
    ),
}
"""Cause and hint of the daemon's and the client's errors, by code. The host's own come in the artist's language."""


def problem_of(error: Exception) -> Problem:
    if not isinstance(error, HarmonizeError):
        return Problem(tr("Something went wrong in the plug-in."), "".join(traceback.format_exception(error)))
    if error.code not in _KNOWN:
        return Problem(_short(error.cause), _paragraphs(error.cause, error.hint, f"({error.code})"))
    cause, hint = map(tr, _KNOWN[error.code])
    # What it said itself names numbers, files and networks: worth more than a translation to whoever has to help.
    return Problem(_short(cause), _paragraphs(cause, hint, f"{error.cause} ({error.code})"))


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))


def _short(text: str) -> str:
    """The first line, up to a length that stays quiet."""
    line = text.strip().split("\n")[0]
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1].rstrip() + "…"
