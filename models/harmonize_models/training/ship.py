"""`python -m harmonize_models.training.ship RUN`: from a run's best weights to shipped weights and their card."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ..checkpoints import SHIPPED_DIR, WeightsCard, load, replace_card, save_shipped
from ..commands import carried_out
from ..data.photos import load_photos
from ..data.sources import Skipped
from ..errors import BadSettings
from ..evaluation.cases import build_cases
from ..evaluation.contest import NOTHING, hold, metrics_of, of_network, untouched
from ..evaluation.report import Figures, read_json
from ..networks import registry
from ..networks.base import HarmonizationNetwork, NetworkSpec
from ..networks.folding import folded
from ..weight_files import fingerprint, load_weights
from .card import USE, card_page, sources_of
from .config import read_config
from .history import read_history


def store(run: Path, data: Path, folder: Path, key: str | None = None) -> tuple[NetworkSpec, WeightsCard]:
    """Store the best weights of `run` in `folder`, compactly, without figures yet.

    data: holds `manifest.csv`. key: another network of the family, whose weights are a part of the run's (`s2crnet` and
    `s2crnet-c` are parts of `s2crnet-cs`).
    """
    settings = read_config(run / "config.json")
    spec = registry.get(key or str(settings.get("network")))
    sources = sources_of(data / "manifest.csv")
    network = spec.build()
    trained = folded(load_weights(run / "best.safetensors"))
    network.load_state_dict({name: trained[name] for name in network.state_dict()})
    legs = read_history(run)
    card = WeightsCard(
        data=f"{len(sources)} public photo sets with masks, listed in {spec.key}.md",
        steps=sum(leg.steps for leg in legs),
        command=" && ".join(leg.command for leg in legs),
        licence=USE,
    )
    save_shipped(network, spec, folder / f"{spec.key}.safetensors", card)
    return spec, card


def ship(run: Path, data: Path, folder: Path, key: str | None = None, figures: Figures | None = None) -> str:
    """Store the weights of `run` with their card; returns a line about them. The other arguments are those of `store`.

    figures: what `harmonize evaluate --json` measured on these very weights, once stored; without, they are measured
    here, on `val.tar` in `data`. Raises BadSettings if the figures were measured on others.
    """
    spec, card = store(run, data, folder, key)
    stored = load(spec.key, weights_dir=folder)
    figures = figures or _measured(spec, stored, data)
    if figures.weights.get(spec.key) != fingerprint(stored.state_dict()):
        raise BadSettings(
            f"The figures were measured on other weights of {spec.key}.", "Measure the stored ones: --store-only first."
        )
    scores = [score for score in figures.scores if score.name == NOTHING or score.name.partition(",")[0] == spec.key]
    own = next(score for score in scores if score.name == spec.key)
    measured = {name: round(getattr(own, name), 4) for name in ("psnr", "mse", "fmse", "ssim", "worse")}
    shipped = replace_card(folder / f"{spec.key}.safetensors", replace(card, metrics=measured))
    sources = sources_of(data / "manifest.csv")
    page = card_page(
        spec.key, spec.title, spec.paper, shipped.sha256, read_history(run), sources, scores, figures.cases
    )
    (folder / f"{spec.key}.md").write_text(page, encoding="utf-8")
    return f"{spec.key}: PSNR {own.psnr:.2f} dB, {NOTHING} {scores[0].psnr:.2f}"


def _measured(spec: NetworkSpec, network: HarmonizationNetwork, data: Path) -> Figures:
    photos = load_photos([data], "val", spec.input_size, Skipped())
    cases = build_cases(photos, spec.input_size)
    reference = metrics_of(cases, untouched())
    scores = [hold(cases, contestant, reference) for contestant in (untouched(), of_network(spec.key, network))]
    facts = {"count": len(cases), "side": spec.input_size, "digest": cases.digest()}
    return Figures(facts, {spec.key: fingerprint(network.state_dict())}, tuple(scores))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m harmonize_models.training.ship", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("--data", type=Path, required=True, help="folder with val.tar and manifest.csv")
    parser.add_argument("--folder", type=Path, default=SHIPPED_DIR, help="where to store (default: the package's own)")
    parser.add_argument("--key", help="network whose weights are a part of the run's (default: the run's own)")
    parser.add_argument("--figures", type=Path, help="what `harmonize evaluate --json` measured on these weights")
    parser.add_argument("--store-only", action="store_true", help="without figures and card yet, to be evaluated")
    return carried_out(parser, argv, run)


def run(args: argparse.Namespace) -> int:
    """Do it; returns the exit status. Raises a ModelError."""
    torch.set_num_threads(1)
    if args.store_only:
        store(args.run, args.data, args.folder, args.key)
    else:
        print(ship(args.run, args.data, args.folder, args.key, read_json(args.figures) if args.figures else None))
    return 0


if __name__ == "__main__":
    sys.exit(main())
