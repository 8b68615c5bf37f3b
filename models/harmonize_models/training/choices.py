"""What can be chosen by name, apart from what it stands for: `harmonize train --help` is to need no torch."""

from __future__ import annotations

from enum import Enum


class Optimizer(Enum):
    """The optimizers that the papers use."""

    ADAM = "adam"
    ADAMW = "adamw"
    ADADELTA = "adadelta"


class Schedule(Enum):
    """How the learning rate falls over the run."""

    CONSTANT = "constant"
    COSINE = "cosine"
    LINEAR = "linear"
    STEPS = "steps"
    """A tenth at each of `milestones`."""


class Discriminator(Enum):
    """Which one a preset uses."""

    NONE = "none"
    S2CRNET = "s2crnet"
    PATCH = "patch"
