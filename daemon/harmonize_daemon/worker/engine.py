"""What the worker computes with: networks held on a device, predictions kept, renderers.

Imports of numpy, numba and torch happen inside, so that the worker can say what fails and why.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from harmonize_daemon.allocator import give_freed_memory_back
from harmonize_daemon.devices import AUTO, CPU, chosen_device
from harmonize_daemon.folders import imported_weights_folder
from harmonize_daemon.options import Options
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import PredictedTask, PredictTask
from harmonize_daemon.wire.messages import Layer, Look, Size
from harmonize_daemon.worker.process import BandRenderer, DeviceLostError, Networks

if TYPE_CHECKING:
    import numpy as np
    from harmonize_models.adjustments.adjustment import Adjustment
    from harmonize_models.adjustments.look import Look as ModelLook
    from harmonize_models.layer import Depth
    from harmonize_models.networks.base import HarmonizationNetwork
    from harmonize_models.predict import Scene
    from numpy.typing import NDArray

    from harmonize_daemon.worker.catalogue import Entry

log = logging.getLogger(__name__)

KEPT_PREDICTIONS = 64
"""An adjustment has a few to some hundred kilobytes."""
WARM_PASSES = 2
SHORT_OF_MEMORY = "The memory of {device} did not suffice: computed on the CPU."
"""A note, when a prediction had to leave its device."""


class Engine:
    """The worker's engine (worker.EngineLike)."""

    def __init__(self, options: Options, imported: Path | None = None) -> None:
        """imported: where weights lie that do not come with the product (default: where users' imports go)."""
        self._wanted = options.device
        self._imported = imported or imported_weights_folder()
        self._device = "cpu"
        self._compiled = True
        self._entries: dict[str, Entry] = {}
        self._default = ""
        self._stamp = -1
        self._milliseconds: dict[str, float] = {}
        self._held: dict[tuple[str, str], HarmonizationNetwork] = {}
        self._kept: OrderedDict[bytes, PredictedTask] = OrderedDict()

    # Rendering --------------------------------------------------------------------------------------------------------

    def load_rendering(self) -> None:
        """Import numpy and numba."""
        import harmonize_models.render  # noqa: F401  what fails here, fails for good

        self._compile(())

    def warm_rendering(self) -> None:
        """Compile, or load from the cache, the kernels of the depth that nearly everybody uses."""
        from harmonize_models.layer import Depth

        self._compile((Depth.U8,))

    def warm_rarely_rendered(self) -> None:
        """The same for the other depths, and for fitting color grids."""
        from harmonize_models.adjustments import fit
        from harmonize_models.layer import Depth

        self._compile((Depth.U16, Depth.F32))
        fit.warm_up()

    def _compile(self, depths: tuple[Depth, ...]) -> None:
        """Get kernels ready; where that cannot be done, plain numpy renders, which takes much longer."""
        from harmonize_models.render import warm_up

        try:
            if self._compiled:
                warm_up(depths)
        except Exception:
            log.exception("kernels cannot be compiled: rendering goes on without them")
            self._compiled = False

    def renderer(self, layer: Layer, place: tuple[float, ...], look: Look, adjustment: bytes) -> BandRenderer:
        """Get ready to render a layer. Raises Refused for an adjustment that cannot be read."""
        from harmonize_models.layer import Depth, LayerFormat, Layout, Place
        from harmonize_models.render import Renderer

        shape = LayerFormat(layer.width, layer.height, Layout(layer.layout), Depth(layer.depth))
        with _model_errors():
            return Renderer(_adjustment(adjustment), _look(look), shape, Place(*place), compiled=self._compiled)

    def export(self, adjustment: bytes, look: Look, format: str) -> tuple[str, bool]:
        """The adjustment in a host's own format, and whether nothing was lost."""
        from harmonize_models.export import export

        with _model_errors():
            return export(_adjustment(adjustment), _look(look), format)

    # Networks ---------------------------------------------------------------------------------------------------------

    def load(self) -> Networks:
        """Import torch, choose a device, look what weights there are. Reads no weights yet."""
        self._device = chosen_device(self._wanted)
        if self._device == CPU and self._wanted not in (CPU, AUTO):
            log.warning("there is no %s that torch can use: networks run on the CPU", self._wanted)
        return self.networks()

    def networks(self) -> Networks:
        """What there is now: weights may have been imported since."""
        from harmonize_daemon.worker.catalogue import default_network, stamp, usable_networks

        if self._stamp != (now := stamp(self._imported)):
            self._entries = usable_networks(self._imported)
            self._default = default_network(self._entries)
            self._stamp = now
        infos = [
            replace(entry.info, milliseconds=self._milliseconds.get(key, 0.0)) for key, entry in self._entries.items()
        ]
        return Networks(self._device, infos, self._default)

    def warm(self) -> Networks:
        """Load and run the default network."""
        size = Size(256, 256)
        middle = (b"\0" * 64 + b"\xff" * 128 + b"\0" * 64) * 128
        mask = b"\0" * 64 * 256 + middle + b"\0" * 64 * 256
        task = PredictTask(0, "", size, bytes(range(256)) * 768, mask, None, b"", None)
        for _ in range(WARM_PASSES):
            with contextlib.suppress(Refused):
                self._compute(task, self._entry(""))
        return self.networks()

    def predict(self, task: PredictTask) -> PredictedTask:
        """Predict, or remember. Raises Refused, DeviceLostError."""
        entry = self._entry(task.network)
        seen = _digest(task, entry)
        predicted = self._kept.get(seen) or self._compute(task, entry)
        self._keep(seen, predicted)
        return replace(predicted, job=task.job)

    def predict_together(self, tasks: Sequence[PredictTask]) -> list[PredictedTask]:
        """Predict with the same network, all that is not remembered in one pass.

        Raises DeviceLostError, and whatever goes wrong with any of them or with so many at once.
        """
        entry = self._entry(tasks[0].network)
        seen = [_digest(task, entry) for task in tasks]
        found = {digest: self._kept[digest] for digest in seen if digest in self._kept}
        new = {digest: task for digest, task in zip(seen, tasks, strict=True) if digest not in found}
        with _device_errors(self._device):
            found.update(zip(new, self._predict_on(self._device, entry, list(new.values())), strict=True))
        for digest, predicted in found.items():
            self._keep(digest, predicted)
        return [replace(found[digest], job=task.job) for digest, task in zip(seen, tasks, strict=True)]

    def rest(self) -> None:
        """Take networks off the graphics card; they are read again in milliseconds."""
        import torch

        self._held = {key: network for key, network in self._held.items() if key[1] == "cpu"}
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.empty_cache()
        give_freed_memory_back()

    # Inside -----------------------------------------------------------------------------------------------------------

    def _entry(self, network: str) -> Entry:
        self.networks()
        entries, key = self._entries, network or self._default  # another thread may look for networks meanwhile
        if key not in entries:
            cause = f"There is no network {key!r} here; there are {', '.join(entries)}."
            raise Refused(ErrorCode.UNKNOWN_NETWORK, cause)
        return entries[key]

    def _compute(self, task: PredictTask, entry: Entry) -> PredictedTask:
        """Predict on the device; from out of memory to a second try to the CPU."""
        import torch

        device = "cpu" if task.force_cpu else self._device
        with _device_errors(device):
            for _ in range(2):
                try:
                    return self._predict_on(device, entry, [task])[0]
                except torch.cuda.OutOfMemoryError:
                    log.warning("out of memory on %s", device)
                # Other programs may hold most of the card: give back what earlier work left, and try with one network.
                self.rest()
            predicted = self._predict_on("cpu", entry, [task])[0]
            return replace(predicted, notes=[*predicted.notes, SHORT_OF_MEMORY.format(device=device)])

    def _predict_on(self, device: str, entry: Entry, tasks: Sequence[PredictTask]) -> list[PredictedTask]:
        """Predictions in the order of their tasks, in one pass if it is a network's."""
        from harmonize_models.baselines import Baseline
        from harmonize_models.networks import registry
        from harmonize_models.predict import predict_baseline, predict_batch

        scenes = [_scene(task) for task in tasks]
        key = entry.info.key
        with _model_errors():
            if entry.weights_dir is None:
                device = "cpu"
                begun = time.perf_counter()
                found = [predict_baseline(Baseline(key), one.composite, one.mask, one.reference) for one in scenes]
            else:
                network = self._network(entry, entry.weights_dir, device)
                begun = time.perf_counter()
                found = predict_batch(network, registry.get(key), scenes, device)
        milliseconds = (time.perf_counter() - begun) * 1000
        if len(tasks) == 1 and scenes[0].mask.any():  # without a foreground no network is asked
            # The quickest so far: what comes first, or beside other work, says little about the network.
            self._milliseconds[key] = min(milliseconds, self._milliseconds.get(key, milliseconds))
        return [
            PredictedTask(
                task.job,
                predicted.adjustment.to_json().encode(),
                key,
                device,
                milliseconds,
                list(predicted.notes),
                predicted.confidence,
            )
            for task, predicted in zip(tasks, found, strict=True)
        ]

    def _keep(self, seen: bytes, predicted: PredictedTask) -> None:
        """Remember a prediction as the latest that was asked for."""
        self._kept[seen] = predicted
        self._kept.move_to_end(seen)
        if len(self._kept) > KEPT_PREDICTIONS:
            self._kept.popitem(last=False)

    def _network(self, entry: Entry, weights_dir: Path, device: str) -> HarmonizationNetwork:
        from harmonize_models import checkpoints
        from harmonize_models.networks.fusing import fused

        name = (entry.sha256, device)
        if name not in self._held:
            current = {other.sha256 for other in self._entries.values()}
            self._held = {held: network for held, network in self._held.items() if held[0] in current}
            self._held[name] = fused(checkpoints.load(entry.info.key, device, weights_dir))
        return self._held[name]


