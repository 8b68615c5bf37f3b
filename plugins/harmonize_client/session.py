"""A client's side of the protocol without waiting anywhere: for event loops, and underneath `client.Client`."""

from __future__ import annotations

import secrets
import time
from collections import deque
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from . import launcher, messages, paths, sandbox
from .errors import CannotConnect, ConnectionLost, HarmonizeError, Unauthorized
from .jobs import Job, RenderJob
from .link import Link, LinkLost
from .values import (
    DaemonStatus,
    Exported,
    ExportFormat,
    ForegroundClass,
    LayerFormat,
    Look,
    Place,
    Prediction,
    Rendered,
    Thumbnail,
)
from .version import PROTOCOL_VERSION
from .wire import Header, ProtocolError, decode_header, encode_header, take
from .zmtp import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer, Self

POLL_SECONDS = 0.01
HELLO_SECONDS = 5.0
"""A daemon that does not answer `hello` for so long is taken for dead: it promises to answer at once, always."""
SILENCE_SECONDS = 30.0
"""A daemon that says nothing for so long while a request runs is taken for dead: it promises progress every 250 ms."""

MOST_FRUITLESS = 3

AnyJob = TypeVar("AnyJob", bound=Job[Any])


class State(Enum):
    IDLE = "idle"
    """No connection; the next request makes one."""
    STARTING = "starting"
    """The daemon is being started."""
    CONNECTING = "connecting"
    READY = "ready"
    CLOSED = "closed"


