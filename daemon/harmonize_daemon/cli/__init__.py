"""The `harmonize` command. Each subcommand is a module here with `add_arguments(parser)` and `run(arguments) -> int`.

Only the module of the subcommand that is asked for is imported: `harmonize daemon run` must answer within 0.2 s.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

from harmonize_client.errors import HarmonizeError, InternalError, OutOfMemory
from harmonize_client.version import __version__
from harmonize_models.errors import ModelError

COMMANDS = {
    "image": "harmonize one composite picture",
    "batch": "harmonize all composites of a folder",
    "daemon": "run, start, stop or ask the daemon",
    "models": "list the networks, import a checkpoint or remove it",
    "install": "install the plug-in into GIMP or Krita",
    "uninstall": "remove the plug-in from GIMP or Krita",
    "doctor": "find out what is wrong, in a text to copy",
    "bench": "measure the speed of one request",
    "train": "train a network",
    "evaluate": "measure how good networks are",
}


class FileTrouble(HarmonizeError):
    """The system could not read or write something, and nobody below knew more to say."""

    default_code = "file_trouble"
    default_hint = "check the path, its permissions and the room on its disk"


class _AskedToEnd(KeyboardInterrupt):
    """By a signal, of that number."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 failed (the cause is on stderr), 2 wrong usage, more than
    128 where a signal ended it."""
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may be no text
    arguments = _parser(words).parse_args(words)
    try:
        with _ending_as_by_ctrl_c():
            status: int = arguments.run(arguments)
        if sys.stdout is not None:  # closed from the beginning
            sys.stdout.flush()  # a reader that has gone away is noticed here, not when nobody catches it any more
    except _AskedToEnd as end:
        return 128 + int(end.args[0])
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `| head` has seen enough. What Python still holds to print must not fail once more at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (HarmonizeError, ModelError) as error:
        return _fail(error)
    except MemoryError:
        return _fail(OutOfMemory("the computer's memory did not suffice", "close other programs"))
    except OSError as error:
        return _fail(FileTrouble(str(error)))
    except Exception as error:  # a defect of ours or of a library
        traceback.print_exc()
        return _fail(InternalError(f"{type(error).__name__}: {error}", "report it, with all that stands above"))
    return status


@contextmanager
def _ending_as_by_ctrl_c() -> Iterator[None]:
    """Whoever stops a render farm's job, or closes a terminal, leaves no half-written files behind either."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # Python has handlers in the main thread alone, and `nohup` has SIGHUP ignored.
    in_main = threading.current_thread() is threading.main_thread()
    caught = [number for number in numbers if in_main and signal.getsignal(number) is signal.SIG_DFL]

    def end(number: int, frame: object) -> None:
        raise _AskedToEnd(number)

    for number in caught:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


class _Parser(argparse.ArgumentParser):
    """Says where help is: not everybody knows what square brackets mean."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Nothing unknown is left for the parser above, whose help does not list the options."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        super().error(f"{message}; see `{self.prog} --help`")


def file(name: str) -> Path:
    """A file, as an option's type. Nothing, which a shell makes of a variable that is not set, would be the current
    folder."""
    if not name:
        raise argparse.ArgumentTypeError("the file's name is empty")
    return Path(name)


def folder(name: str) -> Path:
    """The same of a folder."""
    if not name:
        raise argparse.ArgumentTypeError("the folder's name is empty")
    return Path(name)


def _fail(error: HarmonizeError | ModelError) -> int:
    print(f"harmonize: {error} [{error.code}]", file=sys.stderr)
    return 1


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog="harmonize", description="Makes a pasted layer take on the light and color of its scene.")
    parser.add_argument("--version", action="version", version=f"harmonize {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked_for = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == asked_for:
            module = import_module(f"harmonize_daemon.cli.{name}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return parser
