"""`harmonize uninstall gimp|krita`."""

from __future__ import annotations

import argparse

from ..install import common
from ..install.common import Location, Program
from .install import add_arguments, for_each_location

__all__ = ["add_arguments", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Remove from every location. Raises InstallError when none could be cleared."""
    return for_each_location(arguments, _uninstall)


def _uninstall(program: Program, location: Location) -> bool:
    removed = common.uninstall(program, location)
    print(f"Removed from {location.title}: {removed}" if removed else f"{location.title}: not installed")
    return removed is not None
