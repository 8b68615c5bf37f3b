"""How the commands of this package run: what is wrong is said in words, never in a traceback."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from .errors import ModelError


def at_least_one(text: str) -> int:
    """A number of things, as an option's type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return int(text)


def carried_out(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, run: Callable[[argparse.Namespace], int]
) -> int:
    """Do what the command line says; returns the exit status. A ModelError ends the process with 2, cause and hint."""
    args = parser.parse_args(argv)
    try:
        return run(args)
    except ModelError as error:
        parser.exit(2, f"{error.cause}\n{error.hint}\n")
