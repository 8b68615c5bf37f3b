"""The bands of renders on their way through the slots: window, order, what is late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic

from msgspec.structs import replace

from harmonize_daemon.front.checks import check_band
from harmonize_daemon.front.jobs import BandInWork, RenderJob
from harmonize_daemon.options import Limits
from harmonize_daemon.wire import messages
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import BandTask, OpenTask
from harmonize_daemon.wire.slots import BandShape, FreeList, Slots


class Renders:
    """Who has which slot: each running render as many as its window, or the worker."""

    def __init__(self, limits: Limits, band_timeout_seconds: float) -> None:
        self._limits = limits
        self.timeout = band_timeout_seconds
        self._free = FreeList(limits.window * limits.renders)

    @property
    def can_start(self) -> bool:
        """Whether there are slots for another window: those of a cancelled render come back from the worker later."""
        return len(self._free) >= self._limits.window

    def start(self, job: RenderJob) -> OpenTask:
        """Give a render its slots; the task for the worker."""
        job.free_slots = list(self._free.take(self._limits.window))
        job.started = monotonic()
        return replace(job.task, job=job.number)

    def accept(self, job: RenderJob, notes: list[str]) -> messages.Accepted:
        """The worker is ready for the bands."""
        job.accepted = True
        job.heard = monotonic()
        job.notes = notes
        return messages.Accepted(id=job.id, rows=job.task.rows, window=self._limits.window)

    def take(self, job: RenderJob, row: int, payload: Sequence[memoryview], slots: Slots) -> BandTask:
        """Put a band that has come into a slot; the task for the worker. Raises Refused."""
        if not job.accepted:
            raise Refused(ErrorCode.BAD_REQUEST, "A band came before its render was accepted.", job.id)
        if row != job.next_row or row >= job.layer.height:
            cause = f"The band of row {row} came where row {job.next_row} was due."
            raise Refused(ErrorCode.BAD_REQUEST, cause, job.id)
        if not job.free_slots:
            cause = f"More than {self._limits.window} bands were sent and not answered."
            raise Refused(ErrorCode.BAD_REQUEST, cause, job.id)
        rows = min(job.task.rows, job.layer.height - row)
        shape = BandShape(job.layer, rows, job.task.masked)
        check_band(job.id, shape, payload)
        slot = job.free_slots.pop()
        slots.fill(slot, shape, payload[0], payload[1] if shape.masked else None)
        job.bands.append(BandInWork(row, rows, slot))
        job.next_row += rows
        job.heard = monotonic()
        return BandTask(job.number, slot, row, rows)

    def rendered(self, job: RenderJob, slot: int, slots: Slots) -> Iterator[tuple[int, memoryview]]:
        """The worker is done with a slot: the rows and pixels that can be sent now, in order.

        The pixels must be copied before the iterator goes on: their slot is free again whether the client reads or not.
        """
        for band in job.bands:
            if band.slot == slot:
                band.done = True
        while job.bands and job.bands[0].done:
            band = job.bands.popleft()
            job.free_slots.append(band.slot)
            job.sent_rows += band.rows
            job.heard = monotonic()
            yield band.row, slots.pixels(band.slot, BandShape(job.layer, band.rows, job.task.masked))

    def is_late(self, job: RenderJob, now: float) -> bool:
        """Whether the client should have sent a band long ago."""
        is_due = job.accepted and bool(job.free_slots) and job.next_row < job.layer.height
        return is_due and now - job.heard > self.timeout

    def release(self, job: RenderJob) -> None:
        """Take back the slots of a render that has ended, but for those that the worker still has."""
        for slot in job.free_slots:
            self._free.give(slot)
        for band in job.bands:
            if band.done:
                self._free.give(band.slot)
        job.free_slots = []

    def give_back(self, slot: int) -> None:
        """The worker lets go of a slot whose render has ended before."""
        self._free.give(slot)

    def forget_all(self) -> None:
        """The worker is gone, and nobody has any slot."""
        self._free = FreeList(self._limits.window * self._limits.renders)
