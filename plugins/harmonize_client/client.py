"""The blocking client, for the command line and for hosts whose plug-ins run in a process of their own (GIMP)."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .errors import WorkerDied
from .jobs import Job
from .session import Session
from .values import (
    DaemonStatus,
    Exported,
    ExportFormat,
    ForegroundClass,
    LayerFormat,
    Look,
    Place,
    Prediction,
    Progress,
    Rendered,
    Thumbnail,
    view_of,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from .values import Buffer

T = TypeVar("T")

OnProgress = Callable[[Progress], object]
IsCancelled = Callable[[], bool]

_TICK_SECONDS = 0.05  # how long a wait may keep `cancelled` from being asked
_START_TICK_SECONDS = 0.01
_FAREWELL_SECONDS = 0.2


def connect(
    name: str, *, start: bool = True, folder: Path | None = None, command: Sequence[str] | None = None
) -> Client:
    """A client that is connected; arguments as for `Session`. Raises `HarmonizeError`."""
    client = Client(Session(name, start=start, folder=folder, command=command))
    try:
        client.status()
    except BaseException:
        client.close()
        raise
    return client


class Client:
    """Requests to the daemon that return when they are done. Arguments and results are those of `Session`.

    All raise `HarmonizeError`, and `ValueError` for arguments that can never be right. `progress` is called with each
    new `Progress`; when `cancelled` returns true, the request is cancelled and raises `Cancelled`. Any exception out of
    these callbacks, and KeyboardInterrupt, cancels the request too. A request that died with the daemon's worker is
    made once more.
    """

    def __init__(self, session: Session) -> None:
        """The client owns the session from now on."""
        self._session = session

    def status(self) -> DaemonStatus:
        return self._run(self._session.status)

    def predict(
        self,
        thumbnail: Thumbnail,
        mask: Buffer,
        *,
        network: str = "",
        reference: Thumbnail | None = None,
        foreground_class: ForegroundClass | None = None,
        progress: OnProgress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> Prediction:
        """Ask a network what would make the foreground fit its background."""

        def submit() -> Job[Prediction]:
            return self._session.predict(
                thumbnail, mask, network=network, reference=reference, foreground_class=foreground_class
            )

        return self._run_twice(submit, progress, cancelled)

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
        progress: OnProgress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> Rendered:
        """Apply an adjustment to a layer of any size."""

        def submit() -> Job[Rendered]:
            return self._session.render(adjustment, layer, pixels, mask, into=into, place=place, look=look)

        # What is rendered in place, and died half-way, is lost: a second run would render the first half twice.
        again = view_of(pixels).obj is not view_of(into).obj
        return self._run_twice(submit, progress, cancelled) if again else self._run(submit, progress, cancelled)

    def export(self, adjustment: str, format: ExportFormat, look: Look | None = None) -> Exported:
        """Write an adjustment in the format of another program."""
        return self._run_twice(lambda: self._session.export(adjustment, format, look))

    def shutdown(self) -> None:
        """Ask the daemon to end."""
        self._run(self._session.shutdown)

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _run_twice(
        self, submit: Callable[[], Job[T]], progress: OnProgress | None = None, cancelled: IsCancelled | None = None
    ) -> T:
        try:
            return self._run(submit, progress, cancelled)
        except WorkerDied:
            return self._run(submit, progress, cancelled)

    def _run(
        self, submit: Callable[[], Job[T]], progress: OnProgress | None = None, cancelled: IsCancelled | None = None
    ) -> T:
        job = submit()
        told = None
        try:
            while True:
                self._session.poll()
                if progress and job.progress is not None and job.progress is not told:
                    told = job.progress
                    progress(told)
                if job.done:
                    return job.result()
                if cancelled and cancelled():
                    job.cancel()
                else:
                    _wait(self._session)
        finally:
            if not job.done or job.error:
                job.cancel()
                self._say_farewell()

    def _say_farewell(self) -> None:
        """Have a cancellation sent before the caller goes on, and perhaps exits."""
        until = time.monotonic() + _FAREWELL_SECONDS
        self._session.poll()
        while self._session.wants_write and time.monotonic() < until:
            _wait(self._session)
            self._session.poll()


def _wait(session: Session) -> None:
    """Until the session's socket can be used, but not for long."""
    socket = session.fileno()
    if socket < 0:
        time.sleep(_START_TICK_SECONDS)
    elif hasattr(select, "poll"):  # it takes any descriptor, where select stops at 1024
        poll = select.poll()
        poll.register(socket, select.POLLIN | (select.POLLOUT if session.wants_write else 0))
        poll.poll(_TICK_SECONDS * 1000)
    else:
        select.select([socket], [socket] if session.wants_write else [], [], _TICK_SECONDS)
