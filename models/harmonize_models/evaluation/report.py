"""The results page: one table of everyone, and how to make it again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..data.composites import KINDS
from .contest import Score
from .cost import Cost

MADE_HERE = """Every row harmonizes the same composites at {side} x {side} pixels: {count} composites made of the masks of {photos} held-out
photos, fixed by a seed (hash `{digest}`). The photos were never trained on. None of the composites needs no change:
what is measured is harmonization alone.
SceneFit's guard, and which weights of a run are kept, were chosen on part of these composites: differences of a tenth of a decibel mean little.
"""  # noqa: E501
READY_MADE = """Every row harmonizes the same composites at {side} x {side} pixels: {count} composites that came with the data, of {photos} photos (hash
`{digest}`). Pictures are scaled with antialiasing; the papers' evaluation scales them without, so that figures differ a little.
"""  # noqa: E501
COLUMNS = """* **PSNR**, **MSE** over the whole picture, **fMSE** within the mask, as the field's shared evaluation code has them: not
  rounded to 8 bits, PSNR against the target's own maximum; **PSNR 255** has the usual peak. **SSIM** with a Gaussian
  window.
* **worse**: the share of composites whose foreground came out further from the target than it was.
* **through the adjustment**: rendered the way the product renders full-size layers (curves and color grid, 8 bits), so
  that the cost of that step is known. Rows without it are the network's own output picture.
* **oracles** know the target: the best that one curve per channel, one affine map of the colors, or a color grid could do."""  # noqa: E501
INCOMPARABLE = """* These figures do not compare with the papers' on iHarmony4: other photos, other composites, and far less training."""  # noqa: E501


def results_page(
    scores: Sequence[Score], costs: Mapping[str, Cost], cases: Mapping[str, object], command: str, machine: str
) -> str:
    """The text of `docs/results.md`. cases: values for `side`, `count`, `photos`, `digest`."""
    quality = [
        "| | PSNR ↑ | PSNR 255 ↑ | MSE ↓ | fMSE ↓ | SSIM ↑ | worse ↓ | fMSE 0–5 % | 5–15 % | 15–100 % |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(score) for score in scores),
    ]
    made_here = any(not math.isnan(value) for value in scores[0].fmse_by_kind)
    introduction = MADE_HERE if made_here else READY_MADE
    lines = ["# Results", "", introduction.format(**cases), COLUMNS, *[INCOMPARABLE] * made_here, "", *quality, ""]
    lines += _by_kind(scores)
    if costs:
        lines += [
            f"Cost of one thumbnail at the size that each network asks for, the fastest of 20 on {machine}:",
            "",
            "| | side | parameters | GMAC | ms |",
            "|---|---|---|---|---|",
            *(f"| {k} | {c.side} | {c.parameters:,} | {c.gmac:.2f} | {c.milliseconds:.1f} |" for k, c in costs.items()),
            "",
        ]
    lines += ["Made by", "", "```", command, "```", ""]
    return "\n".join(lines)


def _by_kind(scores: Sequence[Score]) -> list[str]:
    """A table of fMSE by what changed the foreground; nothing if the composites came ready made."""
    kinds = [number for number, value in enumerate(scores[0].fmse_by_kind) if not math.isnan(value)]
    if not kinds:
        return []
    return [
        "fMSE by what had been done to the foreground:",
        "",
        "| | " + " | ".join(KINDS[kind] for kind in kinds) + " |",
        "|---" * (len(kinds) + 1) + "|",
        *(f"| {s.name} | " + " | ".join(f"{s.fmse_by_kind[kind]:.0f}" for kind in kinds) + " |" for s in scores),
        "",
    ]


def _row(score: Score) -> str:
    bands = " | ".join("–" if math.isnan(value) else f"{value:.0f}" for value in score.fmse_by_share)
    return (
        f"| {score.name} | {score.psnr:.2f} | {score.psnr_255:.2f} | {score.mse:.1f} | {score.fmse:.1f} | "
        f"{score.ssim:.4f} | {score.worse:.0%} | {bands} |"
    )


def write_json(path: Path, scores: Sequence[Score], cases: Mapping[str, object], weights: Mapping[str, str]) -> None:
    """The same figures for programs and for the model cards. weights: the fingerprint of each network's."""
    content = {"cases": dict(cases), "weights": dict(weights), "scores": [asdict(score) for score in scores]}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Figures:
    """What `write_json` wrote."""

    cases: dict[str, object]
    weights: dict[str, str]
    scores: tuple[Score, ...]


def read_json(path: Path) -> Figures:
    """The inverse of `write_json`."""
    content = json.loads(path.read_text(encoding="utf-8"))
    lists = ("fmse_by_share", "fmse_by_kind")
    scores = [Score(**{**row, **{name: tuple(row[name]) for name in lists}}) for row in content["scores"]]
    return Figures(content["cases"], content["weights"], tuple(scores))
