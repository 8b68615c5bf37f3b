"""`harmonize batch`: all composites of a folder, with masks beside them or in another folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harmonize_client.errors import BadRequest
from harmonize_models.commands import at_least_one

from ..quiet import quiet_libraries
from . import folder
from .image import add_request_arguments, settings_of

if TYPE_CHECKING:
    from ..batch import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "folder", type=folder, metavar="FOLDER", help="composites, flat or with layers, in folders of any depth"
    )
    parser.add_argument(
        "--masks", type=folder, metavar="FOLDER", help="masks of the same names (default: NAME.mask.png beside NAME.*)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=folder,
        required=True,
        metavar="FOLDER",
        help="results go there, under their own names; harmonize.jsonl there tells what became of each, and what is "
        "done is not done again",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--jobs", type=at_least_one, default=2, metavar="N", help="pictures at a time (default 2)")
    parser.add_argument(
        "--share", default="1/1", metavar="K/N", help="do the K-th of N parts: one for each of several machines"
    )
    add_request_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do it; 1 if any picture could not be done, or a folder not be read. Raises HarmonizeError."""
    quiet_libraries()
    settings = settings_of(arguments)
    from .. import batch
    from ..outline import in_one_line

    try:
        share = batch.Share.parse(arguments.share)
    except ValueError as error:
        raise BadRequest(f"--share {arguments.share} is no part of a whole", "write it like 2/5") from error
    plan = batch.plan(arguments.folder, arguments.masks, arguments.output, settings, share)
    if arguments.dry_run:
        for item in plan.items:
            print(in_one_line(f"{item.name}  ({item.request.mask or 'layers'})"))
    if not arguments.quiet:
        print(in_one_line(_summary(plan)))
    for name in plan.closed:
        print(f"{in_one_line(name)}: the folder cannot be read: check its permissions.", file=sys.stderr)
    failed = False if arguments.dry_run else _carry_out(plan, arguments)
    # Asked at the end: the other machines may have begun after this one.
    if mixed := batch.made_otherwise(arguments.output, settings, share):
        what = f"{len(mixed)} pictures of other parts were made with other settings ({_few(mixed)})"
        print(in_one_line(f"{what}: give all machines the same ones."), file=sys.stderr)
    return 1 if failed or plan.closed else 0


def _carry_out(plan: Plan, arguments: argparse.Namespace) -> bool:
    """Whether any picture failed."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from .. import batch
    from ..outline import in_one_line

    done = 0
    failed: list[batch.Outcome] = []
    errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=arguments.quiet or not errors.is_terminal) as bar:
        task = bar.add_task("", total=len(plan.items))

        def report(outcome: batch.Outcome) -> None:
            nonlocal done
            if outcome.error:
                failed.append(outcome)
                errors.print(in_one_line(f"{outcome.name}: {outcome.error} [{outcome.code}]"))
            else:
                done += 1
            bar.advance(task)

        try:
            batch.run(plan.items, arguments.output, arguments.jobs, report)
        except KeyboardInterrupt:
            left = len(plan.items) - done - len(failed)
            errors.print(f"Interrupted: {done} done, {len(failed)} failed, {left} left; the same command goes on here.")
            raise
    if not arguments.quiet:
        print(f"{done} done, {len(failed)} failed: {arguments.output / batch.RECORDS}")
    return bool(failed)


def _summary(plan: Plan) -> str:
    parts = [f"{len(plan.items)} to do"]
    if plan.done:
        parts.append(f"{len(plan.done)} done already")
    if plan.replaced:
        parts.append(f"{len(plan.replaced)} to replace earlier results ({_few(plan.replaced)})")
    if plan.without_mask:
        parts.append(f"{len(plan.without_mask)} without a mask ({_few(plan.without_mask)})")
    return ", ".join(parts)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
