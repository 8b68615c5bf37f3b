"""Signals that ask for the end, as something that `poll` sees."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import suppress
from typing import Any

_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
"""Those that the system has."""


class Wakeup:
    """Within it, `reader` becomes readable when a signal comes."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Wakeup:
        # Signals can only be caught in the main thread; elsewhere `shutdown` is the way to end a daemon.
        if threading.current_thread() is threading.main_thread():
            for name in _SIGNALS:
                number = getattr(signal, name, None)
                if number and signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` has one ignored
                    self._previous[number] = signal.signal(number, self._wake)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self.reader.close()
        self._writer.close()

    def _wake(self, number: int, frame: object) -> None:
        with suppress(OSError):
            self._writer.send(b"\0")
