"""The outbox by itself, with a socket that takes as much as a test lets it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import zmq
from harmonize_daemon.front.outbox import MOST_KEPT, Delivery, Outbox
from harmonize_daemon.front.peers import Peer
from harmonize_daemon.wire import messages

ANN, BEN = Peer(b"ann"), Peer(b"ben")
PROGRESS = messages.Progress(id="0" * 32, stage="queued")


class Router:
    def __init__(self) -> None:
        self.room = 0
        self.gone = False
        self.sent: list[bytes] = []

    def getsockopt(self, option: int) -> int:
        return 0

    def send_multipart(self, frames: Sequence[bytes], flags: int) -> None:
        if self.gone:
            raise zmq.ZMQError(zmq.EHOSTUNREACH)
        if not self.room:
            raise zmq.Again
        self.room -= 1
        self.sent.append(bytes(frames[-1]))


@pytest.fixture
def router() -> Router:
    return Router()


@pytest.fixture
def outbox(router: Router) -> Outbox:
    return Outbox(router)  # type: ignore[arg-type]


def say(outbox: Outbox, number: int, peer: Peer = ANN) -> Delivery:
    """A reply whose payload, in memory that is used again at once, is that number."""
    memory = bytearray([number])
    delivery = outbox.send(peer, messages.BandReply(id="0" * 32, row=number), [memoryview(memory)])
    memory[0] = 255
    return delivery


def test_what_finds_no_room_is_sent_later_in_its_order(router: Router, outbox: Outbox) -> None:
    assert [say(outbox, number) for number in range(3)] == [Delivery.SENT] * 3
    router.room = 2
    outbox.send_kept()
    assert say(outbox, 3) is Delivery.SENT
    router.room = 9
    assert say(outbox, 4) is Delivery.SENT
    outbox.send_kept()
    assert router.sent == [bytes([number]) for number in range(5)]


def test_a_client_that_does_not_read_holds_up_nobody_else(router: Router, outbox: Outbox) -> None:
    say(outbox, 1)
    router.room = 1
    say(outbox, 2, BEN)
    assert router.sent == [b"\2"]


def test_progress_is_not_kept_and_does_not_overtake(router: Router, outbox: Outbox) -> None:
    assert outbox.send(ANN, PROGRESS, []) is Delivery.FULL
    say(outbox, 1)
    router.room = 9
    assert outbox.send(ANN, PROGRESS, []) is Delivery.FULL
    outbox.send_kept()
    assert outbox.send(ANN, PROGRESS, []) is Delivery.SENT


def test_only_so_much_is_kept(outbox: Outbox) -> None:
    for number in range(MOST_KEPT):
        assert say(outbox, number) is Delivery.SENT
    assert say(outbox, 0) is Delivery.FULL
    assert say(outbox, 0, BEN) is Delivery.SENT


def test_what_is_kept_for_a_client_that_is_gone_is_forgotten(router: Router, outbox: Outbox) -> None:
    say(outbox, 1)
    say(outbox, 2)
    router.gone = True
    outbox.send_kept()
    assert say(outbox, 3) is Delivery.GONE
    router.gone, router.room = False, 9
    outbox.send_kept()
    assert router.sent == []


def test_the_sockets_own_thread_is_waited_for(monkeypatch: pytest.MonkeyPatch, router: Router, outbox: Outbox) -> None:
    def events(option: int) -> int:
        router.room = 1
        return 0

    monkeypatch.setattr(Peer, "takes_more", lambda peer: True)
    monkeypatch.setattr(router, "getsockopt", events)
    assert say(outbox, 1) is Delivery.SENT
    assert router.sent == [b"\1"]
