"""Which trainer a network has."""

from __future__ import annotations

from .loop import Trainer
from .scenefit import SceneFitTrainer


def trainer_for(key: str) -> type[Trainer]:
    """SceneFit has its own losses; all others are trained on pictures."""
    return SceneFitTrainer if key == "scenefit" else Trainer
