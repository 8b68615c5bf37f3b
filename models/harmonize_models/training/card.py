"""Model cards: what shipped weights were made of and how good they are, as a page beside the weights."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadSettings
from ..evaluation.contest import Score
from .history import Leg

USE = (
    "Code and weights are the project's own, but most training photos are licensed for research only (below). "
    "Where that matters, train on photos of your own: docs/training.md."
)

OWN = "scenefit"
"""The network that is no paper's."""

_PHOTOS = (
    "Photos are mostly outdoors, with people, cars, buildings and plants; there is little food, indoor light and art. "
    "Masks are objects of at least 0.2 % of the picture."
)
LIMITS = (
    "Minutes of training where the paper used days, and none of its ImageNet start: expect mild corrections that are "
    f"often, not always, for the better (last column). {_PHOTOS}"
)
OWN_LIMITS = (
    "It predicts the mean of what is likely: corrections are often, not always, for the better (last column). Where "
    f"little would change, its guard leaves the picture as it is. {_PHOTOS}"
)


@dataclass(frozen=True)
class DataSource:
    """Photos from one place, under one licence."""

    source: str
    licence: str
    masks: int


def sources_of(manifest: Path) -> list[DataSource]:
    """The sources of the training split of a `manifest.csv` (columns source, licence, split), largest first.

    Raises BadSettings if there is no such file.
    """
    if not manifest.is_file():
        raise BadSettings(
            f"{manifest} does not exist: it tells where the photos are from, which a card must say.",
            "Write it, with the columns key, mask, split, category, source and licence: docs/training.md, Data.",
        )
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = [(row["source"], row["licence"]) for row in csv.DictReader(file) if row["split"] == "train"]
    return [DataSource(source, licence, count) for (source, licence), count in Counter(rows).most_common()]


def card_page(
    key: str,
    title: str,
    paper: str,
    sha256: str,
    legs: Sequence[Leg],
    sources: Sequence[DataSource],
    scores: Sequence[Score],
    cases: Mapping[str, object],
) -> str:
    """The text of `weights/KEY.md`."""
    images, minutes = sum(leg.images for leg in legs), sum(leg.minutes for leg in legs)
    start = legs[0].start if legs else Leg.start
    devices = ", then ".join(dict.fromkeys(leg.device for leg in legs))
    rows = [f"| {s.name} | {s.psnr:.2f} | {s.mse:.1f} | {s.fmse:.1f} | {s.ssim:.4f} | {s.worse:.0%} |" for s in scores]
    lines = [
        f"# {title} (`{key}`)",
        f"{paper if key == OWN else f'After {paper}'}. SHA-256 `{sha256}`.",
        "## Training",
        f"{images:,} composites in {minutes:.0f} minutes on {devices}, from {start}:",
        "\n".join(["```", *(f"{leg.command}  # {leg.facts()}" for leg in legs), "```"]),
        *_recipes(legs),
        "## How good",
        f"On {cases['count']} composites of held-out photos at {cases['side']} px (hash `{cases['digest']}`):",
        "\n".join(["| | PSNR | MSE | fMSE | SSIM | worse than doing nothing |", "|---|---|---|---|---|---|", *rows]),
        "## Limits",
        OWN_LIMITS if key == OWN else LIMITS,
        "## Data and licences",
        USE,
        "\n".join(
            [
                "| source | masks | licence |",
                "|---|---|---|",
                *(f"| {s.source} | {s.masks} | {s.licence} |" for s in sources),
            ]
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _recipes(legs: Sequence[Leg]) -> list[str]:
    """How composites were made, where that is on record: a paragraph for each run that did it in another way."""
    told = [(number, leg.recipe) for number, leg in enumerate(legs, start=1) if leg.recipe]
    changed = [item for before, item in zip([(0, {}), *told], told, strict=False) if item[1] != before[1]]
    return [
        f"Composites from run {number} on (docs/training.md): "
        + ", ".join(f"{name} {value}" for name, value in recipe.items())
        + "."
        for number, recipe in changed
    ]
