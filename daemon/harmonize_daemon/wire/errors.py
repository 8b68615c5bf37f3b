"""Why a request was refused: a code, a cause in words, and a hint."""

from __future__ import annotations

from enum import Enum

_UPDATE = "Install plug-in and daemon of the same version."
_LOG = "Try again; the log of the daemon says more."


class ErrorCode(Enum):
    """The codes of docs/protocol.md that a daemon can answer with."""

    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    REPLAYED = "replayed"
    VERSION_MISMATCH = "version_mismatch"
    TOO_LARGE = "too_large"
    BAD_MASK = "bad_mask"
    UNKNOWN_NETWORK = "unknown_network"
    BUSY = "busy"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    WORKER_DIED = "worker_died"
    WORKER_FAILED = "worker_failed"
    BAD_WEIGHTS = "bad_weights"
    SHUTTING_DOWN = "shutting_down"
    INTERNAL = "internal"

    @property
    def hint(self) -> str:
        """What the user can do about it, one sentence; empty if there is nothing."""
        return _HINTS.get(self, "")


_HINTS = {
    ErrorCode.BAD_REQUEST: _UPDATE,
    ErrorCode.UNAUTHORIZED: "The daemon was restarted: read the connection file again.",
    ErrorCode.REPLAYED: "Use a new random id for each request.",
    ErrorCode.VERSION_MISMATCH: _UPDATE,
    ErrorCode.TOO_LARGE: "Harmonize a smaller selection.",
    ErrorCode.BAD_MASK: "Send a mask of the same size as its pixels.",
    ErrorCode.UNKNOWN_NETWORK: "Choose one of the networks that `harmonize models list` shows.",
    ErrorCode.BUSY: "Try again when other jobs have ended.",
    ErrorCode.TIMEOUT: "Try again; if it happens often, the computer is short of memory or time.",
    ErrorCode.OUT_OF_MEMORY: "Close other programs, or run `harmonize daemon restart --device cpu`.",
    ErrorCode.WORKER_DIED: _LOG,
    ErrorCode.WORKER_FAILED: "Run `harmonize doctor`.",
    ErrorCode.BAD_WEIGHTS: "Install again, or import the weights again.",
    ErrorCode.INTERNAL: "Report it together with the log of the daemon.",
}


class Refused(Exception):
    """A request that is answered by `error`.

    code: what kind of refusal. cause: one sentence for people. id: the request's id as far as it could be read.
    hint: what to do about it, where more is known than the code says.
    """

    def __init__(self, code: ErrorCode, cause: str, id: str = "", hint: str = "") -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause
        self.id = id
        self.hint = hint or code.hint
