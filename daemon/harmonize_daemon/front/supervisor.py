"""Starts the worker, watches it, and starts it again when it dies."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from time import monotonic
from typing import TYPE_CHECKING

from harmonize_daemon.devices import CPU
from harmonize_daemon.front.suspension import Suspension
from harmonize_daemon.options import Options
from harmonize_daemon.wire.link import (
    Beat,
    FromFront,
    FromWorker,
    FrontLink,
    Hung,
    LinkClosed,
    NetworksFailed,
    NetworksReady,
    PredictedTask,
    RenderingFailed,
    RenderingReady,
    Stop,
)
from harmonize_daemon.wire.messages import NetworkInfo
from harmonize_daemon.wire.slots import Slots, slot_bytes

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

log = logging.getLogger(__name__)

MOST_RESTARTS = 5
"""As Jupyter does with its kernels."""
STEADY_SECONDS = 120.0
"""A worker that lived so long clears the count of restarts."""

MOST_HANGS = 2
"""Each takes minutes. After so many, with no prediction on the graphics card in between, workers leave it alone."""


class State(Enum):
    """What `status` says of the daemon, without `busy`."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"


class Supervisor:
    """One worker process after the other.

    on_message: called with each message of the worker that is not about the worker itself.
    on_death: called with a sentence when a worker has died; its slots are gone then, `slots` are those of the next one.
    """

    def __init__(
        self,
        options: Options,
        on_message: Callable[[FromFront | FromWorker], None],
        on_death: Callable[[str], None],
    ) -> None:
        self._options = options
        self._on_message = on_message
        self._on_death = on_death
        self._process: BaseProcess | None = None
        self._ended: list[BaseProcess] = []
        self._restarts = 0
        self._hangs = 0
        self._next_start: float | None = None
        self._started = 0.0
        self._heard = 0.0
        self._suspension = Suspension(monotonic())
        self.link: FrontLink | None = None
        self.slots: Slots | None = None
        self.state = State.STARTING
        self.detail = "The networks are loading."
        self.renders = False
        """Whether renders and exports can be sent."""
        self.predicts = False
        """Whether predictions can be sent."""
        self.failure = ""
        """Why predictions never will be answered; empty while there is hope."""
        self.rendering_failure = ""
        """The same for renders and exports."""
        self.device = ""
        self.networks: list[NetworkInfo] = []
        self.default_network = ""

    @property
    def pid(self) -> int | None:
        """The worker's process id, while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start a worker. Takes some milliseconds; the worker needs a second or two until it says that it is ready."""
        self._next_start = None
        try:
            self._spawn()
        except OSError as error:  # no memory, no descriptors: there may be some in a while
            self._schedule(f"The worker process could not be started: {error}.")

    def _spawn(self) -> None:
        # Imported here because nothing needs it before the first `hello` has been answered.
        from multiprocessing import get_context

        from harmonize_daemon.worker.process import run_worker

        limits = self._options.limits
        options = replace(self._options, device=CPU) if self._avoids_card else self._options
        ours, theirs = socket.socketpair()
        try:
            slots = Slots(limits.window * limits.renders, slot_bytes(limits.frame_bytes))
            process = get_context("spawn").Process(
                target=run_worker, args=(theirs, slots, options), name="harmonize-worker"
            )
            process.start()
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.link, self.slots, self._process = FrontLink(ours), slots, process
        self._started = self._heard = monotonic()
        log.info("worker %s started", process.pid)

    @property
    def _avoids_card(self) -> bool:
        """Whether the graphics card has hung too often."""
        return self._hangs >= MOST_HANGS

    def send(self, message: FromFront) -> None:
        """Send to the worker; what goes to a dead worker is lost, and `on_death` tells so soon."""
        if self.link is not None:
            with suppress(LinkClosed):  # `receive` finds out, once it has read what the worker said last
                self.link.send(message)

    def receive(self) -> None:
        """Handle what the worker has said. Call it when the link's socket can be read."""
        link = self.link
        if link is None:
            return
        with suppress(LinkClosed):
            link.flush()
        try:
            messages = link.receive()
        except LinkClosed:
            self._buried("The worker process ended in the middle of a job.")
            return
        self._heard = monotonic()
        for message in messages:
            if self.link is link:  # what a worker said last means nothing once it is found dead in between
                self._handle(message)

    def tick(self) -> None:
        """Look after the worker. Call it about every quarter of a second."""
        now = monotonic()
        if self._suspension.has_ended(now):
            self._heard = now
        self._ended = [process for process in self._ended if process.exitcode is None]
        if self._next_start is not None and now >= self._next_start:
            self.start()
        elif self.link is not None and now - self._heard > self._options.silence_seconds:
            self._buried(f"The worker process did not answer for {self._options.silence_seconds:g} seconds.")
        elif self._restarts and self.predicts and now - self._started > STEADY_SECONDS:
            self._restarts = 0

    @property
    def next_start(self) -> float | None:
        """When (monotonic time) the next worker is due, if one is."""
        return self._next_start

    def stop(self, patience: float = 2.0) -> None:
        """End the worker: ask, wait, kill."""
        self._next_start = None
        if self.link is not None:
            with suppress(LinkClosed):
                self.link.send(Stop())
            self.link.close()
            self.link = None
        for process in [*self._ended, *([self._process] if self._process else [])]:
            process.join(patience)
            if process.exitcode is None:
                process.kill()
                process.join(patience)
        self._ended = []
        self._process = None

    def _handle(self, message: FromFront | FromWorker) -> None:
        if isinstance(message, Beat):
            return
        if isinstance(message, RenderingReady):
            self.renders = True
            self.rendering_failure = ""
            self._judge()
        elif isinstance(message, RenderingFailed):
            log.error("%s", message.cause)
            self.rendering_failure = message.cause
            self._judge()
        elif isinstance(message, NetworksReady):
            self.predicts = True
            self.failure = ""
            self.device, self.networks = message.device, message.networks
            self.default_network = message.default_network
            self._judge()
        elif isinstance(message, NetworksFailed):
            log.error("networks cannot be used: %s", message.cause)
            self.failure = message.cause
            self._judge()
        elif isinstance(message, Hung) and message.device != CPU:
            self._hangs += 1
        elif isinstance(message, PredictedTask) and message.device != CPU:
            self._hangs = 0
        self._on_message(message)

    def _judge(self) -> None:
        """The state, as far as the worker has told."""
        if failure := self.failure or self.rendering_failure:
            self.state, self.detail = State.FAILED, failure
        elif self.predicts:
            self.state, self.detail = State.READY, f"Ready on {self.device}."
            if self._avoids_card:
                self.detail += " The graphics card has hung; `harmonize daemon restart` tries it again."

    def _buried(self, cause: str) -> None:
        """Let go of a worker that has died or hangs, and plan the next one."""
        process = self._process
        if self.link is not None:
            self.link.close()
            self.link = None
        if process is not None:
            process.join(0.05)  # so that its exit code is known
            if process.exitcode is None:
                process.kill()
            elif process.exitcode < 0:
                cause = f"The worker process was ended by signal {-process.exitcode}."
            self._ended.append(process)
            self._process = None
        self._schedule(cause)

    def _schedule(self, cause: str) -> None:
        log.error("%s", cause)
        self.renders = self.predicts = False
        self.slots = None
        if self._restarts < MOST_RESTARTS:
            self._next_start = monotonic() + self._options.restart_seconds * 2**self._restarts
            self._restarts += 1
            self.state = State.RESTARTING
            self.detail = f"{cause} It is being started again ({self._restarts} of {MOST_RESTARTS})."
        else:
            self.failure = self.rendering_failure = f"{cause} It was started again {MOST_RESTARTS} times."
            self.state, self.detail = State.FAILED, self.failure
        self._on_death(cause)
