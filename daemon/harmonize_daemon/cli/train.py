"""`harmonize train`: the training pipeline of `harmonize_models`."""

from __future__ import annotations

import argparse

from harmonize_models.training.arguments import add_arguments

__all__ = ["add_arguments", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises ModelError."""
    from harmonize_models.training.cli import run

    return run(arguments)
