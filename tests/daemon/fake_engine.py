"""An engine for tests of everything around it: inverts bytes, and misbehaves when it is told to.

What an adjustment or a network is called says what happens: `crash` ends the process, `slow` takes its time, …
So does a thumbnail's first byte: a spoiled picture cannot be predicted, a big one only by itself.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence

from harmonize_daemon.options import Options
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import PredictedTask, PredictTask
from harmonize_daemon.wire.messages import Layer, Look, NetworkInfo
from harmonize_daemon.worker.process import DeviceLostError, Networks
from msgspec.structs import replace

INVERTED = bytes(range(255, -1, -1))
SLOW_SECONDS = 0.15
SPOILED, BIG = 255, 254


class Engine:
    """Needs nothing but the standard library, so that its worker is ready in a moment.

    The milliseconds that a prediction says it took are the number of predictions made so far.
    """

    load_seconds = 0.0

    def __init__(self, options: Options) -> None:
        self._device = "cpu" if options.device == "auto" else options.device
        self._made = 0

    def load_rendering(self) -> None:
        pass

    def warm_rendering(self) -> None:
        pass

    def warm_rarely_rendered(self) -> None:
        pass

    def load(self) -> Networks:
        time.sleep(self.load_seconds)
        return self.networks()

    def networks(self) -> Networks:
        info = NetworkInfo("invert", "Invert", "curves", "", 0, "MIT", "", 1.0)
        return Networks(self._device, [info], "invert")

    def warm(self) -> Networks:
        return self.networks()

    def predict(self, task: PredictTask) -> PredictedTask:
        network = task.network or "invert"
        device = "cpu" if task.force_cpu else self._device
        if network == "slow":
            time.sleep(SLOW_SECONDS)
        elif network == "hang":
            time.sleep(1000)
        elif network == "crash":
            os.kill(os.getpid(), 9)
        elif network == "lost" and not task.force_cpu:
            raise DeviceLostError("CUDA error: device-side failure")
        elif network == "broken" or task.thumbnail[0] == SPOILED:
            raise RuntimeError("a defect")
        elif network == "memory":
            raise MemoryError
        elif network == "weights":
            raise Refused(ErrorCode.BAD_WEIGHTS, "The file is damaged.")
        elif network != "invert" and network != "lost":
            raise Refused(ErrorCode.UNKNOWN_NETWORK, f"There is no network {network}.")
        adjustment = json.dumps({"does": "invert"}).encode()
        self._made += 1
        return PredictedTask(task.job, adjustment, network, device, float(self._made), [], None)

    def predict_together(self, tasks: Sequence[PredictTask]) -> list[PredictedTask]:
        if any(task.thumbnail[0] == BIG for task in tasks):
            raise MemoryError
        predicted = [self.predict(task) for task in tasks]
        return [replace(one, notes=[f"{len(tasks)} together"]) for one in predicted]

    def renderer(self, layer: Layer, place: tuple[float, ...], look: Look, adjustment: bytes) -> Renderer:
        try:
            return Renderer(layer, json.loads(adjustment)["does"])
        except (ValueError, KeyError, TypeError):
            raise Refused(ErrorCode.BAD_REQUEST, "The adjustment is not valid.") from None

    def export(self, adjustment: bytes, look: Look, format: str) -> tuple[str, bool]:
        return f"{format} {look.strength:g}", True

    def rest(self) -> None:
        pass


class SlowStart(Engine):
    """Takes a while to load."""

    load_seconds = 1.5


class NoTorch(Engine):
    """Cannot load."""

    def load(self) -> Networks:
        raise ImportError("No module named 'torch'")


class NoKernels(Engine):
    """Cannot compile what renders, nor do without."""

    def warm_rendering(self) -> None:
        raise OSError(28, "No space left on device")


class NoNumpy(Engine):
    """Cannot import what renders."""

    def load_rendering(self) -> None:
        raise ImportError("No module named 'numpy'")


class DiesAtOnce(Engine):
    """Ends its process while it loads, each time."""

    def load(self) -> Networks:
        os._exit(9)


class Renderer:
    """Inverts the bytes of pixels whose mask is not 0."""

    def __init__(self, layer: Layer, does: str) -> None:
        self._pixel_bytes = layer.row_bytes // layer.width
        self._does = does

    def band(self, pixels: memoryview, mask: memoryview | None, out: memoryview, row: int) -> None:
        if self._does == "slow":
            time.sleep(SLOW_SECONDS)
        elif self._does == "crash":
            os.kill(os.getpid(), 9)
        elif self._does == "broken":
            raise RuntimeError("a defect")
        if mask is None or all(mask):
            out[:] = bytes(pixels).translate(INVERTED)
        else:
            for index, weight in enumerate(mask):
                if weight:
                    part = slice(index * self._pixel_bytes, (index + 1) * self._pixel_bytes)
                    out[part] = bytes(pixels[part]).translate(INVERTED)
