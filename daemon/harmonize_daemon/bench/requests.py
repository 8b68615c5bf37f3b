"""How fast one request is: its stages at several sizes, each also as a ratio to a memcpy of the layer in the same run.

Milliseconds depend on the machine and on what else runs there; ratios to memcpy can be compared.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from harmonize_client import Client, LayerFormat, Place, Thumbnail, connect, paths
from harmonize_models.adjustments.adjustment import Adjustment
from harmonize_models.adjustments.curves import Curves
from harmonize_models.adjustments.grid import ColorGrid
from harmonize_models.adjustments.look import Look
from harmonize_models.layer import Depth, Layout
from harmonize_models.layer import LayerFormat as ModelLayer
from harmonize_models.render import render
from harmonize_models.thumbnail import thumbnail
from numpy.typing import NDArray

from harmonize_daemon.bench import inference
from harmonize_daemon.bench.inference import Inference
from harmonize_daemon.bench.timing import median_seconds

CLIENT_NAME = "bench"
THUMBNAIL_SIDE = 512
PING_SECONDS = 0.02
SIZES = ((1224, 817), (2450, 1633), (6000, 4000))
"""About 1, 4 and 24 megapixels, 3:2."""


@dataclass(frozen=True)
class Stage:
    """One measured part of a request."""

    name: str
    milliseconds: float
    """Median over the repetitions."""
    ratio: float
    """To a memcpy of the layer."""


@dataclass(frozen=True)
class Measurement:
    """One size with one network."""

    width: int
    height: int
    network: str
    stages: tuple[Stage, ...]

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6


@dataclass(frozen=True)
class Report:
    """What one run of the benchmark found."""

    machine: str
    device: str
    measurements: tuple[Measurement, ...]
    inferences: tuple[Inference, ...]
    """Of the same networks, without the daemon; a baseline has no such figures."""
    first_answer_milliseconds: float
    """From the start of another daemon's process to its first answer, while its networks still load."""
    worst_ping_milliseconds: float
    """The longest that a second client waited for `status` while a render ran."""
    peak_megabytes: dict[str, float]
    """Largest resident memory of the daemon's processes so far; empty where the system does not tell."""

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def run(
    networks: Sequence[str],
    sizes: Sequence[tuple[int, int]] = SIZES,
    repeats: int = 5,
    threads: int = 2,
    progress: Callable[[str], None] = lambda text: None,
) -> Report:
    """Measure. `networks`: keys, "" = the daemon's default. Raises HarmonizeError."""
    with connect(CLIENT_NAME, start=True) as client:
        _wait_until_ready(client)
        measurements = []
        for network in networks:
            for width, height in sizes:
                progress(f"{network or 'default network'}, {width} x {height}")
                measurements.append(_measure(client, network, width, height, repeats, threads))
        worst_ping = _worst_ping(client, *sizes[-1])
        status = client.status()
        peaks = _peaks(status.pid)  # now: nobody keeps the daemon from ending once we are gone
    progress("inference")
    measured = dict.fromkeys(measurement.network for measurement in measurements)
    with_weights = [info.key for info in status.networks if info.kind != "baseline"]
    return Report(
        machine=platform.processor() or platform.machine(),
        device=status.device,
        measurements=tuple(measurements),
        inferences=tuple(inference.run(key) for key in measured if key in with_weights),
        first_answer_milliseconds=median(_first_answer() for _ in range(repeats)),
        worst_ping_milliseconds=worst_ping,
        peak_megabytes=peaks,
    )


def _measure(client: Client, network: str, width: int, height: int, repeats: int, threads: int) -> Measurement:
    layer, mask = _scene(width, height)
    out = np.empty_like(layer)
    layer_format = LayerFormat(width, height, "RGBA", "u8")
    small_mask = thumbnail(mask, THUMBNAIL_SIDE)

    def shrink() -> NDArray[np.uint8]:
        return _shrunk(layer)

    # Each prediction sees another picture, or the daemon would answer from its cache.
    others = _variants(shrink())
    key = client.predict(next(others), small_mask, network=network).network
    kind = next(info.kind for info in client.status().networks if info.key == key)
    adjustment = typical_adjustment(local=kind != "curves")
    text = adjustment.to_json()
    model_layer = ModelLayer(width, height, Layout.RGBA, Depth.U8)

    def predict() -> None:
        client.predict(next(others), small_mask, network=network)

    def rendering() -> None:
        client.render(text, layer_format, layer, mask, into=out, place=Place())

    def request() -> None:
        shrink()
        predict()
        rendering()

    timings = {
        "memcpy of the layer": median_seconds(repeats, np.copyto, out, layer),
        "thumbnail": median_seconds(repeats, shrink),
        "predict, there and back": median_seconds(repeats, predict),
        "render alone": median_seconds(
            repeats, lambda: render(adjustment, Look(), model_layer, layer, mask, out, threads=threads)
        ),
        "render, there and back": median_seconds(repeats, rendering),
        "whole request": median_seconds(repeats, request),
    }
    memcpy = timings["memcpy of the layer"]
    stages = tuple(Stage(name, 1000 * seconds, seconds / memcpy) for name, seconds in timings.items())
    return Measurement(width, height, key, stages)


