"""How the commands of this package run: what is wrong is said in words, never in a traceback."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from errno import EACCES, EISDIR, ENOENT, ENOTDIR
from pathlib import Path

from .errors import ModelError


def at_least_one(text: str) -> int:
    """A number of things, as an option's type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return int(text)


def check_writable(file: Path) -> None:
    """Before long work, look whether its result can be written to that file, in a folder that is there or can be made.

    Raises OSError. What comes in between, such as a full disk, nobody can know.
    """
    if file.is_dir():
        raise _refusal(EISDIR, file)
    if file.exists():
        if not os.access(file, os.W_OK):
            raise _refusal(EACCES, file)
        return
    folder = next((place for place in file.absolute().parents if place.exists()), None)
    if folder is None:  # of Windows, a drive that is not there
        raise _refusal(ENOENT, file)
    if not folder.is_dir():
        raise _refusal(ENOTDIR, folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refusal(EACCES, folder)


def _refusal(number: int, file: Path) -> OSError:
    """As the system would say it."""
    return OSError(number, os.strerror(number), str(file))


def carried_out(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, run: Callable[[argparse.Namespace], int]
) -> int:
    """Do what the command line says; returns the exit status. A ModelError ends the process with 2, cause and hint."""
    args = parser.parse_args(argv)
    try:
        return run(args)
    except ModelError as error:
        parser.exit(2, f"{error.cause}\n{error.hint}\n")
