"""A progress bar for people who watch; logs get the lines of each validation only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .loop import Trainer

EVERY = 1.0
"""Seconds between looks at the loss, which on a GPU waits for it."""


@contextmanager
def progress_bar(trainer: Trainer) -> Iterator[None]:
    """Show share done, images/s, loss and the best PSNR so far while `trainer` runs; nothing if nobody watches."""
    console = Console(stderr=True)
    if not console.is_terminal or not trainer.worker.leads:
        yield
        return
    text = TextColumn(
        "{task.fields[rate]:.1f} images/s  loss {task.fields[loss]:.4f}  best psnr {task.fields[psnr]:.2f}"
    )
    with Progress(BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), text, console=console) as bar:
        task = bar.add_task("", total=1.0, rate=0.0, loss=0.0, psnr=0.0)
        seen = (time.monotonic(), trainer.progress.step)

        def look(running: Trainer) -> None:
            nonlocal seen
            now, step = time.monotonic(), running.progress.step
            if now - seen[0] < EVERY:
                return
            rate = (step - seen[1]) * running.config.batch / (now - seen[0])
            seen = (now, step)
            psnr = running.progress.best_psnr
            bar.update(task, completed=running.share(), rate=rate, loss=running.mean_loss(), psnr=psnr)

        trainer.watch = look
        yield
