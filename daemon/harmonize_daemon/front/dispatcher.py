"""Moves jobs between the clients and the worker. Knows neither sockets nor processes; never computes, never waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

from msgspec.structs import replace

from harmonize_daemon.front import checks
from harmonize_daemon.front.jobs import ExportJob, Job, Jobs, Lane, PredictJob, RenderJob
from harmonize_daemon.front.outbox import Delivery
from harmonize_daemon.front.peers import Peer
from harmonize_daemon.front.renders import Renders
from harmonize_daemon.front.suspension import Suspension
from harmonize_daemon.options import Options
from harmonize_daemon.wire import messages
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import (
    BandDone,
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
    PredictTasks,
    TaskFailed,
)
from harmonize_daemon.wire.messages import Reply
from harmonize_daemon.wire.slots import Slots, rows_per_band

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.2
"""The protocol promises progress every 0.25 s."""
DEAF_SECONDS = 10.0
"""A client that takes no progress for so long is disconnected."""


class WorkerSide(Protocol):
    """What the dispatcher needs of a supervisor."""

    slots: Slots | None
    renders: bool
    predicts: bool
    device: str
    """Where networks run, once `predicts`."""
    failure: str
    """Why predictions are in vain, if they are."""
    rendering_failure: str
    """The same for renders and exports."""

    def send(self, message: FromFront) -> None:
        """Send to the worker."""


Speak = Callable[[Peer, Reply, Sequence[memoryview | bytes]], Delivery]


class Dispatcher:
    """All jobs of one daemon. `worker` is set right after construction: supervisor and dispatcher know each other."""

    worker: WorkerSide

    def __init__(self, options: Options, speak: Speak) -> None:
        """speak: sends a reply to a client."""
        self._limits = options.limits
        self._speak = speak
        self._renders = Renders(options.limits, options.band_timeout_seconds)
        self._suspension = Suspension(monotonic())
        self._inferring: set[int] = set()
        """Predictions that the worker has not answered, also when their jobs have ended: it cannot be interrupted."""
        self._unread: set[int] = set()
        """The same for renders and exports whose adjustment the worker has not taken in yet, of megabytes each."""
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
        """Pass a band on to the worker. Bands of a render that has ended are dropped; a wrong one ends it."""
        job = self.jobs.by_id(request.id, peer)
        slots = self.worker.slots
        if job is None or slots is None:  # without slots the worker has just died, and the job is about to hear of it
            return
        try:
            if not isinstance(job, RenderJob):
                raise Refused(ErrorCode.BAD_REQUEST, "A band came for a request that is no render.", request.id)
            self.worker.send(self._renders.take(job, request.row, payload, slots))
        except Refused as refusal:
            self._refuse(job, refusal)

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
            self._unread.discard(message.job)
            if job := self.jobs.by_number(message.job):
                self._end(job, messages.Exported(id=job.id, exact=message.exact), [message.text])
        elif isinstance(message, TaskFailed):
            self._inferring.discard(message.job)
            self._unread.discard(message.job)
            if job := self.jobs.by_number(message.job):
                self._refuse(job, Refused(ErrorCode(message.code), message.cause, hint=message.hint))
        elif isinstance(message, DeviceLost):
            self._device_lost()
        self._refuse_what_is_in_vain()
        self._start_jobs()

    def worker_died(self, cause: str) -> None:
        """The worker is gone and its slots with it. What only waited waits for the next one, if there will be one."""
        self._inferring.clear()
        self._unread.clear()
        for job in self.jobs:
            if job.running:
                self._refuse(job, Refused(ErrorCode.WORKER_DIED, cause))
        self._renders.forget_all()
        self._refuse_what_is_in_vain()

    # Time -------------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Send progress, end what is late, drop clients that do not read. Call it every 0.1 s while there are jobs."""
        now = monotonic()
        was_asleep = self._suspension.has_ended(now)
        for job in self.jobs:
            if isinstance(job, RenderJob) and was_asleep:
                job.heard = now
            if isinstance(job, RenderJob) and self._renders.is_late(job, now):
                cause = f"No band came for {self._renders.timeout:g} seconds."
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
        if self.worker.rendering_failure:
            raise Refused(ErrorCode.WORKER_FAILED, self.worker.rendering_failure, id)

    def _start_jobs(self) -> None:
        if self.worker.predicts and not self._inferring:
            self._start_predictions()
        # What is cancelled is no job any more, but its adjustment still lies on the way to the worker.
        while self.worker.renders and len(self._unread) < self._limits.renders and (job := self.jobs.rendering()):
            if isinstance(job, RenderJob) and not self._renders.can_start:
                break
            self._start(job)

    def _start_predictions(self) -> None:
        tasks = []
        for job in self.jobs.predictions(together=self.worker.device != "cpu"):
            job.running = True
            self._inferring.add(job.number)
            tasks.append(replace(job.task, job=job.number, force_cpu=job.forced_onto_cpu))
        if tasks:
            self.worker.send(PredictTasks(tasks))

    def _start(self, job: Job) -> None:
        job.running = True
        self._unread.add(job.number)
        if isinstance(job, RenderJob):
            self.worker.send(self._renders.start(job))
        elif isinstance(job, ExportJob):
            self.worker.send(replace(job.task, job=job.number))

    def _opened(self, message: OpenedTask) -> None:
        self._unread.discard(message.job)
        job = self.jobs.by_number(message.job)
        if not isinstance(job, RenderJob):
            return
        self._tell(job, self._renders.accept(job, message.notes))

    def _band_done(self, message: BandDone) -> None:
        job, slots = self.jobs.by_number(message.job), self.worker.slots
        if not isinstance(job, RenderJob) or slots is None:
            self._renders.give_back(message.slot)
            return
        for row, pixels in self._renders.rendered(job, message.slot, slots):
            if not self._tell(job, messages.BandReply(id=job.id, row=row), [pixels]):
                return
        if job.sent_rows == job.layer.height:
            milliseconds = (monotonic() - job.started) * 1000
            self._end(job, messages.Done(id=job.id, milliseconds=milliseconds, notes=job.notes))

    def _predicted(self, message: PredictedTask) -> None:
        self._inferring.discard(message.job)
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

    def _device_lost(self) -> None:
        """Let the predictions wait for the next worker, which starts as soon as this one's end is noticed."""
        for number in self._inferring:
            job = self.jobs.by_number(number)
            if isinstance(job, PredictJob):
                job.attempts += 1
                job.running = False
        self._inferring.clear()
        self.worker.predicts = False

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

    def _refuse_what_is_in_vain(self) -> None:
        failures = {Lane.INFERENCE: self.worker.failure, Lane.RENDERING: self.worker.rendering_failure}
        for job in self.jobs:
            if failure := failures[job.lane]:
                self._refuse(job, Refused(ErrorCode.WORKER_FAILED, failure))

    def _release(self, job: Job) -> None:
        """Forget a job and take back its slots, but for those that the worker still has."""
        if self.jobs.remove(job) and isinstance(job, RenderJob) and job.running:
            self._renders.release(job)
            self.worker.send(CloseTask(job.number))
