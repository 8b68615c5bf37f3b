"""The other end of a connection, and how to close it.

libzmq has no call that closes one connection of a bound socket. It does say which descriptor a message came from, so
the connection can be shut down below it; libzmq then drops the peer and what was queued for it.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import zmq


@dataclass(frozen=True)
class Peer:
    """A connected client, as one of its messages showed it. Two are the same client if their routing ids are equal."""

    routing_id: bytes
    descriptor: int = field(compare=False, default=-1)
    address: tuple[str, int] | None = field(compare=False, default=None)

    @classmethod
    def of(cls, frame: zmq.Frame, routing_id: bytes) -> Peer:
        """The client that a frame came from."""
        try:
            return _first_seen(int(frame.get(zmq.SRCFD)), routing_id)
        except (zmq.ZMQError, ValueError):
            return cls(routing_id)

    @classmethod
    def on(cls, descriptor: int, routing_id: bytes = b"") -> Peer:
        """The client at the other end of a connection."""
        return cls(routing_id, descriptor, _address(descriptor))

    def takes_more(self) -> bool:
        """Whether the connection has room for more to be sent: not if it is closed, nor if the client does not read."""
        poller = zmq.Poller()  # `select` knows no descriptors from 1024 on
        poller.register(self.descriptor, zmq.POLLOUT)
        # One that was shut down can be written to, too, in vain, and is an error at the same time.
        return self._is_open() and dict(poller.poll(0)).get(self.descriptor) == zmq.POLLOUT

    def disconnect(self) -> None:
        """Close the connection. Does nothing if it is closed already."""
        if self._is_open():
            with contextlib.suppress(OSError), _borrowed(self.descriptor) as connection:
                connection.shutdown(socket.SHUT_RDWR)

    def _is_open(self) -> bool:
        # The descriptor may since belong to another connection: only one with the same far end is meant.
        return self.address is not None and _address(self.descriptor) == self.address


@lru_cache(maxsize=1000)
def _first_seen(descriptor: int, routing_id: bytes) -> Peer:
    """The client as its first message showed it: when a later one is read its connection may be closed already, and the
    descriptor another's, who would be waited for and disconnected in its place."""
    return Peer.on(descriptor, routing_id)


def _address(descriptor: int) -> tuple[str, int] | None:
    try:
        with _borrowed(descriptor) as connection:
            host, port = connection.getpeername()[:2]
            return host, port
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket]:
    connection = socket.socket(fileno=descriptor)
    try:
        yield connection
    finally:
        connection.detach()
