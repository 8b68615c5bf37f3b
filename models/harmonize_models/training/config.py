"""Every setting of a training run, and each paper's own as presets."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from enum import Enum
from math import inf
from pathlib import Path
from typing import Any

from ..data.composites import Recipe
from ..errors import BadSettings
from .choices import Discriminator, Optimizer, Schedule
from .losses import LossWeights


@dataclass(frozen=True)
class TrainConfig:
    """One run. Every field is a key of `harmonize train --config`; most are also flags, of the same name."""

    network: str
    steps: int = 200_000
    """Optimizer steps of the whole schedule, unless `minutes` is given."""
    minutes: float | None = None
    """Wall-clock length of the whole schedule over all of its slices; takes the place of `steps`."""
    size: int = 256
    """Side of the training pictures."""
    photo_side: int | None = None
    """Side at which photos are held; by default an eighth more than `size`, so that crops are seldom enlarged."""
    batch: int = 16
    """Pictures per step, over all processes."""
    optimizer: Optimizer = Optimizer.ADAMW
    learning_rate: float = 2e-4
    backbone_rate: float = 1.0
    """Factor on the learning rate of the pretrained parameters that a network names."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Adam's and AdamW's."""
    weight_decay: float = 0.0
    schedule: Schedule = Schedule.CONSTANT
    milestones: tuple[float, ...] = ()
    """Shares of the run at which `Schedule.STEPS` drops the rate to a tenth."""
    warm_up: int = 0
    """Steps in which the rate rises from 0."""
    clip: float = 0.0
    """Largest norm of the gradient; 0 = unbounded."""
    ema: float = 0.999
    """Decay of the moving average of the weights, which is what is validated and shipped; 0 = none."""
    loss: LossWeights = field(default_factory=LossWeights)
    teacher: str = ""
    """Key of a network with shipped weights whose results are the targets, instead of the true photos: they depend on
    nothing that cannot be seen, so that a large network finds its way with far fewer composites. Empty = none."""
    discriminator: Discriminator = Discriminator.NONE
    """What the adversarial term of the loss asks; not used where that term does not count."""
    discriminator_rate: float = 2e-4
    """Its own learning rate, constant."""
    unlabelled: float = 0.25
    """Semantic networks: the share of steps without a label, so that the label stays optional."""
    recipe: Recipe = field(default_factory=Recipe)
    batch_norm: str = ""
    """Train with norms behind the convolutions whose name matches this regular expression, folded into the weights that
    are kept (`networks/folding.py`); empty = none."""
    freeze_norms: str = ""
    """Hold the network's own batch norms at their running statistics: those it starts from, or, where it starts from
    random weights, those of a few batches. Small batches shift colors by what happens to be in them."""
    bf16: bool = True
    """Networks run under bfloat16 autocast; weights and losses stay float32."""
    compile: bool = False
    """Whether `torch.compile` makes the network's code."""
    seed: int = 1
    validate_minutes: float = 4.0
    checkpoint_minutes: float = 3.0
    validation_cases: int = 192
    """Composites of the quick validation while training; `harmonize evaluate` takes them all."""

    def held_side(self) -> int:
        """Side at which photos are held."""
        return self.photo_side or -(-self.size * 9 // 8)

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        values: dict[str, Any] = _plain(asdict(self))
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainConfig:
        """The inverse of `to_json`. Raises BadSettings for keys that do not exist."""
        return override(cls(network=values["network"]), values)


def override(config: TrainConfig, values: dict[str, Any]) -> TrainConfig:
    """`config` with the plain `values` of a file or of flags in place; raises BadSettings for what makes no sense.

    Of the recipe only what is named changes; a loss is given as a whole, because its terms belong together.
    """
    known = {f.name for f in fields(TrainConfig)}
    unknown = set(values) - known
    if unknown:
        raise BadSettings(
            f"There is no setting named {', '.join(sorted(unknown))}.", f"There are {', '.join(sorted(known))}."
        )
    try:
        changed = replace(config, **{name: _typed(config, name, value) for name, value in values.items()})
        _check(changed)
        return changed
    except (TypeError, ValueError, re.error) as error:
        raise BadSettings(f"These settings cannot be taken: {error}.", "See the config.json of a run.") from error


_LOWEST = {
    **dict.fromkeys(("steps", "size", "photo_side", "batch", "validation_cases"), 1),
    **dict.fromkeys(("minutes", "validate_minutes", "checkpoint_minutes", "learning_rate", "backbone_rate"), 0),
    **dict.fromkeys(("discriminator_rate", "weight_decay", "warm_up", "clip", "ema", "unlabelled"), 0),
}
_HIGHEST = {"ema": 1, "unlabelled": 1}


def _check(config: TrainConfig) -> None:
    """Raises ValueError, TypeError or re.error for a setting that no run can have."""
    for name, lowest in _LOWEST.items():
        value, highest = getattr(config, name), _HIGHEST.get(name, inf)
        if value is not None and not lowest <= value <= highest:
            raise ValueError(f"{name} is {value}, not in [{lowest}, {highest}]")
    for pattern in (config.batch_norm, config.freeze_norms):
        re.compile(pattern)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _typed(config: TrainConfig, name: str, value: Any) -> Any:
    enums = {"optimizer": Optimizer, "schedule": Schedule, "discriminator": Discriminator}
    if name in enums:
        return enums[name](value)
    if name == "loss" and isinstance(value, dict):
        return LossWeights(**value)
    if name == "recipe" and isinstance(value, dict):
        settings: dict[str, Any] = {k: tuple(item) if isinstance(item, list) else item for k, item in value.items()}
        return replace(config.recipe, **settings)
    return tuple(value) if isinstance(value, list) else value


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a small JSON file. Raises BadSettings."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path} cannot be read: {error}.", "Name a JSON file of settings.") from error
    if not isinstance(values, dict):
        raise BadSettings(f"{path} is not a JSON object of settings.", "See the config.json of a run.")
    return values


