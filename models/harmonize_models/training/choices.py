"""What flags can choose by name, apart from the code that it stands for: `harmonize train --help` needs no torch."""

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
    """Who judges for the adversarial term of the loss (`discriminators.py`)."""

    NONE = "none"
    S2CRNET = "s2crnet"
    """Liang 2021's, which sees a picture alone."""
    PATCH = "patch"
    """Cun & Pun 2020's, which sees it together with its composite."""
