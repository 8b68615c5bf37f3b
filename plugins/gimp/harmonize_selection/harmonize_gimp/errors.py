"""What can go wrong, in one plain sentence and what to do about it. Needs no GIMP.

Each code has an anchor in the guide's page of errors.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from .words import _

if TYPE_CHECKING:
    from harmonize_client import HarmonizeError


_STOPS = ".。"


class Ending(enum.Enum):
    """How a run ended, as `Gimp.PDBStatusType` names it."""

    SUCCESS = "SUCCESS"
    CANCEL = "CANCEL"
    CALLING_ERROR = "CALLING_ERROR"
    EXECUTION_ERROR = "EXECUTION_ERROR"


class PluginError(Exception):
    """A run that cannot go on."""

    def __init__(self, code: str, cause: str, hint: str, ending: Ending = Ending.EXECUTION_ERROR) -> None:
        super().__init__(sentence(cause, hint))
        self.code = code
        self.ending = ending


class CannotHarmonize(PluginError):
    """What was asked for makes no sense for these layers: the caller can change that."""

    def __init__(self, code: str, cause: str, hint: str) -> None:
        super().__init__(code, cause, hint, Ending.CALLING_ERROR)


class NothingChosen(CannotHarmonize):
    """A choice that is not made yet: in a dialog no trouble, just the next step."""


def sentence(cause: str, hint: str) -> str:
    """`Cause: hint.` with the first letter large and one full stop."""
    cause, hint = cause.strip().rstrip(_STOPS), hint.strip().rstrip(_STOPS)
    text = _("{cause}: {hint}.").format(cause=cause, hint=hint) if hint else _("{cause}.").format(cause=cause)
    return text[:1].upper() + text[1:]


def from_client(error: HarmonizeError) -> PluginError:
    """The client's error in the user's words: known codes are translated, others say what the daemon said."""
    known = _known(error.code)
    cause, hint = known if known else (error.cause, error.hint)
    # The numbers that a limit's message names are worth more than a translation.
    if error.code in ("too_large", "worker_failed", "cannot_start", "internal", "bad_request"):
        cause = error.cause
    ending = Ending.CANCEL if error.code in ("cancelled", "superseded") else Ending.EXECUTION_ERROR
    return PluginError(error.code, cause, hint, ending)


def _known(code: str) -> tuple[str, str] | None:
    again = _("try again")
    return {
        "not_installed": (
            _("The Harmonize daemon is not installed"),
            _("install it with “pipx install harmonize-selection”, then run “harmonize install gimp”"),
        ),
        "cannot_start": (_("The Harmonize daemon did not start"), _("run “harmonize doctor” in a terminal to see why")),
        "cannot_connect": (
            _("The Harmonize daemon does not answer"),
            _("run “harmonize doctor” in a terminal to see why"),
        ),
        "connection_lost": (_("The connection to the Harmonize daemon broke"), again),
        "untrusted_connection_file": (
            _("Others can read or change the file that names the Harmonize daemon"),
            _("remove it and try again"),
        ),
        "unauthorized": (_("The Harmonize daemon was restarted"), again),
        "version_mismatch": (
            _("The plug-in and the Harmonize daemon are of different versions"),
            _("run “harmonize install gimp” to renew the plug-in"),
        ),
        "bad_request": (
            _("The plug-in and the Harmonize daemon do not understand each other"),
            _("run “harmonize install gimp” to renew the plug-in"),
        ),
        "too_large": (_("The layer is too large"), _("harmonize a smaller selection, or raise the limit")),
        "unknown_network": (
            _("That network is not installed"),
            _("choose another network, or run “harmonize models list”"),
        ),
        "busy": (_("The Harmonize daemon is busy"), _("try again when other jobs have ended")),
        "cancelled": (_("Harmonizing was cancelled"), ""),
        "superseded": (_("A newer request took the place of this one"), ""),
        "timeout": (_("The Harmonize daemon waited too long for pixels"), again),
        "out_of_memory": (
            _("The memory of the graphics card and of the computer did not suffice"),
            _("close other programs, harmonize a smaller selection, or use the CPU"),
        ),
        "worker_died": (
            _("The process that computes ended in the middle"),
            _("try again; if it happens again, run “harmonize doctor”"),
        ),
        "worker_failed": (
            _("The process that computes cannot start"),
            _("run “harmonize doctor” in a terminal to see why"),
        ),
        "bad_weights": (_("The network’s weights file is damaged"), _("reinstall, or import it again")),
        "shutting_down": (_("The Harmonize daemon is shutting down"), again),
        "internal": (
            _("The Harmonize daemon has a defect"),
            _("report it together with the log that “harmonize doctor” names"),
        ),
    }.get(code)
