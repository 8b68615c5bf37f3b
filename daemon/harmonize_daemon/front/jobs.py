"""The requests that wait or run: who asked, what they hold, and how much one client may ask at a time."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from harmonize_daemon.front.peers import Peer
from harmonize_daemon.options import Limits
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import ExportTask, OpenTask, PredictTask
from harmonize_daemon.wire.messages import Layer


class Lane(Enum):
    """What a job occupies in the worker."""

    INFERENCE = "inference"
    RENDERING = "rendering"


MOST_TOGETHER = 8
"""How many predictions a graphics card makes in one pass; all wait for the last of them."""
DEVICE_ATTEMPTS = 2
"""How many workers may lose their device over a prediction before it is made on the CPU."""

_numbers = itertools.count(1)


@dataclass(eq=False)
class Job:
    """One request between its arrival and its last reply."""

    peer: Peer
    id: str
    lane: Lane
    live: bool
    cost: int
    """Bytes of payload that it holds."""
    number: int = field(default_factory=_numbers.__next__)
    """Its name on the inner link."""
    spoken: float = 0.0
    """When its client last heard of it, or it arrived."""
    running: bool = False


@dataclass(eq=False)
class PredictJob(Job):
    """A `predict`."""

    task: PredictTask = field(kw_only=True)
    attempts: int = 0
    """How many workers have lost their device over it."""

    @property
    def forced_onto_cpu(self) -> bool:
        return self.attempts >= DEVICE_ATTEMPTS


@dataclass(eq=False)
class ExportJob(Job):
    """An `export`."""

    task: ExportTask = field(kw_only=True)


@dataclass(eq=False)
class BandInWork:
    """A band between its arrival and its reply."""

    row: int
    rows: int
    slot: int
    done: bool = False


@dataclass(eq=False)
class RenderJob(Job):
    """A `render`."""

    task: OpenTask = field(kw_only=True)
    accepted: bool = False
    started: float = 0.0
    heard: float = 0.0
    """When its client last sent a band, or could last not be expected to."""
    next_row: int = 0
    sent_rows: int = 0
    free_slots: list[int] = field(default_factory=list)
    bands: deque[BandInWork] = field(default_factory=deque)
    """In order of rows."""
    notes: list[str] = field(default_factory=list)

    @property
    def layer(self) -> Layer:
        return self.task.layer

    @property
    def fraction(self) -> float:
        return self.sent_rows / self.layer.height


class Jobs:
    """All jobs, in order of arrival, within the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._jobs: dict[int, Job] = {}
        self._by_id: dict[str, Job] = {}

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs.values()))

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def running(self) -> int:
        return sum(job.running for job in self._jobs.values())

    def add(self, job: Job) -> None:
        """Take a job in. Raises Refused with `busy`, naming what is full."""
        limits = self._limits
        own = [other for other in self if other.peer.routing_id == job.peer.routing_id]
        if len(own) >= limits.waiting_per_client:
            raise Refused(ErrorCode.BUSY, f"This client has {len(own)} requests under way, as many as it may.", job.id)
        if sum(other.cost for other in own) + job.cost > limits.waiting_bytes_per_client:
            raise Refused(ErrorCode.BUSY, "This client's requests under way hold as many bytes as they may.", job.id)
        if len(self) >= limits.waiting:
            raise Refused(ErrorCode.BUSY, f"The queue is full: {len(self)} requests are under way.", job.id)
        if sum(other.cost for other in self) + job.cost > limits.waiting_bytes:
            raise Refused(ErrorCode.BUSY, "The requests under way hold as many bytes as they may.", job.id)
        self._jobs[job.number] = job
        self._by_id[job.id] = job

    def remove(self, job: Job) -> bool:
        """Forget a job; False if it was forgotten before."""
        self._by_id.pop(job.id, None)
        return self._jobs.pop(job.number, None) is not None

    def by_number(self, number: int) -> Job | None:
        """The job of that name on the inner link, if it has not ended."""
        return self._jobs.get(number)

    def by_id(self, id: str, peer: Peer) -> Job | None:
        """The job of that request of that client, if it has not ended."""
        job = self._by_id.get(id)
        return job if job is not None and job.peer.routing_id == peer.routing_id else None

    def of(self, peer: Peer) -> list[Job]:
        """A client's jobs."""
        return [job for job in self if job.peer.routing_id == peer.routing_id]

    def superseded_by(self, newer: Job) -> list[Job]:
        """The live jobs of the same client and the same sort whose place a live job takes."""
        if not newer.live:
            return []
        return [job for job in self.of(newer.peer) if job.live and type(job) is type(newer) and job is not newer]

    def predictions(self, together: bool) -> list[PredictJob]:
        """The oldest waiting prediction; if `together`, also others that one pass on a graphics card can make."""
        waiting = [job for job in self if isinstance(job, PredictJob) and not job.running]
        if not waiting or not together or waiting[0].forced_onto_cpu:
            return waiting[:1]
        network = waiting[0].task.network
        return [job for job in waiting if job.task.network == network and not job.forced_onto_cpu][:MOST_TOGETHER]

    def rendering(self) -> Job | None:
        """The oldest waiting render or export that may run now."""
        running = [job for job in self if job.running and job.lane is Lane.RENDERING]
        if len(running) >= self._limits.renders:
            return None
        for job in self:
            if job.running or job.lane is not Lane.RENDERING:
                continue
            own = sum(other.peer.routing_id == job.peer.routing_id for other in running)
            if own < self._limits.renders_per_client:
                return job
        return None
