"""All connections there are, also those that say nothing, and what to do when they take too much memory.

libzmq bounds a frame and counts messages, but not the frames of one message: whoever can reach the port, token or not,
can send a message that never ends. All that the front sees of it is that its memory grows.
"""

from __future__ import annotations

import logging
import os
import struct
from contextlib import suppress
from pathlib import Path

import zmq

from harmonize_daemon.front.peers import Peer

log = logging.getLogger(__name__)

_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
_STATM = Path("/proc/self/statm")


class Connections:
    """Follows what a bound socket accepts."""

    def __init__(self, router: zmq.Socket[bytes]) -> None:
        self._router = router
        self.monitor = router.get_monitor_socket(_EVENTS)
        self._peers: dict[int, Peer] = {}
        self._trusted: set[int] = set()

    def close(self) -> None:
        """Stop following. Call it before the socket is closed."""
        self._router.disable_monitor()
        self.monitor.close(linger=0)  # an open socket would keep the context, and the process, from ending

    def read(self) -> None:
        """Take in what has happened. Call it when `monitor` can be read."""
        with suppress(zmq.Again):
            while True:
                event, descriptor = struct.unpack("=HI", self.monitor.recv_multipart(zmq.NOBLOCK)[0])
                self._trusted.discard(descriptor)
                if event == zmq.EVENT_ACCEPTED:
                    self._peers[descriptor] = Peer.on(descriptor)
                else:
                    self._peers.pop(descriptor, None)

    def trust(self, peer: Peer) -> None:
        """This connection has sent the right token."""
        self._trusted.add(peer.descriptor)

    def drop(self, trusted_too: bool) -> None:
        """Close the connections that have never sent the right token, or all of them."""
        for descriptor, peer in self._peers.items():
            if trusted_too or descriptor not in self._trusted:
                peer.disconnect()


class MemoryGuard:
    """Closes connections when the process has grown beyond `limit` bytes: first strangers, then all."""

    def __init__(self, connections: Connections, limit: int) -> None:
        self._connections = connections
        self._limit = limit
        self._was_above = False

    def check(self) -> bool:
        """Look, and act if need be; whether it acted. Call it a few times a second."""
        is_above = resident_bytes() > self._limit
        if is_above:
            who = "all connections" if self._was_above else "connections that sent no token"
            log.warning("the front takes more than %d MiB of memory: closing %s", self._limit >> 20, who)
            self._connections.drop(trusted_too=self._was_above)
        self._was_above = is_above
        return is_above


def resident_bytes() -> int:
    """How much memory this process takes; 0 where the system does not say so cheaply."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
