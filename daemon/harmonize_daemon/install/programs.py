"""Which programs there are plug-ins for."""

from __future__ import annotations

from importlib import import_module

from .common import Program

PROGRAMS = ("gimp", "krita")


def program_for(key: str) -> Program:
    """The program's description; only its own module is imported."""
    program: Program = import_module(f"{__package__}.{key}").PROGRAM
    return program
