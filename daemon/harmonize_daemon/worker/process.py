"""The worker process: takes tasks from the inner link, computes on two thread pools, answers.

One thread predicts, a few render bands. The main thread reads the link and opens renders, nothing that takes long, so
that a task that is closed while it waits is known to be closed. The process ends by itself when the front is gone.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, TypeVar

from harmonize_daemon.environment import set_environment, usable_cores
from harmonize_daemon.folders import log_folder
from harmonize_daemon.log import start_log
from harmonize_daemon.options import Options
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import (
    BandDone,
    BandTask,
    Beat,
    CloseTask,
    DeviceLost,
    ExportedTask,
    ExportTask,
    FromFront,
    FromWorker,
    Hung,
    LinkClosed,
    NetworksFailed,
    NetworksReady,
    OpenedTask,
    OpenTask,
    PredictedTask,
    PredictTask,
    PredictTasks,
    RenderingFailed,
    RenderingReady,
    Rest,
    Stop,
    TaskFailed,
    WorkerLink,
)
from harmonize_daemon.wire.messages import Layer, Look, NetworkInfo
from harmonize_daemon.wire.slots import BandShape, Slots

log = logging.getLogger(__name__)

T = TypeVar("T")

LOG_FILE = "worker.log"
CRASH_FILE = "crashes.log"
"""What all threads did when the process crashed. It stays open, and Windows begins no new log while the old is open."""
BEAT_SECONDS = 1.0


class DeviceLostError(Exception):
    """The device does not answer any more, and no process that used it can go on."""


@dataclass(frozen=True)
class Networks:
    """What the engine has loaded."""

    device: str
    networks: list[NetworkInfo]
    default: str


class BandRenderer(Protocol):
    """Renders the bands of one layer; any number of threads at a time."""

    def band(self, pixels: memoryview, mask: memoryview | None, out: memoryview, row: int) -> None:
        """Render whole rows from `row` on into `out`, which may be `pixels`."""


class EngineLike(Protocol):
    """What computes. Its constructor imports nothing heavy. All methods raise Refused for what they cannot do."""

    def load_rendering(self) -> None:
        """Import what rendering needs; quick. Raises whatever says that nothing can ever be rendered here."""

    def warm_rendering(self) -> None:
        """Get ready to render what nearly everybody renders. Takes long the first time, when kernels are compiled.

        Raises as `load_rendering` does.
        """

    def warm_rarely_rendered(self) -> None:
        """Get ready to render everything else."""

    def load(self) -> Networks:
        """Get ready to predict. Raises ImportError or OSError if that can never be."""

    def warm(self) -> Networks:
        """Make the first prediction quick, and measure it."""

    def networks(self) -> Networks:
        """What there is now; cheap. Any thread may ask."""

    def predict(self, task: PredictTask) -> PredictedTask:
        """Predict an adjustment. Raises DeviceLostError."""

    def predict_together(self, tasks: Sequence[PredictTask]) -> list[PredictedTask]:
        """Predict with the same network in one pass on the device.

        Raises DeviceLostError; anything else (no memory for so many, one bad picture) means: one by one, then.
        """

    def renderer(self, layer: Layer, place: tuple[float, ...], look: Look, adjustment: bytes) -> BandRenderer:
        """Get ready to render a layer."""

    def export(self, adjustment: bytes, look: Look, format: str) -> tuple[str, bool]:
        """The adjustment in a host's own format, and whether nothing was lost."""

    def rest(self) -> None:
        """Give the device's memory back."""


@dataclass(eq=False)
class _OpenRender:
    task: OpenTask
    renderer: BandRenderer
    closed: threading.Event = field(default_factory=threading.Event)


