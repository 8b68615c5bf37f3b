"""Work that is written as one function and runs in small steps, so that nothing blocks.

A task is a generator. It yields a fraction (or None) to give the event loop a turn, or a `Job` of the client to wait
for it; then it gets the job's result, or the job's error is raised where it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from .client import HarmonizeError, Job

T = TypeVar("T")

Step = float | Job[Any] | None
Task = Generator[Step, Any, T]


class Running(Generic[T]):
    """A task under way. Call `step` again and again until it is `done`."""

    def __init__(
        self,
        task: Task[T],
        on_done: Callable[[T], object],
        on_error: Callable[[Exception], object],
    ) -> None:
        self.done = False
        self.fraction: float | None = None
        """How far it is; None when nobody knows."""
        self.stage = ""
        """What the daemon is doing for it; empty while the host works."""
        self._task = task
        self._job: Job[Any] | None = None
        self._on_done = on_done
        self._on_error = on_error

    def step(self) -> None:
        """Goes on to the next pause. Errors of the host and of the daemon end the task."""
        if self.done:
            return
        try:
            if self._job is None:
                self._pause(next(self._task))
            elif self._job.done:
                job, self._job = self._job, None
                self._pause(self._task.throw(job.error) if job.error else self._task.send(job.result()))
            elif self._job.progress:
                self.stage, self.fraction = self._job.progress.stage, self._job.progress.fraction
        except StopIteration as end:
            self.done = True
            self._on_done(end.value)
        except Exception as error:  # the host is not ours: whatever it raises is shown, and the docker lives on
            self.done = True
            self._on_error(error)

    def cancel(self) -> None:
        """Ends it now, without calling back."""
        if not self.done:
            self.done = True
            if self._job is not None:
                self._job.cancel()
            self._task.close()

    @property
    def waits(self) -> bool:
        """Whether it waits for the daemon, rather than having work to do at once."""
        return self._job is not None and not self._job.done

    def _pause(self, step: Step) -> None:
        if isinstance(step, Job):
            self._job, self.stage, self.fraction = step, "", None
        else:
            self.stage, self.fraction = "", step


class HostError(HarmonizeError):
    """The host program could not do what was asked; shown like the daemon's errors."""

    default_code = "host"
    default_hint = ""

    def __init__(self, cause: str, hint: str = "") -> None:
        super().__init__(_sentence(cause), _sentence(hint))


def _sentence(text: str) -> str:
    """Beginning with a capital, also where the catalog's texts, made to be joined, do not."""
    return text[:1].upper() + text[1:]


class Touched(HostError):
    """The artist has changed the layer that was to be written again, or has locked it: it is not ours any more."""