def typical_adjustment(*, local: bool) -> Adjustment:
    """What a network might answer: tone curves, and a grid of local color changes.

    What is rendered must not depend on what a network happens to find in the benchmark's scene: it may find nothing.
    """
    curves = Curves(np.linspace(0, 1, 65) ** np.array([[0.8], [0.85], [0.95]]))
    if not local:
        return Adjustment(curves)
    coefficients = ColorGrid.identity((4, 8, 8)).coefficients.copy()
    coefficients += np.random.default_rng(0).normal(0, 0.02, coefficients.shape).astype(np.float32)
    return Adjustment(curves, ColorGrid(coefficients))


def _worst_ping(client: Client, width: int, height: int) -> float:
    """Milliseconds of the slowest `status` of a second client while this one renders."""
    from threading import Event, Thread

    layer, mask = _scene(width, height)
    out = np.empty_like(layer)
    text = typical_adjustment(local=True).to_json()
    waits: list[float] = []
    finished = Event()

    def ping() -> None:
        with connect(f"{CLIENT_NAME}-ping", start=False) as second:
            while not finished.wait(PING_SECONDS):
                start = time.perf_counter()
                second.status()
                waits.append(time.perf_counter() - start)

    pinging = Thread(target=ping)
    pinging.start()
    for _ in range(3):
        client.render(text, LayerFormat(width, height, "RGBA", "u8"), layer, mask, into=out, place=Place())
    finished.set()
    pinging.join()
    return 1000 * max(waits, default=0.0)


def _first_answer() -> float:
    """Milliseconds until a daemon in a folder of its own has answered for the first time."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        start = time.perf_counter()
        command = [sys.executable, "-m", "harmonize_daemon", "daemon", "run"]
        environment = {**os.environ, "HARMONIZE_HOME": folder}
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.DEVNULL)
        try:
            while not (home / paths.CONNECTION_FILE).exists() and process.poll() is None:
                time.sleep(0.001)
            with connect(CLIENT_NAME, start=False, folder=home) as client:
                milliseconds = 1000 * (time.perf_counter() - start)
                client.shutdown()
        finally:
            process.wait(timeout=10)
    return milliseconds


def _wait_until_ready(client: Client) -> None:
    while client.status().state == "starting":
        time.sleep(0.1)


def _scene(width: int, height: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A layer [H, W, 4] and a soft mask [H, W]: a warm disc in front of a cold gradient, with noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inside = np.clip((0.3 - np.hypot(x / width - 0.5, y / height - 0.5)) * 40 + 0.5, 0, 1)
    base = np.stack([90 + 60 * y / height, 110 + 60 * y / height, 150 + 60 * x / width], axis=-1)
    color = base * (1 - inside[..., None]) + np.array([230, 160, 90], np.float32) * inside[..., None]
    layer = np.full((height, width, 4), 255, np.uint8)
    layer[..., :3] = np.clip(color + rng.normal(0, 12, (height, width, 1)), 0, 255)
    return layer, (inside * 255).astype(np.uint8)


def _shrunk(layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a client sends of a layer [H, W, 4]: its thumbnail without alpha."""
    return np.ascontiguousarray(thumbnail(layer, THUMBNAIL_SIDE)[:, :, :3])


def _variants(scene: NDArray[np.uint8]) -> Iterator[Thumbnail]:
    """The scene again and again, each time with another first pixel."""
    for index in count():
        changed = scene.copy()
        changed[0, 0] = list(index.to_bytes(3, "big"))
        yield Thumbnail(scene.shape[1], scene.shape[0], changed)


def _peaks(front: int) -> dict[str, float]:
    """Peak resident memory in MB of the daemon's front process and its worker (Linux; elsewhere empty)."""
    try:
        children = [int(pid) for pid in Path(f"/proc/{front}/task/{front}/children").read_text().split()]
    except OSError:
        return {}
    workers = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return {"front": _peak(front), "worker": max(map(_peak, workers), default=0.0)}


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
