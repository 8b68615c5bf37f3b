"""The inner link between front and worker."""

from __future__ import annotations

import socket
import threading

import pytest
from harmonize_daemon.wire.link import (
    BandDone,
    BandTask,
    Beat,
    FrontLink,
    LinkClosed,
    NetworksReady,
    PredictTask,
    PredictTasks,
    Splitter,
    WorkerLink,
    encode,
)
from harmonize_daemon.wire.messages import NetworkInfo, Size


def test_messages_survive_being_cut_anywhere() -> None:
    sent = [
        Beat(),
        BandTask(1, 2, 3, 4),
        BandDone(1, 2, True),
        NetworksReady("cpu", [NetworkInfo("k", "t", "curves", "", 1, "", "")], "k"),
        PredictTasks([PredictTask(7, "n", Size(1, 1), b"abc", b"d", None, b"", "food", True)] * 2),
    ]
    stream = b"".join(map(encode, sent))
    for step in (1, 3, 7, 50, len(stream)):
        splitter = Splitter()
        received = [m for at in range(0, len(stream), step) for m in splitter.feed(stream[at : at + step])]
        assert received == sent


def test_the_fronts_end_never_waits_and_loses_nothing() -> None:
    ours, theirs = socket.socketpair()
    front, worker = FrontLink(ours), WorkerLink(theirs)
    task = PredictTasks([PredictTask(1, "", Size(1024, 1024), bytes(3 << 20), bytes(1 << 20), None, b"", None)])
    assert front.receive() == []
    for _ in range(5):
        front.send(task)  # far more than a socket holds
    assert front.wants_to_write
    received: list[object] = []

    def read() -> None:
        while len(received) < 5:
            received.extend(worker.receive())

    reader = threading.Thread(target=read)
    reader.start()
    while front.wants_to_write:
        front.flush()
    reader.join(10)
    assert received == [task] * 5
    front.close()
    theirs.close()


def test_either_end_notices_that_the_other_is_gone() -> None:
    ours, theirs = socket.socketpair()
    front = FrontLink(ours)
    WorkerLink(theirs).send(Beat())
    theirs.close()
    assert front.receive() == [Beat()]  # what was said before the end is heard
    with pytest.raises(LinkClosed):
        front.receive()
    with pytest.raises(LinkClosed):
        front.send(BandTask(1, 1, 1, 1))
    front.close()
    ours, theirs = socket.socketpair()
    front = FrontLink(ours)
    front.send(BandTask(1, 1, 1, 1))
    WorkerLink(theirs).send(Beat())
    theirs.close()  # with something unread, which the system reports as an error
    assert front.receive() == [Beat()]
    with pytest.raises(LinkClosed):
        front.receive()
    front.close()
    ours, theirs = socket.socketpair()
    worker = WorkerLink(theirs)
    ours.close()
    with pytest.raises(LinkClosed):
        worker.receive()
    theirs.close()
