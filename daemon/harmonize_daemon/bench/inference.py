"""What a prediction takes beside the network's own pass, and what several in one pass gain.

In this process, with fresh weights: how long a network takes does not depend on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from harmonize_models import checkpoints
from harmonize_models.adjustments.fit import fit_grid
from harmonize_models.checkpoints import WeightsCard
from harmonize_models.networks import registry
from harmonize_models.networks.base import Kind, NetworkSpec
from numpy.typing import NDArray

from harmonize_daemon.options import Options
from harmonize_daemon.wire.link import PredictTask
from harmonize_daemon.wire.messages import Size
from harmonize_daemon.worker.engine import Engine

TOGETHER = 4
SIDE = 512
"""Of the thumbnails: as large as clients send them."""


@dataclass(frozen=True)
class Part:
    """One measured part of a prediction."""

    name: str
    milliseconds: float
    """Median over the repetitions."""
    ratio: float
    """To the plain pass through the network."""


@dataclass(frozen=True)
class Inference:
    """One network on one device."""

    network: str
    device: str
    parts: tuple[Part, ...]


def run(key: str, repeats: int = 15) -> Inference:
    """Measure on the device that a daemon would choose, all parts in turn. Raises UnknownNetwork."""
    spec = registry.get(key)
    with TemporaryDirectory() as folder:
        weights = Path(folder)
        checkpoints.save_shipped(spec.build(), spec, weights / f"{key}.safetensors", WeightsCard())
        engine = Engine(Options(), weights)
        device = engine.load().device
        actions: dict[str, Callable[[], object]] = {"plain pass": _plain_pass(spec, weights, device)}
        if spec.kind is Kind.PIXELS:
            actions["fitting a color grid"] = _fit(spec.input_size)
        tasks = _tasks(key)
        actions["prediction"] = lambda: engine.predict(next(tasks))
        actions[f"each of {TOGETHER} together"] = lambda: engine.predict_together(
            [next(tasks) for _ in range(TOGETHER)]
        )
        seconds = _in_turn(actions, repeats)
    seconds[f"each of {TOGETHER} together"] /= TOGETHER
    plain = seconds["plain pass"]
    return Inference(key, device, tuple(Part(name, 1000 * took, took / plain) for name, took in seconds.items()))


def _in_turn(actions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each, after two runs to warm up; in turn, so that other work on the machine slows all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeats + 2):
        for name, action in actions.items():
            begun = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - begun)
    return {name: median(took[2:]) for name, took in seconds.items()}


def _plain_pass(spec: NetworkSpec, weights: Path, device: str) -> Callable[[], object]:
    network = checkpoints.load(spec.key, device, weights)
    composite = torch.rand(1, 3, spec.input_size, spec.input_size).to(device, memory_format=torch.channels_last)
    mask = torch.from_numpy(_disc(spec.input_size)).float()[None, None].to(device) / 255

    @torch.inference_mode()
    def passed() -> None:
        network(composite, mask)
        if device != "cpu":
            torch.cuda.synchronize()

    return passed


def _fit(side: int) -> Callable[[], object]:
    before, mask = _noise(side) / np.float32(255), _disc(side) / np.float32(255)
    return lambda: fit_grid(before, before * np.float32(0.8), mask)


def _tasks(key: str) -> Iterator[PredictTask]:
    """Each time another first pixel, or the engine would remember the answer."""
    picture, mask = _noise(SIDE).tobytes(), _disc(SIDE).tobytes()
    for number in count():
        yield PredictTask(number, key, Size(SIDE, SIDE), number.to_bytes(3, "big") + picture[3:], mask, None, b"", None)


def _noise(side: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


def _disc(side: int) -> NDArray[np.uint8]:
    """A mask [S, S]: about a quarter of the picture."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    return np.where(np.hypot(x, y) < 0.3, 255, 0).astype(np.uint8)
