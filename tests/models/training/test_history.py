"""The record of runs."""

from __future__ import annotations

from harmonize_models.training.history import command_line


def test_the_command_can_be_given_elsewhere() -> None:
    given = ["train", "idih", "--data", "/mnt/photos/data", "--output", "runs/a", "--batch-norm", r"\.squeeze$"]
    assert command_line(given) == r"harmonize train idih --data data --output runs/a --batch-norm '\.squeeze$'"


def test_several_processes_are_started_as_such() -> None:
    command = command_line(["idih", "--batch", "66"], processes=2)
    assert command == "torchrun --nproc-per-node 2 -m harmonize_models.training idih --batch 66"
