"""`harmonize evaluate`: the evaluation of `harmonize_models`."""

from harmonize_models.evaluation.cli import add_arguments, run

__all__ = ["add_arguments", "run"]
