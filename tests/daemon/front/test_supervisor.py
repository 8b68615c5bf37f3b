"""The supervisor by itself, without a worker."""

from __future__ import annotations

import errno
import os
import socket

import pytest
from harmonize_daemon.front import supervisor
from harmonize_daemon.front.supervisor import MOST_RESTARTS, State, Supervisor
from harmonize_daemon.options import Options
from harmonize_daemon.wire.link import BandTask, DeviceLost, FrontLink, WorkerLink


@pytest.mark.parametrize(("owner", "name"), [(supervisor.socket, "socketpair"), (supervisor, "Slots")])
def test_a_worker_that_cannot_be_started_now_is_started_again_later(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    def fails(*arguments: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(owner, name, fails)
    deaths: list[str] = []
    tried = Supervisor(Options(restart_seconds=0), lambda message: None, deaths.append)
    tried.start()
    assert tried.state is State.RESTARTING
    assert "Cannot allocate memory" in tried.detail
    for _ in range(MOST_RESTARTS):
        assert tried.next_start is not None
        tried.tick()
    assert tried.state is State.FAILED
    assert tried.failure == tried.rendering_failure != ""
    tried.tick()
    assert tried.next_start is None
    assert len(deaths) == MOST_RESTARTS + 1


def test_what_a_worker_said_last_is_heard_although_it_was_dead_when_it_was_sent_something() -> None:
    heard: list[object] = []
    watching = Supervisor(Options(), heard.append, heard.append)
    ours, theirs = socket.socketpair()
    watching.link = FrontLink(ours)
    WorkerLink(theirs).send(DeviceLost("gone"))
    theirs.close()
    watching.send(BandTask(1, 1, 1, 1))
    watching.receive()
    assert heard == [DeviceLost("gone")]
    watching.receive()
    assert heard[1:] == ["The worker process ended in the middle of a job."]
