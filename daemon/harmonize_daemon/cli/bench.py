"""`harmonize bench`: the speed of one request."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ..bench import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "--network", action="append", metavar="KEY", help="may be given several times (default: the daemon's)"
    )
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="median of N runs (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="for `render alone` (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures")


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises HarmonizeError."""
    from rich.console import Console

    from .. import bench

    console = Console()
    with console.status("measuring") as status:
        report = bench.run(
            arguments.network or [""],
            repeats=arguments.repeats,
            threads=arguments.threads,
            progress=lambda text: status.update(f"measuring: {text}"),
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(report.to_dict(), indent=1) + "\n")
    print_report(report, console)
    return 0


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
    console.print(f"First answer of a daemon that starts: {report.first_answer_milliseconds:.0f} ms")
    console.print(f"Slowest answer to a second client meanwhile: {report.worst_ping_milliseconds:.1f} ms")
    for name, megabytes in report.peak_megabytes.items():
        console.print(f"Peak memory of the {name}: {megabytes:.0f} MB")