class Session:
    """Requests to the daemon, as jobs that `poll` moves along. Use it from one thread.

    Requests raise `ValueError` for arguments that can never be right, and nothing else: that there is no daemon, and
    everything that it refuses, is the job's error.
    """

    def __init__(
        self,
        client: str,
        *,
        start: bool = True,
        folder: Path | None = None,
        command: Sequence[str] | None = None,
        hello_seconds: float = HELLO_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        """Does no I/O yet.

        client: name and version of the program, such as "krita/0.1.0". start: start the daemon if none is running.
        folder: instead of `paths.home()`. command: instead of `launcher.find_command()`.
        """
        self.error: HarmonizeError | None = None
        """Why the last attempt to connect failed, or the last connection ended."""
        self.daemon: DaemonStatus | None = None
        """The last status heard of."""
        self._client = client
        self._may_start = start
        self._folder = folder or paths.home()
        self._command = command
        self._hello_seconds = hello_seconds
        self._silence_seconds = silence_seconds
        self._closed = False
        self._wanted = False
        self._search: launcher.Search | None = None
        self._connection: paths.Connection | None = None
        self._link: Link | None = None
        self._hello: Job[DaemonStatus] | None = None
        self._deadline = 0.0  # of the hello, or of the silence
        self._jobs: dict[str, Job[Any]] = {}
        self._outbox: deque[Job[Any]] = deque()
        self._cancels: deque[str] = deque()
        self._ended: list[Job[Any]] = []
        self._header: Header = {}  # of the message that is being received
        self._payload: list[memoryview] = []
        self._receiver: Job[Any] | None = None
        self._scratch = memoryview(b"")
        self._used = False  # something was sent on this connection, beyond the hello
        self._fruitless = 0  # connections in a row that ended without that

    # Requests

    def predict(
        self,
        thumbnail: Thumbnail,
        mask: Buffer,
        *,
        network: str = "",
        reference: Thumbnail | None = None,
        foreground_class: ForegroundClass | None = None,
        live: bool = False,
    ) -> Job[Prediction]:
        """Ask a network (empty: the default one) what would make the foreground fit its background.

        thumbnail: what lies below the layer with the layer on it, long side <= 1024 (512 recommended). mask: 8 bit, of
        the same size, 255 = foreground. reference: another scene to take light and color from. foreground_class: helps
        networks that know such classes. live: a newer live request of this session ends this one with `Superseded`.
        """
        request = messages.predict(thumbnail, mask, network, reference, foreground_class, live)
        return self._submit(Job(request, "predicted", messages.read_prediction))

    def render(
        self,
        adjustment: str,
        layer: LayerFormat,
        pixels: Buffer,
        mask: Buffer | None,
        *,
        into: Buffer,
        place: Place | None = None,
        look: Look | None = None,
        live: bool = False,
    ) -> Job[Rendered]:
        """Apply an adjustment to a layer of any size; the result is in `into` when the job is done.

        pixels: `layer.nbytes` bytes. mask: 8 bit, width x height, or None for all. into: like `pixels`, and may be the
        same memory; after an error its content is partly the old one. place: of the layer in the scene (all of it).
        look: the artist's sliders.
        """
        return self._submit(RenderJob(adjustment, layer, pixels, mask, into, place or Place(), look or Look(), live))

    def export(self, adjustment: str, format: ExportFormat, look: Look | None = None) -> Job[Exported]:
        """Write an adjustment in the format of another program."""
        return self._submit(
            Job(messages.export(adjustment, format, look or Look()), "exported", messages.read_exported)
        )

    def status(self) -> Job[DaemonStatus]:
        return self._submit(Job(messages.status(), "status", messages.read_status))

    def shutdown(self) -> Job[None]:
        """Ask the daemon to end. Connects to it if need be, so look at `state` or use start=False."""
        return self._submit(Job(messages.shutdown(), "bye", messages.read_nothing))

    # The event loop's side

    @property
    def state(self) -> State:
        if self._closed:
            return State.CLOSED
        if self._link and not self._hello:
            return State.READY
        if not self._wanted and not self._link:
            return State.IDLE
        return State.STARTING if self._search and self._search.starting else State.CONNECTING

    def start(self) -> None:
        """Have the next `poll` connect, and start the daemon, before there is a request."""
        if self._closed:
            raise RuntimeError("the session is closed")
        self._wanted = True

    def fileno(self) -> int:
        """The socket, for select or QSocketNotifier; -1 while there is none. It changes when the session reconnects."""
        return self._link.fileno() if self._link else -1

    @property
    def wants_write(self) -> bool:
        """Whether to poll also when the socket can be written to."""
        return self._link is not None and (
            self._link.wants_write or (not self._hello and bool(self._outbox or self._cancels))
        )

    def poll(self, seconds: float = POLL_SECONDS) -> None:
        """Do what can be done without waiting, for about `seconds` at most; call back for jobs that are done by it.

        Never raises because of the daemon or the network: failures go to the jobs and to `error`.
        """
        until = time.monotonic() + seconds
        while not self._closed and self._step() and time.monotonic() < until:
            pass
        self._call_back()

    def close(self) -> None:
        """End all jobs (`ConnectionLost`) and the connection; the daemon drops what it was doing for this session."""
        self._drop(ConnectionLost("the session was closed", "open a new one"), everything=True)
        self._closed = True
        self._call_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Jobs

    def _submit(self, job: AnyJob) -> AnyJob:
        if self._closed:
            raise RuntimeError("the session is closed")
        job._on_cancel = self._cancel
        self._jobs[job.id] = job
        self._outbox.append(job)
        self._wanted = True
        return job

    def _cancel(self, job: Job[Any]) -> None:
        if job._sent:
            self._cancels.append(job.id)
        self._release(job)

    def _release(self, job: Job[Any]) -> None:
        """Forget a job that is done, and everything of it that is still on its way."""
        del self._jobs[job.id]
        self._ended.append(job)
        if not job._sent:
            self._outbox.remove(job)
        elif job.error and self._link:
            self._link.keep_unsent()
            if self._receiver is job:
                self._receiver = None
                self._link.divert()

    def _call_back(self) -> None:
        ended, self._ended = self._ended, []
        for job in ended:
            job._call_back()

    # Connecting

    def _step(self) -> bool:
        """One step; False when there is nothing more to do now."""
        try:
            if self._link:
                return self._exchange(self._link)
            return self._wanted and self._connect()
        except (LinkLost, ProtocolError) as lost:
            self._lose(str(lost))
        except HarmonizeError as error:
            self._drop(error, everything=True)
        return True

    def _connect(self) -> bool:
        if self._search is None:
            self._search = launcher.Search(self._folder, start=self._may_start, command=self._command)
        self._connection = self._search.poll()
        if self._connection is None:
            return False
        self._deadline = time.monotonic() + self._hello_seconds
        self._link = Link(self._connection.port, self._place)
        self._hello = Job(messages.hello(self._client), "status", messages.read_status)
        self._send(self._link, self._hello.id, self._hello._request)
        return True

    def _welcome(self, hello: Job[DaemonStatus]) -> None:
        """The hello was answered."""
        if isinstance(hello.error, Unauthorized):
            raise LinkLost("it has another token")
        self.daemon = hello.result()
        self.error = self._hello = self._search = None
        self._wanted = False

    def _lose(self, reason: str) -> None:
        """The link broke. If the daemon never answered on it, another one may be there, or be started."""
        if not self._search or not self._connection:
            # A connection that ends before anything was sent on it is tried again, but not forever.
            self._fruitless = 0 if self._used else self._fruitless + 1
            error = ConnectionLost(f"the connection to the daemon was lost ({reason})")
            self._drop(error, everything=self._fruitless > MOST_FRUITLESS)
            return
        self._unlink()
        flatpak = sandbox.without_network()
        if flatpak:
            hint = f"run `flatpak override --user --share=network {flatpak}` and restart this program"
            self._drop(CannotConnect(f"this Flatpak may not reach the daemon ({reason})", hint), everything=True)
        else:
            self._search.reject(
                self._connection, f"the daemon (process {self._connection.pid}) cannot be used: {reason}"
            )

    def _drop(self, error: HarmonizeError, *, everything: bool) -> None:
        """End the connection and fail the jobs that were sent on it; with `everything`, also those that were not."""
        failing = [job for job in self._jobs.values() if everything or job._sent]
        if failing or everything:
            self.error = error
        self._unlink()
        self._search = self._connection = None
        for job in failing:
            job._fail(error)
            self._release(job)
        self._wanted = bool(self._outbox)

    def _unlink(self) -> None:
        if self._link:
            self._link.close()
        self._link = self._hello = self._receiver = None
        self._used = False
        self._cancels.clear()

    # Talking

    def _exchange(self, link: Link) -> bool:
        """Read once, write once; whether anything moved."""
        waits = self._hello or any(job._sent for job in self._jobs.values())
        before = link.received
        # Reading comes first: it tells that an idle connection has ended before a request is lost on it.
        for frame in link.read():
            self._receive(frame)
        if link.idle and not self._hello:
            self._send_next(link)
        moved = link.write() > 0 or link.received > before
        now = time.monotonic()
        if not self._hello and (moved or not waits):
            self._deadline = now + self._silence_seconds
        elif now > self._deadline:
            raise LinkLost("it does not answer")
        return moved

    def _send_next(self, link: Link) -> None:
        """Queue one message: small ones first, so that they never wait for more than the band under way."""
        if self._cancels:
            self._send(link, secrets.token_hex(16), messages.cancel(self._cancels.popleft()))
        elif self._outbox:
            job = self._outbox.popleft()
            job._sent = self._used = True
            self._send(link, job.id, job._request)
        else:
            for job in self._jobs.values():
                band = job._next_band()
                if band:
                    self._send(link, job.id, band)
                    return

    def _send(self, link: Link, id: str, request: messages.Request) -> None:
        fields, payload = request
        token = self._connection.token if self._connection else ""
        header = encode_header({"v": PROTOCOL_VERSION, "token": token, "id": id, **fields})
        link.send([memoryview(header), *payload])

    def _place(self, index: int, size: int) -> memoryview:
        """Memory for a payload frame: the receiver's, or some to forget."""
        if self._receiver:
            return self._receiver._place(self._header, index, size)
        if self._scratch.nbytes < size:
            self._scratch = memoryview(bytearray(size))
        return self._scratch[:size]

    def _receive(self, frame: Frame) -> None:
        if frame.index == 0:
            self._header = decode_header(frame.body)
            self._payload = []
            self._receiver = self._find_receiver(self._header)
        else:
            self._payload.append(frame.body)
        receiver = self._receiver
        if frame.more or not receiver:
            return
        self._receiver = None
        receiver._take(self._header, self._payload)
        if receiver.done and receiver is self._hello:
            self._welcome(receiver)
        elif receiver.done:
            if receiver.kind == "status":
                self.daemon = self.daemon if receiver.error else receiver.result()
            self._release(receiver)

    def _find_receiver(self, header: Header) -> Job[Any] | None:
        """The job that a message is for; None for replies that come too late. Raises `ProtocolError`."""
        if take(header, "v", int) != PROTOCOL_VERSION:
            raise ProtocolError("it speaks another version of the protocol")
        id = take(header, "id", str)
        if self._hello and id == self._hello.id:
            return self._hello
        if not id and header.get("kind") == "error":
            raise ProtocolError(f"it could not read a request: {header.get('cause')}")
        return self._jobs.get(id)
