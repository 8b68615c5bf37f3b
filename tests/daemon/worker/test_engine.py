"""The engine: what it remembers, and what it does when a device fails it (FAULTS 28, 29, 30)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from harmonize_daemon.options import Options
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import PredictedTask, PredictTask
from harmonize_daemon.wire.messages import Layer, Look, Size
from harmonize_daemon.worker.catalogue import Entry
from harmonize_daemon.worker.engine import Engine
from harmonize_daemon.worker.process import DeviceLostError
from harmonize_models import render
from harmonize_models.adjustments.adjustment import Adjustment, AdjustmentError
from harmonize_models.render import kernels
from msgspec.structs import replace

SIDE = 32
MASK = bytes(SIDE * SIDE // 2) + b"\xff" * (SIDE * SIDE // 2)
ADJUSTMENT = b'{"version": 1, "network": "", "curves": {"values": [[0, 0.5], [0, 0.5], [0, 1]]}, "grid": null}'
PICTURE = bytes(index * 7 % 251 for index in range(SIDE * SIDE * 3))


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    engine = Engine(Options(device="cpu"))
    engine.load()
    return engine


def task(network: str = "mkl", job: int = 1, picture: bytes = PICTURE, force_cpu: bool = False) -> PredictTask:
    return PredictTask(job, network, Size(SIDE, SIDE), picture, MASK, None, b"", None, force_cpu)


Predict = Callable[[str, Entry, Sequence[PredictTask]], list[PredictedTask]]


def failing(engine: Engine, monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> list[str]:
    """Pretend that predictions run on a card that fails so many times; the devices that were tried."""
    real: Predict = engine._predict_on
    tried = []

    def predict_on(device: str, entry: Entry, tasks: Sequence[PredictTask]) -> list[PredictedTask]:
        tried.append(device)
        if len(tried) <= times:
            raise error
        return real("cpu", entry, tasks)

    monkeypatch.setattr(engine, "_predict_on", predict_on)
    monkeypatch.setattr(engine, "_device", "cuda:0")
    return tried


def test_without_kernels_plain_numpy_renders(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def warm_up(depths: object) -> None:
        raise OSError(28, "No space left on device")

    def rendered() -> bytes:
        pixels = bytearray(range(64))
        renderer = engine.renderer(Layer(4, 4, "RGBA", "u8"), (0, 0, 1, 1), Look(), ADJUSTMENT)
        renderer.band(memoryview(pixels), None, memoryview(pixels), 0)
        return bytes(pixels)

    with_kernels = rendered()
    monkeypatch.setattr(render, "warm_up", warm_up)
    for get_ready in (engine.load_rendering, engine.warm_rendering, engine.warm_rarely_rendered):
        get_ready()
    monkeypatch.setattr(kernels, "curves_u8_four", None)
    assert rendered() == with_kernels != bytes(range(64))


def test_an_adjustment_that_cannot_be_read_keeps_the_models_own_hint(engine: Engine) -> None:
    with pytest.raises(AdjustmentError) as own:
        Adjustment.from_json(b'{"version": 1}')
    with pytest.raises(Refused) as caught:
        engine.renderer(Layer(4, 4, "RGBA", "u8"), (0, 0, 1, 1), Look(), b'{"version": 1}')
    assert caught.value.code is ErrorCode.BAD_REQUEST
    assert (caught.value.cause, caught.value.hint) == (own.value.cause, own.value.hint)


def test_equal_tasks_are_computed_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = failing(engine, monkeypatch, RuntimeError(), times=0)
    first = engine.predict(task(job=1))
    second = engine.predict(task(job=2))
    assert (second.job, second.adjustment) == (2, first.adjustment)
    assert len(tried) == 1
    for other in (task("histogram"), task(picture=PICTURE[::-1])):
        assert engine.predict(other).adjustment != first.adjustment
    assert len(tried) == 3


def test_an_empty_mask_says_nothing_about_how_fast_a_network_is(engine: Engine) -> None:
    def milliseconds() -> float:
        return next(info.milliseconds for info in engine.networks().networks if info.key == "mkl")

    engine.predict(replace(task(), mask=bytes(len(task().mask))))
    assert milliseconds() == 0
    engine.predict(task())
    assert milliseconds() > 0


def test_fault_28_out_of_memory_is_tried_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = failing(engine, monkeypatch, torch.cuda.OutOfMemoryError("CUDA out of memory"), times=1)
    assert engine.predict(task()).notes == []
    assert tried == ["cuda:0", "cuda:0"]


def test_fault_28_out_of_memory_falls_back_to_the_cpu_and_says_so(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = failing(engine, monkeypatch, torch.cuda.OutOfMemoryError("CUDA out of memory"), times=2)
    predicted = engine.predict(task())
    assert tried == ["cuda:0", "cuda:0", "cpu"]
    assert predicted.notes == ["The memory of cuda:0 did not suffice: computed on the CPU."]


def test_fault_28_the_computers_own_memory_has_its_code(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(engine, monkeypatch, RuntimeError("DefaultCPUAllocator: can't allocate memory"), times=9)
    with pytest.raises(Refused) as caught:
        engine.predict(task())
    assert caught.value.code is ErrorCode.OUT_OF_MEMORY


def test_fault_29_a_lost_device_ends_the_worker(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = failing(engine, monkeypatch, RuntimeError("CUDA error: unspecified launch failure"), times=1)
    with pytest.raises(DeviceLostError):
        engine.predict(task())
    assert engine.predict(task(force_cpu=True)).device == "cpu"
    assert tried == ["cuda:0", "cpu"]


@pytest.mark.parametrize("network", ["s2crnet-c", "mkl"])
def test_predictions_made_together_are_those_made_alone(engine: Engine, network: str) -> None:
    pictures = [PICTURE, PICTURE[::-1], PICTURE, bytes(len(PICTURE))]
    tasks = [task(network, job, picture) for job, picture in enumerate(pictures, 1)]
    together = engine.predict_together(tasks)
    assert [one.job for one in together] == [1, 2, 3, 4]
    assert together[0].adjustment == together[2].adjustment != together[1].adjustment
    alone = Engine(Options(device="cpu"))
    alone.load()
    for one, other in zip(together, map(alone.predict, tasks), strict=True):
        # The last bits of a pass over several pictures differ.
        curves = [Adjustment.from_json(each.adjustment).curves.values for each in (one, other)]
        np.testing.assert_allclose(*curves, atol=1e-5)


def test_predictions_made_together_are_remembered_and_what_is_remembered_is_not_made_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    real: Predict = engine._predict_on

    def predict_on(device: str, entry: Entry, tasks: Sequence[PredictTask]) -> list[PredictedTask]:
        made.append([one.job for one in tasks])
        return real(device, entry, tasks)

    monkeypatch.setattr(engine, "_predict_on", predict_on)
    first = engine.predict(task(job=1))
    _, second, third = engine.predict_together([task(job=2), task(job=3, picture=PICTURE[::-1]), task(job=4)])
    assert (third.job, third.adjustment) == (4, first.adjustment)
    assert engine.predict(task(job=5, picture=PICTURE[::-1])).adjustment == second.adjustment
    assert made == [[1], [3]]


def test_fault_28_and_29_several_at_once_say_what_failed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [task(job=1), task(job=2, picture=PICTURE[::-1])]
    failing(engine, monkeypatch, torch.cuda.OutOfMemoryError("CUDA out of memory"), times=1)
    with pytest.raises(torch.cuda.OutOfMemoryError):  # the worker goes on one by one
        engine.predict_together(tasks)
    failing(engine, monkeypatch, RuntimeError("CUDA error: unspecified launch failure"), times=1)
    with pytest.raises(DeviceLostError):
        engine.predict_together(tasks)


def damaged(kind: str) -> bytes:
    return {
        "garbage": b"\x80\x04garbage" * 100,
        "huge header": (1 << 60).to_bytes(8, "little") + b"{}",
        "truncated": (500).to_bytes(8, "little") + b'{"a":',
        "empty": b"",
        "false shapes": (82).to_bytes(8, "little")
        + b'{"weight":{"dtype":"F32","shape":[999999,999999],"data_offsets":[0,3999992000004]}}',
    }[kind]


@pytest.mark.parametrize("kind", ["garbage", "huge header", "truncated", "empty", "false shapes"])
def test_fault_30_damaged_weights_are_named_and_hide_no_other_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    weights = tmp_path / "weights"
    weights.mkdir()
    data = damaged(kind)
    (weights / "s2crnet-c.safetensors").write_bytes(data)
    (weights / "SHA256SUMS").write_text(f"{hashlib.sha256(data).hexdigest()}  s2crnet-c.safetensors\n")
    engine = Engine(Options(device="cpu"))
    networks = engine.load()
    assert {"s2crnet-c", "mkl"} <= {network.key for network in networks.networks}
    assert networks.default != "s2crnet-c"
    with pytest.raises(Refused) as caught:
        engine.predict(task("s2crnet-c"))
    assert caught.value.code is ErrorCode.BAD_WEIGHTS
    assert engine.predict(task("mkl")).network == "mkl"


def test_weights_that_are_imported_while_the_engine_runs_are_there_at_once(engine: Engine, tmp_path: Path) -> None:
    from harmonize_models.checkpoints import WeightsCard, save_shipped
    from harmonize_models.networks import registry

    def imported(seed: int) -> bytes:
        torch.manual_seed(seed)
        spec = registry.get("s2crnet")
        (tmp_path / "weights").mkdir(exist_ok=True)
        save_shipped(spec.build(), spec, tmp_path / "weights" / "s2crnet.safetensors", WeightsCard())
        return engine.predict(task("s2crnet")).adjustment

    first = imported(1)
    assert "s2crnet" in {network.key for network in engine.networks().networks}
    assert imported(2) != first  # neither the network nor its prediction is remembered


def test_a_card_that_is_not_there_is_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for device in ("cuda:7", "auto", "cpu"):
        expected = "cuda:0" if device == "auto" and torch.cuda.is_available() else "cpu"
        assert Engine(Options(device=device)).load().device == expected