def _scene(task: PredictTask) -> Scene:
    """What a task shows. Raises ValueError if its payload is not that of its sizes."""
    from harmonize_models.networks.base import ForegroundClass
    from harmonize_models.predict import Scene

    return Scene(
        _picture(task.thumbnail, task.size),
        _picture(task.mask, task.size)[..., 0],
        None if task.reference_size is None else _picture(task.reference, task.reference_size),
        ForegroundClass[task.foreground_class.upper()] if task.foreground_class else None,
    )


def _picture(frame: bytes, size: Size) -> NDArray[np.uint8]:
    """[H, W, C] of a payload frame."""
    import numpy as np

    return np.frombuffer(frame, np.uint8).reshape(size.height, size.width, -1)


def _digest(task: PredictTask, entry: Entry) -> bytes:
    """Equal for tasks that must have the same answer."""
    facts = (entry.info.key, entry.sha256, task.size, task.reference_size, task.foreground_class, task.force_cpu)
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=16)
    for frame in (task.thumbnail, task.mask, task.reference):
        digest.update(frame)
    return digest.digest()


def _adjustment(data: bytes) -> Adjustment:
    from harmonize_models.adjustments.adjustment import Adjustment

    return Adjustment.from_json(data)


def _look(look: Look) -> ModelLook:
    from harmonize_models.adjustments.look import Look as ModelLook

    return ModelLook(**asdict(look))


@contextlib.contextmanager
def _device_errors(device: str) -> Iterator[None]:
    """Tells a lost device and the computer's own lack of memory from defects."""
    import torch

    try:
        yield
    except torch.cuda.OutOfMemoryError:  # a RuntimeError, too
        raise
    except RuntimeError as error:
        if "DefaultCPUAllocator" in str(error):
            raise Refused(ErrorCode.OUT_OF_MEMORY, "The computer's memory did not suffice.") from error
        if device != "cpu" and "CUDA" in str(error):
            raise DeviceLostError(str(error)) from error
        raise


@contextlib.contextmanager
def _model_errors() -> Iterator[None]:
    """Turns what harmonize_models refuses into the protocol's errors."""
    from harmonize_models.errors import ModelError

    try:
        yield
    except ModelError as error:
        codes = {code.value: code for code in ErrorCode}
        raise Refused(codes.get(error.code, ErrorCode.BAD_REQUEST), error.cause, hint=error.hint) from error
