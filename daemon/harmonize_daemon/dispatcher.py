"""Moves jobs between the clients and the worker. Knows neither sockets nor processes; never computes, never waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from enum import Enum
from time import monotonic
from typing import Protocol

from msgspec.structs import replace

from harmonize_daemon import checks, messages
from harmonize_daemon.errors import ErrorCode, Refused
from harmonize_daemon.jobs import BandInWork, ExportJob, Job, Jobs, Lane, PredictJob, RenderJob
from harmonize_daemon.link import (
    BandDone,
    BandTask,
    CloseTask,
    DeviceLost,
    ExportedTask,
    ExportTask,
    FromFront,
    FromWorker,
    OpenedTask,
    OpenTask,
    PredictedTask,
    PredictTask,
    TaskFailed,
)
from harmonize_daemon.messages import Reply
from harmonize_daemon.options import Options
from harmonize_daemon.peers import Peer
from harmonize_daemon.slots import BandShape, FreeList, Slots, rows_per_band

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.2
"""The protocol promises progress every 0.25 s."""
DEAF_SECONDS = 10.0
"""A client that takes no progress for so long is disconnected."""
ASLEEP_SECONDS = 5.0
"""Who has not looked for so long was suspended together with the clients, and nobody is late."""
DEVICE_ATTEMPTS = 2
"""How many workers may lose their device over a prediction before it is made on the CPU."""


class Delivery(Enum):
    """What became of a reply."""

    SENT = "sent"
    FULL = "full"
    """The client does not read, and enough waits for it already."""
    GONE = "gone"


class WorkerSide(Protocol):
    """What the dispatcher needs of a supervisor."""

    slots: Slots | None
    renders: bool
    predicts: bool
    failure: str

    def send(self, message: FromFront) -> None:
        """Send to the worker."""


Speak = Callable[[Peer, Reply, Sequence[memoryview | bytes]], Delivery]


class Dispatcher:
    """All jobs of one daemon. `worker` is set right after construction: supervisor and dispatcher know each other."""

    worker: WorkerSide

    def __init__(self, options: Options, speak: Speak) -> None:
        """speak: sends a reply to a client."""
        self._options = options
        self._limits = options.limits
        self._speak = speak
        self._free = FreeList(self._limits.window * self._limits.renders)
        self._ticked = monotonic()
        self._inferring: int | None = None
        """The prediction that the worker has not answered, also when its job has ended: it cannot be interrupted."""
        self._deaf: dict[bytes, float] = {}
        """Since when clients with jobs have taken no progress."""
        self.jobs = Jobs(self._limits)

    # Requests ---------------------------------------------------------------------------------------------------------

    def predict(self, peer: Peer, request: messages.Predict, payload: Sequence[memoryview]) -> None:
        """Take a `predict` in. Raises Refused."""
        checks.check_predict(request, payload, self._limits)
        if self.worker.failure:
            raise Refused(ErrorCode.WORKER_FAILED, self.worker.failure, request.id)
        frames = [bytes(frame) for frame in payload]
        task = PredictTask(
            0,
            request.network,
            request.thumbnail,
            frames[0],
            frames[1],
            request.reference,
            frames[2] if request.reference else b"",
            request.foreground_class,
        )
        cost = sum(len(frame) for frame in frames)
        self._add(PredictJob(peer, request.id, Lane.INFERENCE, request.live, cost, task=task))

    def render(self, peer: Peer, request: messages.Render, payload: Sequence[memoryview]) -> None:
        """Take a `render` in. Raises Refused."""
        checks.check_render(request, payload, self._limits)
        self._refuse_without_renderer(request.id)
        adjustment = bytes(payload[0])
        rows = rows_per_band(request.layer)
        task = OpenTask(0, request.layer, rows, request.masked, request.place, request.look, adjustment)
        self._add(RenderJob(peer, request.id, Lane.RENDERING, request.live, len(adjustment), task=task))

    def export(self, peer: Peer, request: messages.Export, payload: Sequence[memoryview]) -> None:
        """Take an `export` in. Raises Refused."""
        checks.check_adjustment(request.id, payload)
        self._refuse_without_renderer(request.id)
        adjustment = bytes(payload[0])
        task = ExportTask(0, request.format, request.look, adjustment)
        self._add(ExportJob(peer, request.id, Lane.RENDERING, False, len(adjustment), task=task))

    def band(self, peer: Peer, request: messages.Band, payload: Sequence[memoryview]) -> None:
        """Pass a band on to the worker. Bands of a render that has ended are dropped. Raises Refused, which ends it."""
        job = self.jobs.by_id(request.id, peer)
        if job is None:
            return
        try:
            if not isinstance(job, RenderJob) or not job.accepted:
                raise Refused(ErrorCode.BAD_REQUEST, "A band came before its render was accepted.", request.id)
            if request.row != job.next_row or request.row >= job.layer.height:
                cause = f"The band of row {request.row} came where row {job.next_row} was due."
                raise Refused(ErrorCode.BAD_REQUEST, cause, request.id)
            if not job.free_slots:
                cause = f"More than {self._limits.window} bands were sent and not answered."
                raise Refused(ErrorCode.BAD_REQUEST, cause, request.id)
            rows = min(job.task.rows, job.layer.height - request.row)
            shape = BandShape(job.layer, rows, job.task.masked)
            checks.check_band(request.id, shape, payload)
        except Refused as refusal:
            self._refuse(job, refusal)
            return
        slots = self.worker.slots
        if slots is None:  # the worker has just died; its jobs are about to hear of it
            return
        slot = job.free_slots.pop()
        slots.fill(slot, shape, payload[0], payload[1] if shape.masked else None)
        job.bands.append(BandInWork(request.row, rows, slot))
        job.next_row += rows
        job.heard = monotonic()
        self.worker.send(BandTask(job.number, slot, request.row, rows))

    def cancel(self, peer: Peer, target: str) -> None:
        """End a request of this client, if it has not ended."""
        if job := self.jobs.by_id(target, peer):
            self._refuse(job, Refused(ErrorCode.CANCELLED, "The client cancelled the request."))

    # The worker -------------------------------------------------------------------------------------------------------

    def hear(self, message: FromFront | FromWorker) -> None:
        """Take a message of the worker."""
        if isinstance(message, BandDone):
            self._band_done(message)
        elif isinstance(message, OpenedTask):
            self._opened(message)
        elif isinstance(message, PredictedTask):
            self._predicted(message)
        elif isinstance(message, ExportedTask):
            if job := self.jobs.by_number(message.job):
                self._end(job, messages.Exported(id=job.id, exact=message.exact), [message.text])
        elif isinstance(message, TaskFailed):
            self._not_inferring(message.job)
            if job := self.jobs.by_number(message.job):
                self._refuse(job, Refused(ErrorCode(message.code), message.cause))
        elif isinstance(message, DeviceLost):
            self._device_lost(message)
        if self.worker.failure:
            self._refuse_all(Lane.INFERENCE, Refused(ErrorCode.WORKER_FAILED, self.worker.failure))
        self._start_jobs()

    def worker_died(self, cause: str) -> None:
        """The worker is gone and its slots with it. What only waited waits for the next one, if there will be one."""
        self._inferring = None
        for job in self.jobs:
            if job.running:
                self._refuse(job, Refused(ErrorCode.WORKER_DIED, cause))
        self._free = FreeList(self._limits.window * self._limits.renders)
        if self.worker.failure:
            for lane in Lane:
                self._refuse_all(lane, Refused(ErrorCode.WORKER_FAILED, self.worker.failure))

    # Time -------------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Send progress, end what is late, drop clients that do not read. Call it every 0.1 s while there are jobs."""
        now = monotonic()
        was_asleep = now - self._ticked > ASLEEP_SECONDS
        self._ticked = now
        for job in self.jobs:
            if isinstance(job, RenderJob) and was_asleep:
                job.heard = now
            if isinstance(job, RenderJob) and self._is_late(job, now):
                cause = f"No band came for {self._options.band_timeout_seconds:g} seconds."
                self._refuse(job, Refused(ErrorCode.TIMEOUT, cause))
            elif now - job.spoken >= PROGRESS_SECONDS and self.jobs.by_number(job.number):
                self._progress(job, now)
        if not len(self.jobs):
            self._deaf.clear()

    def end_all(self, refusal: Refused) -> None:
        """End every job with the same error."""
        for job in self.jobs:
            self.jobs.remove(job)
            self._speak(job.peer, messages.error(job.id, refusal), [])

    def forget(self, peer: Peer) -> None:
        """End the jobs of a client that is gone; nobody is told."""
        self._deaf.pop(peer.routing_id, None)
        jobs = self.jobs.of(peer)
        if jobs:
            log.info("a client is gone: %d of its requests end", len(jobs))
        for job in jobs:
            self._release(job)
        self._start_jobs()

    # Inside -----------------------------------------------------------------------------------------------------------

    def _add(self, job: PredictJob | RenderJob | ExportJob) -> None:
        for older in self.jobs.superseded_by(job):
            self._refuse(older, Refused(ErrorCode.SUPERSEDED, "A newer live request took the place of this one."))
        self.jobs.add(job)
        job.spoken = monotonic()
        self._start_jobs()

    def _refuse_without_renderer(self, id: str) -> None:
        if self.worker.failure and not self.worker.renders:
            raise Refused(ErrorCode.WORKER_FAILED, self.worker.failure, id)

    def _start_jobs(self) -> None:
        if self.worker.predicts and self._inferring is None and (job := self.jobs.startable(Lane.INFERENCE)):
            self._start(job)
        while self.worker.renders and (job := self.jobs.startable(Lane.RENDERING)):
            # Slots of a cancelled render come back when the worker has let go of them.
            if isinstance(job, RenderJob) and len(self._free) < self._limits.window:
                break
            self._start(job)

    def _start(self, job: Job) -> None:
        job.running = True
        if isinstance(job, PredictJob):
            self._inferring = job.number
            self.worker.send(replace(job.task, job=job.number, force_cpu=job.attempts >= DEVICE_ATTEMPTS))
        elif isinstance(job, RenderJob):
            job.free_slots = list(self._free.take(self._limits.window))
            job.started = monotonic()
            self.worker.send(replace(job.task, job=job.number))
        elif isinstance(job, ExportJob):
            self.worker.send(replace(job.task, job=job.number))

    def _opened(self, message: OpenedTask) -> None:
        job = self.jobs.by_number(message.job)
        if not isinstance(job, RenderJob):
            return
        job.accepted = True
        job.heard = monotonic()
        job.notes = message.notes
        self._tell(job, messages.Accepted(id=job.id, rows=job.task.rows, window=self._limits.window))

    def _band_done(self, message: BandDone) -> None:
        job = self.jobs.by_number(message.job)
        if not isinstance(job, RenderJob):
            self._free.give(message.slot)
            return
        for band in job.bands:
            if band.slot == message.slot:
                band.done = True
        slots = self.worker.slots
        while slots is not None and job.bands and job.bands[0].done:
            band = job.bands.popleft()
            shape = BandShape(job.layer, band.rows, job.task.masked)
            job.free_slots.append(band.slot)
            job.sent_rows += band.rows
            job.heard = monotonic()
            # The pixels are copied into the socket's queue, so that the slot is free whether the client reads or not.
            if not self._tell(job, messages.BandReply(id=job.id, row=band.row), [slots.pixels(band.slot, shape)]):
                return
        if job.sent_rows == job.layer.height:
            milliseconds = (monotonic() - job.started) * 1000
            self._end(job, messages.Done(id=job.id, milliseconds=milliseconds, notes=job.notes))

    def _predicted(self, message: PredictedTask) -> None:
        self._not_inferring(message.job)
        if job := self.jobs.by_number(message.job):
            reply = messages.Predicted(
                id=job.id,
                network=message.network,
                device=message.device,
                milliseconds=message.milliseconds,
                notes=message.notes,
                confidence=message.confidence,
            )
            self._end(job, reply, [message.adjustment])

    def _device_lost(self, message: DeviceLost) -> None:
        """Let the prediction wait for the next worker, which starts as soon as this one's end is noticed."""
        self._not_inferring(message.job)
        job = self.jobs.by_number(message.job)
        if isinstance(job, PredictJob):
            job.attempts += 1
            job.running = False
            self.worker.predicts = False

    def _not_inferring(self, number: int) -> None:
        if self._inferring == number:
            self._inferring = None

    def _is_late(self, job: RenderJob, now: float) -> bool:
        due = job.accepted and job.free_slots and job.next_row < job.layer.height
        return bool(due) and now - job.heard > self._options.band_timeout_seconds

    def _progress(self, job: Job, now: float) -> None:
        job.spoken = now
        delivery = self._speak(job.peer, self._stage(job), [])
        if delivery is Delivery.SENT:
            self._deaf.pop(job.peer.routing_id, None)
        elif delivery is Delivery.GONE:
            self.forget(job.peer)
        elif now - self._deaf.setdefault(job.peer.routing_id, now) > DEAF_SECONDS:
            self._disconnect(job.peer)

    def _stage(self, job: Job) -> messages.Progress:
        if isinstance(job, RenderJob) and job.accepted:
            return messages.Progress(id=job.id, stage="rendering", fraction=job.fraction)
        if job.running:
            return messages.Progress(id=job.id, stage="predicting" if job.lane is Lane.INFERENCE else "rendering")
        ready = self.worker.predicts if job.lane is Lane.INFERENCE else self.worker.renders
        return messages.Progress(id=job.id, stage="queued" if ready else "loading")

    def _tell(self, job: Job, reply: Reply, payload: Sequence[memoryview | bytes] = ()) -> bool:
        """Send a reply that must not be lost; False if the client is gone, or is now, because it does not read."""
        job.spoken = monotonic()
        delivery = self._speak(job.peer, reply, payload)
        if delivery is Delivery.SENT:
            return True
        if delivery is Delivery.FULL:
            self._disconnect(job.peer)
        else:
            self.forget(job.peer)
        return False

    def _disconnect(self, peer: Peer) -> None:
        log.warning("a client does not read: it is disconnected")
        peer.disconnect()
        self.forget(peer)

    def _end(self, job: Job, reply: Reply, payload: Sequence[memoryview | bytes] = ()) -> None:
        self._release(job)
        self._tell(job, reply, payload)
        self._start_jobs()

    def _refuse(self, job: Job, refusal: Refused) -> None:
        self._end(job, messages.error(job.id, refusal))

    def _refuse_all(self, lane: Lane, refusal: Refused) -> None:
        for job in self.jobs:
            if job.lane is lane:
                self._refuse(job, refusal)

    def _release(self, job: Job) -> None:
        """Forget a job and take back its slots, but for those that the worker still has."""
        if not self.jobs.remove(job) or not isinstance(job, RenderJob) or not job.running:
            return
        for slot in job.free_slots:
            self._free.give(slot)
        for band in job.bands:
            if band.done:
                self._free.give(band.slot)
        job.free_slots = []
        self.worker.send(CloseTask(job.number))
