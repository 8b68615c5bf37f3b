"""`harmonize bench`: the speed of one request."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize_models.commands import at_least_one, check_writable

from . import file

if TYPE_CHECKING:
    from rich.console import Console

    from harmonize_daemon.bench.inference import Inference
    from harmonize_daemon.bench.requests import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "--network", action="append", metavar="KEY", help="may be given several times (default: the daemon's)"
    )
    parser.add_argument(
        "--inference",
        action="append",
        metavar="KEY",
        help="measure nothing but this network's predictions, beside its own pass; it needs no weights",
    )
    parser.add_argument(
        "--repeats", type=at_least_one, default=5, metavar="N", help="median of N runs (default: %(default)s)"
    )
    parser.add_argument(
        "--threads", type=at_least_one, default=2, metavar="N", help="for `render alone` (default: %(default)s)"
    )
    parser.add_argument("--json", type=file, metavar="FILE", help="also write the figures")


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises HarmonizeError, and OSError where the figures cannot be written."""
    if arguments.json is not None:
        check_writable(arguments.json)
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
    from harmonize_daemon.environment import set_environment

    set_environment()  # what this process computes is to be as fast as in the worker
    from rich.console import Console

    from harmonize_daemon.bench import inference, requests

    console = Console()
    with console.status("measuring") as status:
        if arguments.inference:
            found = [inference.run(key, arguments.repeats) for key in arguments.inference]
            _write(arguments.json, [asdict(one) for one in found])
            for one in found:
                print_inference(one, console)
            return 0
        report = requests.run(
            arguments.network or [""],
            repeats=arguments.repeats,
            threads=arguments.threads,
            progress=lambda text: status.update(f"measuring: {text}"),
        )
    _write(arguments.json, report.to_dict())
    print_report(report, console)
    return 0


def _write(path: Path | None, figures: object) -> None:
    if path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n")


def print_report(report: Report, console: Console) -> None:
    """Show a report as a table a size."""
    from rich.table import Table

    for measurement in report.measurements:
        table = Table(
            "stage",
            title=f"{measurement.megapixels:.0f} megapixels, {measurement.network} on {report.device}",
            title_justify="left",
            box=None,
        )
        table.add_column("ms", justify="right")
        table.add_column("x memcpy", justify="right")
        for stage in measurement.stages:
            table.add_row(stage.name, f"{stage.milliseconds:.1f}", f"{stage.ratio:.1f}")
        console.print(table)
        console.print()
    for inference in report.inferences:
        print_inference(inference, console)
    console.print(f"First answer of a daemon that starts: {report.first_answer_milliseconds:.0f} ms")
    console.print(f"Slowest answer to a second client meanwhile: {report.worst_ping_milliseconds:.1f} ms")
    for name, megabytes in report.peak_megabytes.items():
        console.print(f"Peak memory of the {name}: {megabytes:.0f} MB")


def print_inference(inference: Inference, console: Console) -> None:
    """Show what a prediction takes as a table."""
    from rich.table import Table

    table = Table("inference", title=f"{inference.network} on {inference.device}", title_justify="left", box=None)
    table.add_column("ms", justify="right")
    table.add_column("x plain pass", justify="right")
    for part in inference.parts:
        table.add_row(part.name, f"{part.milliseconds:.1f}", f"{part.ratio:.2f}")
    console.print(table)
    console.print()
