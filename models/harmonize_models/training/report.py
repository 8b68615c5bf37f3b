"""What a run leaves for people, besides sheets (`evaluation.sheets`): a CSV log and a learning curve."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class LogRow:
    """One line of `log.csv`, written at each validation."""

    step: int
    seconds: float
    images: int
    images_per_second: float
    learning_rate: float
    loss: float
    psnr: float
    mse: float
    fmse: float
    ssim: float
    worse: float
    """Share of the composites that came out worse (fMSE) than they were."""
    composite_psnr: float
    """The untouched composites', to compare with."""


def append_row(path: Path, row: LogRow) -> None:
    """Add a line; the first one writes the header."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(LogRow)])
        if new:
            writer.writeheader()
        values = asdict(row).items()
        writer.writerow({name: value if isinstance(value, int) else f"{value:.6g}" for name, value in values})


def drop_rows_after(path: Path, step: int) -> None:
    """Forget lines later than the checkpoint that a run resumes from, so that no step is logged twice."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = [row for row in rows if float(row["step"]) <= step]
    if len(kept) != len(rows):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [f.name for f in fields(LogRow)])
            writer.writeheader()
            writer.writerows(kept)


def draw_curve(log: Path, picture: Path) -> None:
    """Draw loss and validation PSNR over the images seen, if matplotlib is installed (extra `train`)."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    images = [float(row["images"]) / 1000 for row in rows]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.add_subplot(xlabel="thousand composites", ylabel="validation PSNR, dB")
    left.plot(images, [float(row["psnr"]) for row in rows], color="C0", label="network")
    left.plot(images, [float(row["composite_psnr"]) for row in rows], color="C0", linestyle=":", label="untouched")
    right = left.twinx()
    right.set_ylabel("training loss")
    right.plot(images, [float(row["loss"]) for row in rows], color="C1", alpha=0.6)
    left.legend(loc="lower right")
    figure.savefig(picture, dpi=100)
