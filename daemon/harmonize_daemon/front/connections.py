"""All connections there are, also those that say nothing, and what to do when they take too much.

libzmq bounds a frame and counts messages, but not the frames of one message: whoever can reach the port, token or not,
can send a message that never ends. All that the front sees of it is that its memory grows.
Nor does it bound how many connections there are: strangers could take all of the process's descriptors.
"""

from __future__ import annotations

import logging
import os
import struct
from contextlib import suppress
from pathlib import Path
from time import monotonic

import zmq

from harmonize_daemon.front.peers import Peer

log = logging.getLogger(__name__)

_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
_STATM = Path("/proc/self/statm")


class Connections:
    """Follows what a bound socket accepts. Strangers are connections that have never sent the right token."""

    def __init__(self, router: zmq.Socket[bytes], most_strangers: int) -> None:
        self._router = router
        self._most_strangers = most_strangers
        self.monitor = router.get_monitor_socket(_EVENTS)
        self._peers: dict[int, Peer] = {}
        """By descriptor, the newest last."""
        self._trusted: set[tuple[str, int] | None] = set()
        """Far ends of connections: a descriptor may already be another's when its connection is first heard of here."""

    def close(self) -> None:
        """Stop following. Call it before the socket is closed."""
        self._router.disable_monitor()
        self.monitor.close(linger=0)  # an open socket would keep the context, and the process, from ending

    def read(self) -> None:
        """Take in what has happened. Call it when `monitor` can be read."""
        with suppress(zmq.Again):
            while True:
                event, descriptor = struct.unpack("=HI", self.monitor.recv_multipart(zmq.NOBLOCK)[0])
                self._peers.pop(descriptor, None)
                if event == zmq.EVENT_ACCEPTED:
                    self._peers[descriptor] = Peer.on(descriptor)

    def trust(self, peer: Peer) -> None:
        """This connection has sent the right token."""
        self._trusted.add(peer.address)

    def tick(self) -> None:
        """Close the oldest strangers where there are too many. Call it a few times a second."""
        self.read()
        self._trusted &= {peer.address for peer in self._peers.values()}
        for peer in self._strangers()[: -self._most_strangers]:
            peer.disconnect()

    def drop(self, trusted_too: bool) -> None:
        """Close the connections of strangers, or all of them."""
        for peer in list(self._peers.values()) if trusted_too else self._strangers():
            peer.disconnect()

    def _strangers(self) -> list[Peer]:
        return [peer for peer in self._peers.values() if peer.address not in self._trusted]


PATIENCE_SECONDS = 2.0
"""So long, on a busy machine, the memory of connections that were closed may take to come back."""


class MemoryGuard:
    """Closes connections while the process is larger than `limit` bytes: strangers, and if that does not help, all."""

    def __init__(self, connections: Connections, limit: int) -> None:
        self._connections = connections
        self._limit = limit
        self._above_since: float | None = None

    def check(self) -> bool:
        """Look, and act if need be; whether it acted. Call it a few times a second."""
        if resident_bytes() <= self._limit:
            self._above_since = None
            return False
        now = monotonic()
        all_of_them = self._above_since is not None and now - self._above_since > PATIENCE_SECONDS
        if self._above_since is None or all_of_them:
            who = "all connections" if all_of_them else "connections that sent no token"
            log.warning("the front takes more than %d MiB of memory: closing %s", self._limit >> 20, who)
            self._above_since = now
        self._connections.drop(trusted_too=all_of_them)
        return True


def resident_bytes() -> int:
    """How much memory this process takes; 0 where the system does not say so cheaply."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
