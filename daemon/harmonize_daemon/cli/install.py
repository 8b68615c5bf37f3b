"""`harmonize install gimp|krita`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ..install import common
from ..install.common import InstallError, Location, Program, System
from ..install.programs import PROGRAMS, program_for
from . import folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options, which `harmonize uninstall` has as well."""
    parser.add_argument("program", choices=PROGRAMS, help="the program whose plug-in is meant")
    parser.add_argument(
        "--folder",
        type=folder,
        metavar="FOLDER",
        help="the program's plug-ins folder, instead of all that are found",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it, and save the first picture from waiting for compilers. Raises InstallError when no location took it."""
    from harmonize_daemon.worker.warming import compile_kernels

    status = for_each_location(arguments, _install)
    compile_kernels()
    return status


def for_each_location(arguments: argparse.Namespace, act: Callable[[Program, Location], bool]) -> int:
    """The exit status. `act` does what is asked for, prints what it did, and says whether that changed anything.

    Raises InstallError when it did nothing for any location.
    """
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


def _install(program: Program, location: Location) -> bool:
    print(f"Installed for {location.title}: {common.install(program, location, common.own_command())}")
    return True