MAY_CHANGE = ("steps", "minutes", "validate_minutes", "checkpoint_minutes", "validation_cases")
"""What may differ when a run goes on: its length, and how often it is looked at."""


def refuse_another_run(folder: Path, config: TrainConfig) -> None:
    """Raises BadSettings if the run in `folder` was begun with other settings; keys that it did not store are free."""
    if not (folder / "checkpoint.pt").is_file() or not (folder / "config.json").is_file():
        return
    stored, wanted = _flat(read_config(folder / "config.json")), _flat(config.to_json())
    other = [name for name in wanted if name in stored and stored[name] != wanted[name] and name not in MAY_CHANGE]
    if other:
        differences = ", ".join(f"{name} {stored[name]!r} and not {wanted[name]!r}" for name in other)
        raise BadSettings(
            f"{folder} holds a run with other settings: {differences}.",
            "Give its own settings to go on with it, or another --output (with --init its checkpoint.pt).",
        )


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """Settings by their names, those of the recipe and the loss too."""
    inner = {
        f"{name}.{key}": item
        for name, value in values.items()
        if isinstance(value, dict)
        for key, item in value.items()
    }
    return {**{name: value for name, value in values.items() if not isinstance(value, dict)}, **inner}


def preset(network: str) -> TrainConfig:
    """The authors' own settings (an epoch is iHarmony4's 65,742 composites), or general ones.

    Where a paper's text and the code published with it differ, these are the code's: comments in `_PRESETS` say what
    the text has. Ours for all of them are how composites are cropped, flipped and masked (`Recipe`), the moving average
    (`ema`), bfloat16 (`bf16`) and, for semantic networks, the steps without a label (`unlabelled`).
    """
    start = TrainConfig(network=network)
    family = next((family for family in _PRESETS if network.startswith(family)), None)
    return replace(start, **_PRESETS[family]) if family else replace(start, loss=LossWeights(relative_l1=1, rmse=1))


def _epochs(count: int, batch: int) -> int:
    return count * 65_742 // batch


# Text of Sofiiuk 2021: 180 epochs for all, with drops at 160 and 175, and an A_min of 100 for all.
_DIH = {
    "optimizer": Optimizer.ADAM,
    "learning_rate": 1e-3,
    "batch": 16,
    "steps": _epochs(120, 16),
    "schedule": Schedule.STEPS,
    "milestones": (105 / 120, 115 / 120),
}
_BACKBONED = {**_DIH, "steps": _epochs(180, 16), "milestones": (160 / 180, 175 / 180), "backbone_rate": 0.1}

_PRESETS: dict[str, dict[str, Any]] = {
    # Longest names first: the first that a key starts with is taken.
    "s2crnet": {
        "optimizer": Optimizer.ADAMW,
        "learning_rate": 2e-4,
        "weight_decay": 0.01,
        "batch": 8,
        "steps": _epochs(50, 8),
        "loss": LossWeights(relative_l1=1, adversarial=0.01),  # text: 20 epochs, and a weight of 1 for both terms
        "discriminator": Discriminator.S2CRNET,
    },
    "s2am-blind": {
        "optimizer": Optimizer.ADAM,
        "learning_rate": 1e-3,
        "betas": (0.5, 0.999),
        "batch": 8,
        "steps": _epochs(60, 8),
        # Theirs is 100 for pictures in [-1, 1]. Text: the squared difference in its place (equation 3).
        "loss": LossWeights(l1=200, found_masks=90, adversarial=1),
        "discriminator": Discriminator.PATCH,
        "discriminator_rate": 1e-3,
    },
    "s2am": {  # text: 80 epochs of S-COCO, 60 of S-Adobe5K
        "optimizer": Optimizer.ADAM,
        "learning_rate": 1e-3,
        "batch": 8,
        "steps": _epochs(60, 8),
        "loss": LossWeights(l2=1),
    },
    "idih-se": {**_DIH, "loss": LossWeights(fn_mse=1, least_area=100)},
    "idih-": {**_BACKBONED, "loss": LossWeights(fn_mse=1, least_area=100)},
    "idih": {**_DIH, "loss": LossWeights(fn_mse=1, least_area=100)},
    "issam-": {**_BACKBONED, "loss": LossWeights(fn_mse=1, least_area=100)},
    "issam": {**_DIH, "loss": LossWeights(fn_mse=1, least_area=1000)},
    "dih": {**_DIH, "loss": LossWeights(l2=1)},
    "ssam": {**_DIH, "loss": LossWeights(l2=1)},
    "fbfmm": {
        "optimizer": Optimizer.ADADELTA,
        "learning_rate": 1.0,
        "batch": 24,
        "steps": _epochs(230, 24),
        "loss": LossWeights(l2=1),
    },
    "scenefit": {  # its losses are its own (`scenefit.py`)
        "optimizer": Optimizer.ADAMW,
        "learning_rate": 1e-3,
        "betas": (0.9, 0.99),
        "weight_decay": 0.02,
        "batch": 32,
        "size": 192,
        "steps": 400_000,
        "recipe": Recipe(graded_share=0.5, scene_share=0.15, pasted_share=0.15, reversed_share=0.2, crop=(0.35, 1.0)),
        "schedule": Schedule.COSINE,
        "warm_up": 200,
        "clip": 1.0,
        "ema": 0.998,
    },
    "gknet": {
        "optimizer": Optimizer.ADAM,
        "learning_rate": 1e-4,
        "batch": 16,
        "steps": _epochs(120, 16),
        "loss": LossWeights(fn_mse=1, least_area=100),
    },
}
