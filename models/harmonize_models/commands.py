"""How the commands of this package run: what went wrong is said in words, never in a traceback."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from .errors import ModelError


def carried_out(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, run: Callable[[argparse.Namespace], int]
) -> int:
    """Do what the command line says; returns the exit status. A ModelError ends the process with 2, cause and hint."""
    args = parser.parse_args(argv)
    try:
        return run(args)
    except ModelError as error:
        parser.exit(2, f"{error.cause}\n{error.hint}\n")
