"""Which networks can be used here: shipped weights, imported weights, and the statistical baselines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harmonize_models import checkpoints
from harmonize_models.baselines import TITLES, Baseline
from harmonize_models.checkpoints import ImportedWeights, ShippedWeights
from harmonize_models.networks import registry
from harmonize_models.networks.base import NetworkSpec

from harmonize_daemon.wire.messages import NetworkInfo


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


def usable_networks(imported_dir: Path) -> dict[str, Entry]:
    """Everything that can predict, by key. A user's own import goes before the shipped weights of the same key."""
    rows: dict[str, ShippedWeights | ImportedWeights] = {row.key: row for row in checkpoints.shipped()}
    rows.update({row.key: row for row in checkpoints.imported(imported_dir)})
    entries = {spec.key: _network(spec, rows[spec.key]) for spec in registry.all_specs() if spec.key in rows}
    entries.update({baseline.value: _baseline(baseline) for baseline in Baseline})
    return entries


def stamp(imported_dir: Path) -> int:
    """A number that changes when weights are imported."""
    try:
        return (imported_dir / checkpoints.SUMS).stat().st_mtime_ns
    except OSError:
        return 0


def default_network(entries: dict[str, Entry]) -> str:
    """The network that did best on the validation photos; a baseline only where there is no network at all."""
    return max(entries.values(), key=lambda entry: (entry.psnr, entry.weights_dir is not None)).info.key


def _network(spec: NetworkSpec, row: ShippedWeights | ImportedWeights) -> Entry:
    psnr = float(row.card.metrics.get("psnr", 0.0))
    summary = f"{psnr:.1f} dB on the validation photos" if psnr else "not measured"
    if isinstance(row, ImportedWeights):
        summary = f"imported from {row.card.source}"
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


def _baseline(baseline: Baseline) -> Entry:
    title = TITLES[baseline]
    return Entry(NetworkInfo(baseline.value, title, "baseline", title, 0, "MIT", "statistics, no network"), None)
