"""`harmonize install gimp|krita` and `harmonize uninstall gimp|krita`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

from ..cli import folder
from . import common
from .common import InstallError, Location, Program, System

PROGRAMS = ("gimp", "krita")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options, which both commands have."""
    parser.add_argument("program", choices=PROGRAMS, help="the program whose plug-in is meant")
    parser.add_argument(
        "--folder",
        type=folder,
        metavar="FOLDER",
        help="the program's plug-ins folder, instead of all that are found",
    )


def run_install(arguments: argparse.Namespace) -> int:
    """Install into every location; the exit status. Raises InstallError when no location took it."""
    return _for_each(arguments, _install)


def run_uninstall(arguments: argparse.Namespace) -> int:
    """Remove from every location; the exit status. Raises InstallError when none could be cleared."""
    return _for_each(arguments, _uninstall)


def program_for(key: str) -> Program:
    """The program's description; only its own module is imported."""
    program: Program = import_module(f"{__package__}.{key}").PROGRAM
    return program


def _install(program: Program, location: Location) -> bool:
    print(f"Installed for {location.title}: {common.install(program, location, common.own_command())}")
    return True


def _uninstall(program: Program, location: Location) -> bool:
    removed = common.uninstall(program, location)
    print(f"Removed from {location.title}: {removed}" if removed else f"{location.title}: not installed")
    return removed is not None


def _for_each(arguments: argparse.Namespace, act: Callable[[Program, Location], bool]) -> int:
    """Print what `act` did for each location; it says whether that changed anything."""
    program = program_for(arguments.program)
    named = arguments.folder
    locations = [Location(named.absolute(), program.title)] if named else list(program.find(System()))
    if not locations:
        raise InstallError(f"no configuration folder of {program.title} was found", program.none_found)
    failures: list[InstallError] = []
    changed = False
    for location in locations:
        try:
            changed |= act(program, location)
        except InstallError as error:
            # One version's folder being in the way is no reason to leave the others without the plug-in.
            print(f"Not done for {location.title}: {error}")
            failures.append(error)
    if len(failures) == len(locations):
        raise failures[0]
    if changed:
        print(f"Restart {program.title} if it is running.")
    return 1 if failures else 0
