"""The one client of the harmonize daemon: Python's standard library only.

`connect` gives a blocking `Client`; `Session` is for event loops and never waits. Both raise `HarmonizeError`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import Client, connect
    from .errors import (
        BadMask,
        BadRequest,
        BadWeights,
        Busy,
        Cancelled,
        CannotConnect,
        CannotStart,
        ConnectionLost,
        Failed,
        HarmonizeError,
        InternalError,
        NoDaemon,
        NotInstalled,
        OutOfMemory,
        Refused,
        Replayed,
        ShuttingDown,
        Stopped,
        Superseded,
        TimedOut,
        TooLarge,
        Unauthorized,
        UnknownNetwork,
        UntrustedConnectionFile,
        VersionMismatch,
        WorkerDied,
        WorkerFailed,
    )
    from .jobs import Job
    from .session import Session, State
    from .values import (
        DaemonStatus,
        Exported,
        JobCounts,
        LayerFormat,
        Limits,
        Look,
        NetworkInfo,
        Place,
        Prediction,
        Progress,
        Rendered,
        Thumbnail,
    )
    from .version import PROTOCOL_VERSION, __version__
else:

    def __getattr__(name: str) -> object:
        """Import what is asked for when it is asked for: the daemon needs `paths` alone, and in a hurry."""
        from importlib import import_module

        if name in __all__:
            for module in ("version", "errors", "values", "jobs", "session", "client"):
                namespace = vars(import_module(f"{__name__}.{module}"))
                if name in namespace:
                    return namespace[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "PROTOCOL_VERSION",
    "BadMask",
    "BadRequest",
    "BadWeights",
    "Busy",
    "Cancelled",
    "CannotConnect",
    "CannotStart",
    "Client",
    "ConnectionLost",
    "DaemonStatus",
    "Exported",
    "Failed",
    "HarmonizeError",
    "InternalError",
    "Job",
    "JobCounts",
    "LayerFormat",
    "Limits",
    "Look",
    "NetworkInfo",
    "NoDaemon",
    "NotInstalled",
    "OutOfMemory",
    "Place",
    "Prediction",
    "Progress",
    "Refused",
    "Rendered",
    "Replayed",
    "Session",
    "ShuttingDown",
    "State",
    "Stopped",
    "Superseded",
    "Thumbnail",
    "TimedOut",
    "TooLarge",
    "Unauthorized",
    "UnknownNetwork",
    "UntrustedConnectionFile",
    "VersionMismatch",
    "WorkerDied",
    "WorkerFailed",
    "__version__",
    "connect",
]
