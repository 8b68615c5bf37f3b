"""What can go wrong between a client and the daemon.

```
HarmonizeError                      code, cause, hint; unknown codes are exactly this class
├── NoDaemon                        there is no working connection to a daemon
│   ├── NotInstalled                not_installed
│   ├── CannotStart                 cannot_start
│   ├── CannotConnect               cannot_connect
│   ├── ConnectionLost              connection_lost
│   └── UntrustedConnectionFile     untrusted_connection_file
├── Refused                         the daemon did not take the request
│   ├── BadRequest                  bad_request
│   ├── Unauthorized                unauthorized
│   ├── Replayed                    replayed
│   ├── VersionMismatch             version_mismatch
│   ├── TooLarge                    too_large
│   ├── BadMask                     bad_mask
│   ├── UnknownNetwork              unknown_network
│   └── Busy                        busy
├── Stopped                         the request ended early, and somebody wanted that
│   ├── Cancelled                   cancelled
│   ├── Superseded                  superseded
│   └── ShuttingDown                shutting_down
└── Failed                          the daemon took the request and could not finish it
    ├── TimedOut                    timeout
    ├── OutOfMemory                 out_of_memory
    ├── WorkerDied                  worker_died
    ├── WorkerFailed                worker_failed
    ├── BadWeights                  bad_weights
    └── InternalError               internal
```

`NoDaemon` comes from this package, the rest from the daemon (`docs/protocol.md`, Errors).
"""

from __future__ import annotations

from typing import ClassVar


class HarmonizeError(Exception):
    """Something went wrong; `str()` of it is a sentence for people that ends with what to do."""

    default_code: ClassVar[str] = "unknown"
    default_hint: ClassVar[str] = "see the daemon's log"

    def __init__(self, cause: str, hint: str = "", *, code: str = "") -> None:
        """cause: what happened. hint: what to do. code: from the wire. The class knows a hint and a code of its own."""
        super().__init__(cause, hint)
        self.code = code or self.default_code
        self.cause = cause
        self.hint = hint or self.default_hint

    def __str__(self) -> str:
        cause = self.cause.strip().rstrip(".:")
        hint = self.hint.strip().rstrip(".")
        return f"{cause}: {hint}." if hint else f"{cause}."


class NoDaemon(HarmonizeError):
    """There is no working connection to a daemon."""


class NotInstalled(NoDaemon):
    """No command is known that starts the daemon."""

    default_code = "not_installed"
    default_hint = "install it with `pipx install harmonize-selection`, then run `harmonize install`"


class CannotStart(NoDaemon):
    """The daemon's command was run, and no daemon came of it."""

    default_code = "cannot_start"
    default_hint = "run `harmonize doctor`"


class CannotConnect(NoDaemon):
    """No daemon is running, or it does not answer."""

    default_code = "cannot_connect"
    default_hint = "start it with `harmonize daemon start`"


class ConnectionLost(NoDaemon):
    """The connection broke while a request was under way."""

    default_code = "connection_lost"
    default_hint = "try again; if it happens again, see the daemon's log"


class UntrustedConnectionFile(NoDaemon):
    """Others could have written or read the connection file."""

    default_code = "untrusted_connection_file"
    default_hint = "make the folder yours alone (chmod 700), delete the file and start the daemon again"


class Refused(HarmonizeError):
    """The daemon did not take the request."""


class BadRequest(Refused):
    """The request breaks the protocol."""

    default_code = "bad_request"
    default_hint = "update the plug-in and the daemon to the same version"


class Unauthorized(Refused):
    """The token is missing or wrong."""

    default_code = "unauthorized"
    default_hint = "try again: the daemon was restarted"


class Replayed(Refused):
    """The request's id was used before."""

    default_code = "replayed"
    default_hint = "use a new random id for each request"


class VersionMismatch(Refused):
    """The daemon speaks another version of the protocol."""

    default_code = "version_mismatch"
    default_hint = "install the plug-in and the daemon of the same version"


class TooLarge(Refused):
    """The request is beyond one of the daemon's limits."""

    default_code = "too_large"
    default_hint = "harmonize a smaller selection or raise the daemon's limit"


class BadMask(Refused):
    """The mask has another size than its pixels."""

    default_code = "bad_mask"
    default_hint = "give a mask of the size of its pixels"


class UnknownNetwork(Refused):
    """The daemon has no network of that name."""

    default_code = "unknown_network"
    default_hint = "choose one that `harmonize models list` shows"


class Busy(Refused):
    """The daemon's queue or its memory budget is full."""

    default_code = "busy"
    default_hint = "try again when other jobs have ended"


class Stopped(HarmonizeError):
    """The request ended early because somebody wanted that."""


class Cancelled(Stopped):
    """The client cancelled the request."""

    default_code = "cancelled"
    default_hint = "start it again if that was not meant"


class Superseded(Stopped):
    """A newer live request took the place of this one."""

    default_code = "superseded"
    default_hint = "wait for the newer one"


class ShuttingDown(Stopped):
    """The daemon was asked to stop."""

    default_code = "shutting_down"
    default_hint = "try again to start it anew"


class Failed(HarmonizeError):
    """The daemon took the request and could not finish it."""


class TimedOut(Failed):
    """The daemon waited for a band in vain."""

    default_code = "timeout"
    default_hint = "try again"


class OutOfMemory(Failed):
    """The device's memory did not suffice."""

    default_code = "out_of_memory"
    default_hint = "close other programs or use the CPU"


class WorkerDied(Failed):
    """The process that computes ended in the middle."""

    default_code = "worker_died"
    default_hint = "try again; if it happens again, see the daemon's log"


class WorkerFailed(Failed):
    """The process that computes cannot start."""

    default_code = "worker_failed"
    default_hint = "run `harmonize doctor`"


class BadWeights(Failed):
    """A weights file is damaged."""

    default_code = "bad_weights"
    default_hint = "reinstall, or import the checkpoint again"


class InternalError(Failed):
    """A defect of the daemon; its log has the trace."""

    default_code = "internal"
    default_hint = "report it with the daemon's log"


def _leaves(base: type[HarmonizeError]) -> dict[str, type[HarmonizeError]]:
    found = {}
    for child in base.__subclasses__():
        found.update(_leaves(child) or {child.default_code: child})
    return found


_BY_CODE = _leaves(HarmonizeError)


def error_from_wire(code: str, cause: str, hint: str) -> HarmonizeError:
    """The exception for an `error` message; a code that this version does not know gives a plain `HarmonizeError`."""
    return _BY_CODE.get(code, HarmonizeError)(cause, hint, code=code)
