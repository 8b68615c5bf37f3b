"""The `harmonize` command. Each subcommand is a module here with `add_arguments(parser)` and `run(arguments) -> int`.

Only the module of the subcommand that is asked for is imported: `harmonize daemon run` must answer within 0.2 s.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from harmonize_client.errors import HarmonizeError
from harmonize_client.version import __version__
from harmonize_models.errors import ModelError

COMMANDS = {
    "image": "harmonize one composite picture",
    "batch": "harmonize all composites of a folder",
    "daemon": "run, start, stop or ask the daemon",
    "models": "list the networks, import a checkpoint",
    "install": "install the plug-in into GIMP or Krita",
    "uninstall": "remove the plug-in from GIMP or Krita",
    "doctor": "find out what is wrong, in a text to copy",
    "bench": "measure the speed of one request",
    "train": "train a network",
    "evaluate": "measure how good networks are",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 failed (the cause is on stderr), 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may be no text
    arguments = _parser(words).parse_args(words)
    try:
        status: int = arguments.run(arguments)
    except (HarmonizeError, ModelError) as error:
        print(f"harmonize: {error} [{error.code}]", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harmonize", description="Makes a pasted layer take on the light and color of its scene."
    )
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
