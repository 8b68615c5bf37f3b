"""What is known of the other end of a connection, and what is done to it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import zmq
from harmonize_daemon.front.peers import Peer


class Frame:
    """A frame of which only is known which descriptor it came from."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def get(self, name: int) -> int:
        assert name == zmq.SRCFD
        return self._descriptor


def sender(descriptor: int, routing_id: bytes) -> Peer:
    return Peer.of(Frame(descriptor), routing_id)  # type: ignore[arg-type]


@contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's end and the daemon's."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(server.getsockname()))
        yield client, stack.enter_context(server.accept()[0])


def test_a_connection_that_was_shut_down_takes_no_more() -> None:
    """libzmq may keep it open until all that came over it is read: each answer to that would be waited for in vain."""
    with connection() as (_, ours):
        peer = sender(ours.fileno(), os.urandom(5))
        assert peer.takes_more()
        peer.disconnect()
        assert not peer.takes_more()


def test_who_has_got_the_descriptor_of_a_closed_connection_is_not_taken_for_its_client() -> None:
    """What a client has sent is read, in part, when its connection is closed and another one is made already."""
    gone, came = os.urandom(5), os.urandom(5)
    with connection() as (_, before), connection() as (client, after):
        descriptor = before.fileno()
        sender(descriptor, gone)
        os.dup2(after.fileno(), descriptor)
        late = sender(descriptor, gone)
        assert not late.takes_more()
        late.disconnect()
        client.setblocking(False)
        with pytest.raises(BlockingIOError):  # or else it would read the end
            client.recv(1)
        assert sender(descriptor, came).takes_more()
