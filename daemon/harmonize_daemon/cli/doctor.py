"""`harmonize doctor`: what is here, what works and what does not, as text to paste into a bug report."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options."""


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; 0 if nothing is wrong."""
    from ..doctor import examine

    fine = True
    for finding in examine():
        print(f"{'ok  ' if finding.fine else 'FAIL'}  {finding.subject}: {finding.detail}", flush=True)
        fine = fine and finding.fine
    return 0 if fine else 1
