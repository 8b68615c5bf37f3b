"""A TCP server that does to one client what a function says, for peers that libzmq would never be."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from harmonize_client.link import Link
from harmonize_client.zmtp import Frame, greeting, ready


class RawPeer:
    """Runs `script` with the accepted socket in a thread, then keeps the connection open until the block ends."""

    def __init__(self, script: Callable[[socket.socket], object]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="raw-peer")

    def __enter__(self) -> RawPeer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        with contextlib.suppress(OSError):  # in case nobody ever connected
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        connection, _ = self._listener.accept()
        with connection, contextlib.suppress(OSError):
            self._script(connection)
            self._done.wait()


def opening(socket_type: str = "ROUTER") -> bytes:
    """What a peer sends for the handshake."""
    return greeting() + ready(socket_type)


def new_memory(index: int, size: int) -> memoryview:
    return memoryview(bytearray(size))


def drive(
    link: Link, until: Callable[[list[Frame]], object] = lambda frames: False, seconds: float = 20.0
) -> list[Frame]:
    """Read and write until `until` is true of the frames that came; gives them. Fails after `seconds`."""
    frames: list[Frame] = []
    end = time.monotonic() + seconds
    while True:
        frames += list(link.read())
        if not link.write() and until(frames):
            return frames
        assert time.monotonic() < end, "nothing came of it in time"
        time.sleep(0.001)
