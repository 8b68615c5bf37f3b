"""Replies on their way out, also to clients that do not read just now."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from enum import Enum
from time import monotonic, sleep

import zmq

from harmonize_daemon.front.peers import Peer
from harmonize_daemon.wire import messages
from harmonize_daemon.wire.messages import Reply

log = logging.getLogger(__name__)

SEND_HIGH_WATER = 24
"""Messages that wait unsent for one connection in libzmq."""
MOST_KEPT = 24
"""Replies that wait for one connection when these are all taken, by `progress` perhaps, which a busy client does not
read: more than the bands of its two renders and the last words to its eight requests, so that one that reads again
finds all that it is owed."""
PATIENCE_SECONDS = 0.25
"""So long may libzmq's own thread take to come to sending, while the processor is busy."""


class Delivery(Enum):
    """What became of a reply."""

    SENT = "sent"
    """Or it will be as soon as there is room."""
    FULL = "full"
    """The client does not read, and enough waits for it already."""
    GONE = "gone"


class Outbox:
    """Sends to the clients of a bound ROUTER, and waits for none of them: only, a moment, for libzmq's own thread."""

    def __init__(self, router: zmq.Socket[bytes]) -> None:
        self._router = router
        self._kept: dict[Peer, deque[list[bytes]]] = {}

    def send(self, peer: Peer, reply: Reply, payload: Sequence[memoryview | bytes]) -> Delivery:
        """Send, or keep what is more than `progress` until `send_kept`."""
        frames = [peer.routing_id, messages.encode(reply), *payload]
        kept = self._kept.get(peer, deque())
        delivery = Delivery.FULL if kept else self._send(peer, frames)
        if delivery is not Delivery.FULL or isinstance(reply, messages.Progress) or len(kept) == MOST_KEPT:
            return delivery
        kept.append([bytes(frame) for frame in frames])
        self._kept[peer] = kept
        return Delivery.SENT

    def send_kept(self) -> None:
        """Send on what there is room for now. Call it often."""
        for peer, kept in list(self._kept.items()):
            while kept and (delivery := self._send(peer, kept[0])) is not Delivery.FULL:
                kept.popleft()
                if delivery is Delivery.GONE:
                    kept.clear()
            if not kept:
                del self._kept[peer]

    def _send(self, peer: Peer, frames: Sequence[memoryview | bytes]) -> Delivery:
        end = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._router.send_multipart(frames, zmq.NOBLOCK)
                return Delivery.SENT
            except zmq.Again:
                if not peer.takes_more() or monotonic() > end:
                    return Delivery.FULL
                # libzmq's own thread has not come to sending, or what it has sent is counted once events are asked for.
                sleep(0.001)
                self._router.getsockopt(zmq.EVENTS)
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:
                    log.warning("a reply could not be sent: %s", error)
                return Delivery.GONE
