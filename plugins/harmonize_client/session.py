"""A client's side of the protocol without waiting anywhere: for event loops, and underneath `client.Client`."""

from __future__ import annotations

import time
from collections import deque
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from . import launcher, messages, paths, sandbox
from .conversation import Conversation
from .errors import CannotConnect, ConnectionLost, HarmonizeError
from .jobs import Job, RenderJob
from .link import LinkLost
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
from .wire import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from .values import Buffer

POLL_SECONDS = 0.01
HELLO_SECONDS = 5.0
"""A daemon that does not answer `hello` for so long is taken for dead: it promises to answer at once, always."""
SILENCE_SECONDS = 30.0
"""A daemon that says nothing for so long while a request runs is taken for dead: it promises progress every 250 ms."""

AnyJob = TypeVar("AnyJob", bound=Job[Any])


class State(Enum):
    """Where a session is with its daemon."""

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
        folder: instead of `paths.home()`. command: instead of `launcher.find_command()`. hello_seconds: how long a
        daemon may take to answer at all. silence_seconds: how long it may say nothing while a request runs.
        """
        self.error: HarmonizeError | None = None
        """Why the last attempt to connect failed, or jobs lost their connection; None again when connected."""
        self.daemon: DaemonStatus | None = None
        """The last status heard of."""
        self._client = client
        self._may_start = start
        self._folder = folder or paths.home()
        self._command = command
        self._hello_seconds = hello_seconds
        self._silence_seconds = silence_seconds
        self._closed = False
        self._wanted = False  # to connect even without a job
        self._search: launcher.Search | None = None
        self._connection: paths.Connection | None = None
        self._talk: Conversation | None = None
        self._outbox: deque[Job[Any]] = deque()
        self._sent: list[Job[Any]] = []  # on a connection that has ended
        self._ended: list[Job[Any]] = []  # not called back yet

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
        same object; after an error its content is partly the old one. place: of the layer in the scene (all of it).
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
        if self._talk and self._talk.daemon:
            return State.READY
        if not (self._talk or self._wanted or self._outbox):
            return State.IDLE
        return State.STARTING if self._search and self._search.starting else State.CONNECTING

    @property
    def silence(self) -> float:
        """For how many seconds the daemon has said nothing while a request runs; it promises progress every 250 ms."""
        return self._talk.silence if self._talk else 0.0

    def start(self) -> None:
        """Have the next `poll` connect, and start the daemon, before there is a request."""
        if self._closed:
            raise RuntimeError("the session is closed")
        self._wanted = True

    def fileno(self) -> int:
        """The socket, for select or QSocketNotifier; -1 while there is none. It changes when the session reconnects."""
        return self._talk.fileno() if self._talk else -1

    @property
    def wants_write(self) -> bool:
        """Whether to poll also when the socket can be written to."""
        return self._talk is not None and (
            self._talk.wants_write or (self._talk.daemon is not None and bool(self._outbox))
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

    # Underneath

    def _submit(self, job: AnyJob) -> AnyJob:
        if self._closed:
            raise RuntimeError("the session is closed")
        job.on_cancel = self._cancel
        self._outbox.append(job)
        return job

    def _cancel(self, job: Job[Any]) -> None:
        if job in self._outbox:
            self._outbox.remove(job)
        elif self._talk:
            self._talk.cancel(job)
        self._ended.append(job)

    def _call_back(self) -> None:
        ended, self._ended = self._ended, []
        for job in ended:
            job.call_back()

    def _step(self) -> bool:
        """One step; False when there is nothing more to do now."""
        try:
            if self._talk is None:
                return (self._wanted or bool(self._outbox)) and self._connect()
            moved = self._talk.step(self._outbox, self._ended)
            if self._talk.daemon:
                self.daemon = self._talk.daemon
                self.error = self._search = None
                self._wanted = False
            return moved
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
        self._talk = Conversation(
            self._connection, self._client, hello_seconds=self._hello_seconds, silence_seconds=self._silence_seconds
        )
        return True

    def _lose(self, reason: str) -> None:
        """The connection is of no more use. If the daemon never answered on it, another may be there or be started."""
        answered = self._talk is not None and self._talk.daemon is not None
        self._hang_up()
        flatpak = sandbox.without_network()
        if answered or self._search is None or self._connection is None:
            # Jobs that were not sent yet have the next connection to go on.
            self._drop(ConnectionLost(f"the connection to the daemon was lost ({reason})"), everything=False)
        elif flatpak:
            hint = f"run `flatpak override --user --share=network {flatpak}` and restart this program"
            self._drop(CannotConnect(f"this Flatpak may not reach the daemon ({reason})", hint), everything=True)
        else:
            cause = f"the daemon (process {self._connection.pid}) cannot be used: {reason}"
            self._search.reject(self._connection, cause)

    def _drop(self, error: HarmonizeError, *, everything: bool) -> None:
        """Fail the jobs that were sent; with `everything`, also those that were not."""
        self._hang_up()
        failing = self._sent
        self._sent = []
        if everything:
            failing += self._outbox
            self._outbox.clear()
            self._wanted = False
        if failing or everything:
            self.error = error
        self._search = self._connection = None
        for job in failing:
            job.fail(error)
        self._ended += failing

    def _hang_up(self) -> None:
        """Close the connection, if there is one."""
        if self._talk:
            self._talk.close()
            self._sent += self._talk.jobs.values()
            self._talk = None
