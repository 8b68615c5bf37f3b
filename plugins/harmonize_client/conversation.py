"""One connection to one daemon, from the hello on: sends what jobs have to say, hands them the replies."""

from __future__ import annotations

import secrets
import time
from collections import deque
from typing import Any

from . import messages
from .errors import BadRequest, Unauthorized
from .jobs import Job
from .link import Link, LinkLost
from .paths import Connection
from .values import DaemonStatus
from .version import PROTOCOL_VERSION
from .wire import Header, ProtocolError, decode_header, encode_header, take
from .zmtp import Frame

LONGEST_PAUSE = 1.0
"""Who has not looked for longer, was asleep, perhaps with the whole computer: the daemon then was silent no longer."""


class Conversation:
    """`step` moves it along. Everything may raise `LinkLost` and `ProtocolError`: then only `close` is of use."""

    def __init__(self, connection: Connection, client: str, *, hello_seconds: float, silence_seconds: float) -> None:
        """Begin to connect and to say hello as `client`; the limits are those of `Session`."""
        self.daemon: DaemonStatus | None = None
        """The last status heard of; None until the hello is answered."""
        self.jobs: dict[str, Job[Any]] = {}
        """What was sent and is not done."""
        self._token = connection.token
        self._patience = hello_seconds
        self._silence_seconds = silence_seconds
        self.silence = 0.0
        """For how many seconds the daemon has said nothing, and taken nothing, while it was waited for."""
        self._looked = time.monotonic()
        self._cancels: deque[str] = deque()
        self._header: Header = {}  # of the message that is being received
        self._payload: list[memoryview] = []
        self._receiver: Job[Any] | None = None
        self._scratch = memoryview(bytearray())
        self._link = Link(connection.port, self._place)
        self._hello = Job(messages.hello(client), "status", messages.read_status)
        self._send(self._hello.id, self._hello.request)

    def fileno(self) -> int:
        return self._link.fileno()

    @property
    def wants_write(self) -> bool:
        return self._link.wants_write or bool(self._cancels)

    def close(self) -> None:
        self._link.close()

    def step(self, outbox: deque[Job[Any]], ended: list[Job[Any]]) -> bool:
        """Read once, write once; whether anything moved.

        Takes jobs from `outbox` once the hello is answered, and adds those that are done to `ended`. Raises the
        daemon's error if it answers the hello with one.
        """
        waits = self.daemon is None or bool(self.jobs)
        before = self._link.received
        # Reading comes first: it tells that an idle connection has ended before a job is lost on it.
        for frame in self._link.read():
            self._receive(frame, ended)
        if self._link.idle and self.daemon:
            self._send_next(outbox, ended)
        moved = self._link.write() > 0 or self._link.received > before
        now = time.monotonic()
        self.silence = 0.0 if moved or not waits else self.silence + min(now - self._looked, LONGEST_PAUSE)
        self._looked = now
        if self.silence > self._patience:
            raise LinkLost("it does not answer")
        return moved

    def cancel(self, job: Job[Any]) -> None:
        """Forget a job that was sent, and tell the daemon."""
        self._forget(job)
        self._cancels.append(job.id)

    def _forget(self, job: Job[Any]) -> None:
        """From now on the job's buffers are the caller's again."""
        del self.jobs[job.id]
        if job.error:  # it ended early
            self._link.keep_unsent()
        if self._receiver is job:
            self._receiver = None
            self._link.divert()

    def _send_next(self, outbox: deque[Job[Any]], ended: list[Job[Any]]) -> None:
        """Queue one message: small ones first, so that they never wait for more than the band under way."""
        if self._cancels:
            self._send(secrets.token_hex(16), messages.cancel(self._cancels.popleft()))
        elif outbox:
            job = outbox.popleft()
            try:
                self._send(job.id, job.request)
            except ValueError as error:  # a name that is no text, or longer than a header
                job.fail(BadRequest(f"the request cannot be written ({error})", "check the names in it"))
                ended.append(job)
            else:
                self.jobs[job.id] = job
        else:
            for job in self.jobs.values():
                band = job.next_band()
                if band:
                    self._send(job.id, band)
                    return

    def _send(self, id: str, request: messages.Request) -> None:
        fields, payload = request
        header = encode_header({"v": PROTOCOL_VERSION, "token": self._token, "id": id, **fields})
        self._link.send([memoryview(header), *payload])

    def _place(self, index: int, size: int) -> memoryview:
        """Memory for a payload frame: the receiver's, or some to forget."""
        if self._receiver:
            return self._receiver.place(self._header, index, size)
        if self._scratch.nbytes < size:
            self._scratch = memoryview(bytearray(size))
        return self._scratch[:size]

    def _receive(self, frame: Frame, ended: list[Job[Any]]) -> None:
        if frame.index == 0:
            self._header = decode_header(frame.body)
            self._payload = []
            self._receiver = self._find_receiver(self._header)
        elif self._receiver:
            self._payload.append(frame.body)
        if frame.more or not self._receiver:
            return
        job, self._receiver = self._receiver, None
        job.take(self._header, self._payload)
        if not job.done:
            return
        if job is not self._hello:
            self._forget(job)
            ended.append(job)
        elif isinstance(job.error, Unauthorized):
            raise LinkLost("it has another token")
        if job.kind in ("hello", "status") and (job is self._hello or not job.error):
            self.daemon = job.result()
            self._patience = self._silence_seconds

    def _find_receiver(self, header: Header) -> Job[Any] | None:
        """The job that a message is for; None for replies that come too late. Raises `ProtocolError`."""
        if take(header, "v", int) != PROTOCOL_VERSION:
            raise ProtocolError("it speaks another version of the protocol")
        id = take(header, "id", str)
        if not id and header.get("kind") == "error":
            raise ProtocolError(f"it could not read a request ({header.get('cause')})")
        if self.daemon is None and id == self._hello.id:
            return self._hello
        return self.jobs.get(id)
