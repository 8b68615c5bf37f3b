"""The training loop: batches, losses, validation, checkpoints; resumes exactly where it stopped."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from ..checkpoints import load, shipped
from ..data.composites import Batch, CompositeMaker, seeded
from ..errors import BadSettings
from ..evaluation.cases import Cases
from ..evaluation.metrics import Metrics, measure
from ..evaluation.sheets import write_sheet
from ..networks.base import HarmonizationNetwork, Prediction
from ..networks.folding import folded, freeze_norms
from ..weight_files import save_weights
from .checkpoint import load_checkpoint, save_checkpoint
from .choices import Discriminator
from .config import TrainConfig, refuse_another_run
from .discriminators import build_discriminator, judge
from .distributed import Worker, unwrapped
from .losses import discriminator_loss, generator_loss, pixel_loss
from .optim import MovingAverage, build_adversary_optimizer, build_optimizer, rate_factor, set_rate
from .report import LogRow, append_row, draw_curve, drop_rows_after

Report = Callable[[str], None]


@dataclass
class Progress:
    """How far a run has come; stored in the checkpoint."""

    step: int = 0
    seconds: float = 0.0
    best_psnr: float = 0.0


class Trainer:
    """One run in one folder: `checkpoint.pt`, `best.safetensors`, `config.json`, `log.csv`, `curve.png`, `sheets/`."""

    def __init__(
        self,
        config: TrainConfig,
        network: HarmonizationNetwork,
        maker: CompositeMaker,
        validation: Cases,
        folder: Path,
        worker: Worker,
        semantic: bool = False,
        report: Report = print,
    ) -> None:
        """validation: the composites to measure on. semantic: whether the network has heads for a foreground class.

        report: gets a line for people at each validation.
        """
        self.config, self.maker, self.folder, self.worker, self.report = config, maker, folder, worker, report
        device = worker.device
        self.network = network.to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # Of a semantic network a step uses either the heads with a label or those without.
        runner: nn.Module = worker.wrap(self.network, may_skip_parameters=semantic)
        self.run_network: nn.Module = torch.compile(runner) if config.compile else runner  # type: ignore[assignment]
        self.optimizer = build_optimizer(self.network, config)
        self.teacher = load(config.teacher, device) if config.teacher else None
        self.average = MovingAverage(self.network, config.ema)
        adversary = build_discriminator(config.discriminator if config.loss.adversarial else Discriminator.NONE)
        self.adversary = worker.wrap(adversary.to(device)) if adversary is not None else None
        self.adversary_optimizer = (
            build_adversary_optimizer(self.adversary, config) if self.adversary is not None else None
        )
        self.progress = Progress()
        self.validation = validation
        self.untouched = self._measure(lambda batch: batch.composite)
        self.losses = torch.zeros((), device=device)
        self.counted = 0
        self.stopping = False
        self.watch: Callable[[Trainer], None] | None = None
        """Called after each step, for progress bars."""
        self._last: tuple[int, float] = (0, 0.0)

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Raises a ModelError, before anything is loaded, if such a run cannot be."""
        if config.teacher and config.teacher not in {weights.key for weights in shipped()}:
            raise BadSettings(f"No weights of {config.teacher} are shipped.", "Name another --teacher.")

    # -- running ----------------------------------------------------------------------------------------------------

    def run(self, slice_minutes: float | None = None) -> Progress:
        """Train to the end of the schedule, or for `slice_minutes`; a signal to stop saves and returns as well."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.worker.leads:
            text = json.dumps(self.config.to_json(), indent=2)
            (self.folder / "config.json").write_text(text + "\n", encoding="utf-8")
        previous = [signal.signal(s, self._stop) for s in (signal.SIGTERM, signal.SIGINT)]
        began = clock = time.monotonic()
        self._last = (self.progress.step, self.progress.seconds)
        validated = saved = self.progress.seconds
        try:
            while self.share() < 1:
                self.train_step()
                now = time.monotonic()
                seconds, sliced, stopping = self.worker.agree(
                    self.progress.seconds + now - clock, now - began, float(self.stopping)
                )
                self.progress.seconds, clock = seconds, now
                if self.watch is not None:
                    self.watch(self)
                if self.progress.seconds - validated >= 60 * self.config.validate_minutes:
                    self.validate()
                    validated = self.progress.seconds
                if self.progress.seconds - saved >= 60 * self.config.checkpoint_minutes:
                    self.save()
                    saved = self.progress.seconds
                if stopping or (slice_minutes is not None and sliced >= 60 * slice_minutes):
                    break
            if self.progress.step > self._last[0]:
                self.validate()
            self.save()
        finally:
            for number, handler in zip((signal.SIGTERM, signal.SIGINT), previous, strict=True):
                signal.signal(number, handler)
        return self.progress

    def train_step(self) -> None:
        """One optimizer step; the batch depends on seed, step and rank alone."""
        config, step = self.config, self.progress.step
        generator = seeded(config.seed, step, self.worker.rank)
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        batch = self.maker.batch(-(-config.batch // self.worker.world), config.size, generator)
        if self.teacher is not None:
            batch = replace(batch, target=self._taught(batch))
        labelled = torch.rand((), generator=seeded(config.seed, step)) >= config.unlabelled
        set_rate(self.optimizer, config.learning_rate * rate_factor(config, step, self.share()))
        self.run_network.train()
        if config.freeze_norms:
            freeze_norms(self.network, config.freeze_norms)
        loss, harmonized = self.loss(batch, bool(labelled))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if config.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        self.optimizer.step()
        self.average.update(self.network, step)
        if self.adversary is not None and harmonized is not None:
            self._teach_adversary(harmonized.detach(), batch)
        self.losses += loss.detach()
        self.counted += 1
        self.progress.step += 1

    def loss(self, batch: Batch, labelled: bool) -> tuple[Tensor, Tensor | None]:
        """What a step minimizes, and the network's pictures for the adversary (None: it has nothing to judge)."""
        with self._autocast():
            prediction: Prediction = self.run_network(batch.composite, batch.mask, batch.label if labelled else None)
        loss = pixel_loss(self.config.loss, prediction, batch.target, batch.mask)
        if self.adversary is not None:
            loss = loss + self.config.loss.adversarial * self._deceive(prediction.harmonized, batch)
        return loss, prediction.harmonized

    @torch.no_grad()
    def _taught(self, batch: Batch) -> Tensor:
        """What the teacher makes of the batch."""
        assert self.teacher is not None
        with self._autocast():
            prediction: Prediction = self.teacher(batch.composite, batch.mask, None)
        return prediction.harmonized.float().clamp(0, 1)

    def _deceive(self, harmonized: Tensor, batch: Batch) -> Tensor:
        assert self.adversary is not None
        self.adversary.requires_grad_(False)
        with self._autocast():
            verdict = judge(self.adversary, harmonized, batch.composite)
        self.adversary.requires_grad_(True)
        return generator_loss(verdict)

    def _teach_adversary(self, harmonized: Tensor, batch: Batch) -> None:
        assert self.adversary is not None
        assert self.adversary_optimizer is not None
        with self._autocast():
            on_real = judge(self.adversary, batch.target, batch.composite)
            on_predicted = judge(self.adversary, harmonized, batch.composite)
        self.adversary_optimizer.zero_grad(set_to_none=True)
        discriminator_loss(on_real, on_predicted).backward()  # type: ignore[no-untyped-call]
        self.adversary_optimizer.step()

    def share(self) -> float:
        """How much of the schedule is done; 1 = all."""
        minutes = self.config.minutes
        return self.progress.seconds / (60 * minutes) if minutes else self.progress.step / self.config.steps

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.worker.device.type, torch.bfloat16, enabled=self.config.bf16)

    # -- validating -------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _measure(self, harmonize: Callable[[Batch], Tensor]) -> Metrics:
        batches = self.validation.batches(16, self.worker.device)
        return Metrics.concatenate([measure(harmonize(batch), batch.target, batch.mask) for batch in batches])

    @torch.no_grad()
    def validate(self) -> LogRow | None:
        """Measure the averaged weights, log, draw; keep them as `best.safetensors` if they are the best so far."""
        if not self.worker.leads:
            return None
        own = {name: value.clone() for name, value in self.network.state_dict().items()}
        if self.config.ema:
            self.network.load_state_dict(self.average.state)
        self.network.eval()
        pictures: list[Tensor] = []

        def harmonize(batch: Batch) -> Tensor:
            with self._autocast():
                pictures.append(self.network(batch.composite, batch.mask, batch.label).harmonized.float())
            return pictures[-1]

        found = self._measure(harmonize)
        row = self._row(found)
        if row.psnr > self.progress.best_psnr:
            self.progress.best_psnr = row.psnr
            save_weights(self.folder / "best.safetensors", folded(self.network.state_dict()))
        self.network.load_state_dict(own)
        append_row(self.folder / "log.csv", row)
        draw_curve(self.folder / "log.csv", self.folder / "curve.png")
        first = next(self.validation.batches(8, self.worker.device))
        columns = [first.composite, first.mask, pictures[0][:8], first.target]
        write_sheet(self.folder / "sheets" / f"{row.step:07d}.png", columns)
        self.report(
            f"step {row.step}  {row.images_per_second:.1f} images/s  loss {row.loss:.4f}  psnr {row.psnr:.2f} "
            f"(untouched {row.composite_psnr:.2f})  fmse {row.fmse:.0f}  worse {row.worse:.0%}"
        )
        return row

    def mean_loss(self) -> float:
        """The mean since the last validation."""
        return float(self.losses) / max(self.counted, 1)

    def _row(self, found: Metrics) -> LogRow:
        means, progress = found.means(), self.progress
        step, seconds = self._last
        rate = (progress.step - step) * self.config.batch / max(progress.seconds - seconds, 1e-6)
        self._last = (progress.step, progress.seconds)
        loss = self.mean_loss()
        self.losses.zero_()
        self.counted = 0
        return LogRow(
            step=progress.step,
            seconds=progress.seconds,
            images=progress.step * self.config.batch,
            images_per_second=rate,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            loss=loss,
            psnr=means["psnr"],
            mse=means["mse"],
            fmse=means["fmse"],
            ssim=means["ssim"],
            worse=found.worse_than(self.untouched),
            composite_psnr=self.untouched.means()["psnr"],
        )

    # -- resuming ---------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write `checkpoint.pt`: all that an exact resume needs."""
        if not self.worker.leads:
            return
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.state,
            "optimizer": self.optimizer.state_dict(),
            "progress": vars(self.progress),
            "config": self.config.to_json(),
        }
        if self.adversary is not None and self.adversary_optimizer is not None:
            state["adversary"] = unwrapped(self.adversary).state_dict()
            state["adversary_optimizer"] = self.adversary_optimizer.state_dict()
        save_checkpoint(self.folder / "checkpoint.pt", state)

    def resume(self) -> bool:
        """Take up the checkpoint in the folder; False if there is none. Raises BadSettings if it is another run's."""
        refuse_another_run(self.folder, self.config)
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return False
        state = load_checkpoint(path, self.worker.device)
        self.network.load_state_dict(state["network"])
        self.average.state = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        if self.adversary is not None and self.adversary_optimizer is not None and "adversary" in state:
            unwrapped(self.adversary).load_state_dict(state["adversary"])
            self.adversary_optimizer.load_state_dict(state["adversary_optimizer"])
        if self.worker.leads:
            drop_rows_after(self.folder / "log.csv", self.progress.step)
        return True
