"""`harmonize train`: the training pipeline of `harmonize_models`."""

from harmonize_models.training.cli import add_arguments, run

__all__ = ["add_arguments", "run"]
