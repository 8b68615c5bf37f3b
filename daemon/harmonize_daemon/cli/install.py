"""`harmonize install gimp|krita`."""

from __future__ import annotations

import argparse

from ..install.command import add_arguments, run_install

__all__ = ["add_arguments", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Do it, and save the first picture from waiting for compilers. Raises InstallError."""
    from harmonize_daemon.worker.warming import compile_kernels

    status = run_install(arguments)
    compile_kernels()
    return status