def run_worker(connection: socket.socket, slots: Slots, options: Options) -> None:
    """The process's main function."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the front decides
    with contextlib.suppress(OSError):
        start_log(log_folder() / LOG_FILE)
        faulthandler.enable((log_folder() / CRASH_FILE).open("a"))
    set_environment()
    module, _, name = options.engine.partition(":")
    try:
        engine: EngineLike = getattr(importlib.import_module(module), name)(options)
        Worker(WorkerLink(connection), slots, engine, options.inference_seconds).run()
    except LinkClosed:
        log.info("the front is gone")
    except BaseException:
        log.exception("the worker ends")
        os._exit(1)
    # Threads may still compute; nobody waits for what they find.
    os._exit(0)


class Worker:
    """The loop and its two pools."""

    def __init__(self, link: WorkerLink, slots: Slots, engine: EngineLike, inference_seconds: float) -> None:
        self._link = link
        self._slots = slots
        self._engine = engine
        self._inference_seconds = inference_seconds
        self._inferring: object = None
        """What the inference thread is at, another object for each task."""
        self._begun = time.monotonic()
        self._told: Networks | None = None
        self._renders: dict[int, _OpenRender] = {}
        self._inference = ThreadPoolExecutor(1, "inference")
        self._rendering = ThreadPoolExecutor(max(1, min(8, usable_cores() - 1)), "rendering")

    def run(self) -> None:
        """Answer tasks until Stop, or until the front is gone (LinkClosed)."""
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        self._inference.submit(self._infer, self._load)
        while True:
            for message in self._link.receive():
                if isinstance(message, Stop):
                    return
                self._take(message)

    def _take(self, message: FromFront | FromWorker) -> None:
        if isinstance(message, BandTask):
            self._rendering.submit(self._guarded, self._band, message)
        elif isinstance(message, OpenTask):
            self._answer(message.job, self._open, message)
        elif isinstance(message, CloseTask):
            if render := self._renders.pop(message.job, None):
                render.closed.set()
        elif isinstance(message, PredictTasks):
            self._inference.submit(self._infer, self._predict, message.tasks)
        elif isinstance(message, ExportTask):
            self._rendering.submit(self._answer, message.job, self._export, message)
        elif isinstance(message, Rest):
            self._inference.submit(self._infer, self._engine.rest)

    def _load(self) -> None:
        # Before the two go on side by side: modules that both need are imported by one thread.
        if self._can_render(self._engine.load_rendering):
            threading.Thread(target=self._guarded, args=(self._warm_rendering,), name="warm", daemon=True).start()
        try:
            self._tell(self._engine.load())
            log.info("networks ready after %.1f s", time.monotonic() - self._begun)
        except LinkClosed:
            raise
        except Exception as error:
            log.exception("networks cannot be loaded")
            self._link.send(NetworksFailed(f"The networks cannot be loaded: {error}"))
            return
        self._tell(self._engine.warm())

    def _warm_rendering(self) -> None:
        if self._can_render(self._engine.warm_rendering):
            self._link.send(RenderingReady())
            log.info("rendering ready after %.1f s", time.monotonic() - self._begun)
            self._engine.warm_rarely_rendered()

    def _can_render(self, get_ready: Callable[[], None]) -> bool:
        """Whether it went well; if not, the front is told that renders are in vain."""
        try:
            get_ready()
        except Exception as error:
            log.exception("nothing can be rendered")
            self._link.send(RenderingFailed(f"Nothing can be rendered: {type(error).__name__}: {error}"))
            return False
        return True

    def _tell(self, networks: Networks) -> None:
        self._told = networks
        self._link.send(NetworksReady(networks.device, networks.networks, networks.default))

    def _open(self, task: OpenTask) -> OpenedTask:
        renderer = self._engine.renderer(task.layer, task.place, task.look, task.adjustment)
        self._renders[task.job] = _OpenRender(task, renderer)
        return OpenedTask(task.job, [])

    def _export(self, task: ExportTask) -> ExportedTask:
        text, exact = self._engine.export(task.adjustment, task.look, task.format)
        return ExportedTask(task.job, text.encode(), exact)

    def _band(self, task: BandTask) -> None:
        render = self._renders.get(task.job)
        rendered = render is not None and not render.closed.is_set()
        try:
            if render is not None and rendered:
                shape = BandShape(render.task.layer, task.rows, render.task.masked)
                pixels = self._slots.pixels(task.slot, shape)
                mask = self._slots.mask(task.slot, shape) if render.task.masked else None
                render.renderer.band(pixels, mask, pixels, task.row)
        except Exception as error:
            rendered = False
            self._link.send(_failure(task.job, error))
        self._link.send(BandDone(task.job, task.slot, rendered))

    def _predict(self, tasks: Sequence[PredictTask]) -> None:
        """Answer predictions, together if they can be made so."""
        if len(tasks) > 1 and (predicted := self._predict_together(tasks)):
            for answer in predicted:
                self._link.send(answer)
        else:
            for task in tasks:
                self._inferring = task
                self._answer(task.job, self._engine.predict, task)

    def _predict_together(self, tasks: Sequence[PredictTask]) -> list[PredictedTask]:
        """The predictions; none if they have to be made one by one, so that each fails or succeeds for itself."""
        try:
            return self._engine.predict_together(tasks)
        except DeviceLostError as error:
            self._end_without_device(error)
        except Exception as error:
            log.warning("%d predictions are made one by one: %s: %s", len(tasks), type(error).__name__, error)
        return []

    def _end_without_device(self, error: DeviceLostError) -> NoReturn:
        log.error("the device is lost", exc_info=error)
        self._link.send(DeviceLost(str(error)))
        os._exit(3)

    def _answer(self, job: int, compute: Callable[[T], FromWorker], task: T) -> None:
        """Send what `compute` finds, or why it cannot."""
        try:
            try:
                self._link.send(compute(task))
            except LinkClosed:
                raise
            except DeviceLostError as error:
                self._end_without_device(error)
            except Exception as error:
                self._link.send(_failure(job, error))
        except LinkClosed:
            os._exit(0)

    def _infer(self, function: Callable[..., None], *arguments: object) -> None:
        """What the inference thread runs, while `_beat` watches it."""
        self._inferring = object()
        self._guarded(function, *arguments)
        self._inferring = None

    def _guarded(self, function: Callable[..., None], *arguments: object) -> None:
        """What a pool runs: nobody looks at its futures."""
        try:
            function(*arguments)
        except LinkClosed:
            os._exit(0)
        except Exception:
            log.exception("%s failed", getattr(function, "__name__", function))

    def _beat(self) -> None:
        seen: object = None
        seconds = 0.0  # counted, not measured: a computer that sleeps makes nobody late
        with contextlib.suppress(LinkClosed):
            while seconds <= self._inference_seconds:
                self._link.send(Beat())
                self._guarded(self._tell_news)
                time.sleep(BEAT_SECONDS)
                now = self._inferring
                seconds = seconds + BEAT_SECONDS if now is seen and now is not None else 0.0
                seen = now
            # No thread gets out of a driver that hangs, and every later prediction would wait for this one.
            log.error("the networks have been at one task for %d s: the worker ends", seconds)
            self._link.send(Hung(self._told.device if self._told else ""))
            os._exit(4)

    def _tell_news(self) -> None:
        """Say so when networks were imported or measured since the front was told."""
        if self._told is not None and (networks := self._engine.networks()) != self._told:
            self._tell(networks)


def _failure(job: int, error: Exception) -> TaskFailed:
    if isinstance(error, Refused):
        return TaskFailed(job, error.code.value, error.cause, error.hint)
    if isinstance(error, MemoryError):
        return TaskFailed(job, ErrorCode.OUT_OF_MEMORY.value, "The computer's memory did not suffice.")
    log.error("a task failed", exc_info=error)
    return TaskFailed(job, ErrorCode.INTERNAL.value, f"{type(error).__name__}: {error}")
