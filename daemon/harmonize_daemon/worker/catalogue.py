"""Which networks can be used here: shipped weights, imported weights, and the statistical baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harmonize_models import checkpoints
from harmonize_models.baselines import TITLES, Baseline
from harmonize_models.checkpoints import ImportedWeights, ShippedWeights
from harmonize_models.networks import registry
from harmonize_models.networks.base import NetworkSpec

from harmonize_daemon.wire.messages import NetworkInfo

LIKENESS = "Likeness to real photos: {decibels} dB"
NOT_MEASURED = "Likeness to real photos: not measured"
IMPORTED = "Imported from {file}"
STATISTICS = "Statistics, no network"
"""What artists are told of a network; the plug-ins translate it."""


@dataclass(frozen=True)
class Entry:
    """One usable network."""

    info: NetworkInfo
    weights_dir: Path | None
    """Where its weights lie; None for a baseline, which has none."""
    sha256: str = ""
    """Of its weights: another import of the same network is another network."""
    psnr: float = 0.0
    """On the validation photos, in dB; 0 if nobody has measured it."""
    rank: float = 0.0
    """The highest is the default: the `psnr` of the shipped weights, which others of the same network take over."""


def usable_networks(imported_dir: Path) -> dict[str, Entry]:
    """Everything that can predict, by key. A user's own import goes before the shipped weights of the same key."""
    rows: dict[str, ShippedWeights | ImportedWeights] = {row.key: row for row in checkpoints.shipped()}
    ranks = {key: _psnr(row) for key, row in rows.items()}
    rows.update({row.key: row for row in checkpoints.imported(imported_dir)})
    entries = {
        spec.key: replace(_network(spec, rows[spec.key]), rank=ranks.get(spec.key, 0.0))
        for spec in registry.all_specs()
        if spec.key in rows
    }
    entries.update({baseline.value: _baseline(baseline) for baseline in Baseline})
    return entries


def stamp(imported_dir: Path) -> int:
    """A number that changes when weights are imported."""
    try:
        return (imported_dir / checkpoints.SUMS).stat().st_mtime_ns
    except OSError:
        return 0


def default_network(entries: dict[str, Entry]) -> str:
    """The network whose shipped weights did best on the validation photos; a baseline only where there is no network.

    That stays so where a user has imported other weights for it.
    """
    return max(entries.values(), key=lambda entry: (entry.rank, entry.weights_dir is not None)).info.key


def _network(spec: NetworkSpec, row: ShippedWeights | ImportedWeights) -> Entry:
    psnr = _psnr(row)
    summary = LIKENESS.format(decibels=f"{psnr:.1f}") if psnr else NOT_MEASURED
    if isinstance(row, ImportedWeights):
        summary = IMPORTED.format(file=row.card.source)
    info = NetworkInfo(
        key=spec.key,
        title=spec.title,
        kind=spec.kind.value,
        paper=spec.paper,
        parameters=spec.parameters,
        license=row.card.licence,
        summary=summary,
    )
    return Entry(info, row.path.parent, row.sha256, psnr)


def _psnr(row: ShippedWeights | ImportedWeights) -> float:
    return float(row.card.metrics.get("psnr", 0.0))


def _baseline(baseline: Baseline) -> Entry:
    title = TITLES[baseline]
    return Entry(NetworkInfo(baseline.value, title, "baseline", title, 0, "MIT", STATISTICS), None)
