"""`python -m harmonize_models.training.ship RUN`: from a run's best weights to shipped weights and their card."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ..checkpoints import SHIPPED_DIR, WeightsCard, load, save_shipped
from ..evaluation.cases import VARIANTS, build_cases
from ..evaluation.contest import hold, metrics_of, of_network, untouched
from ..networks import registry
from .card import USE, card_page, sources_of
from .checkpoint import load_weights
from .folding import folded
from .history import read_history
from .photos import load_photos
from .sources import Skipped


def ship(
    run: Path,
    data: Path,
    folder: Path,
    key: str | None = None,
    weights_file: str = "best.safetensors",
    variants: int = VARIANTS,
    limit: int | None = None,
) -> str:
    """Store the weights of `run`, measured on the validation photos of `data`, in `folder`; returns a line about them.

    data: holds `val.tar` and `manifest.csv`. key: another network of the family, whose weights are a part of the run's
    (`s2crnet` and `s2crnet-c` are parts of `s2crnet-cs`). Measured is what is stored: the half-precision file.
    """
    key = key or str(json.loads((run / "config.json").read_text(encoding="utf-8"))["network"])
    spec = registry.get(key)
    network = spec.build()
    trained = folded(load_weights(run / weights_file))
    network.load_state_dict({name: trained[name] for name in network.state_dict()})
    photos = load_photos([data], "val", spec.input_size, Skipped(), limit)
    cases = build_cases(photos, spec.input_size, variants=variants)
    legs = read_history(run)
    card = WeightsCard(
        data=f"{len(sources_of(data / 'manifest.csv'))} public photo sets with masks, listed in {key}.md",
        steps=sum(leg.steps for leg in legs),
        command=" && ".join(leg.command for leg in legs),
        licence=USE,
    )
    path = folder / f"{key}.safetensors"
    save_shipped(network, spec, path, card)
    reference = metrics_of(cases, untouched())
    stored = load(key, weights_dir=folder)
    scores = [hold(cases, untouched(), reference), hold(cases, of_network(key, stored), reference)]
    if spec.semantic:
        scores.append(hold(cases, of_network(f"{key} without a label", stored, labelled=False), reference))
    measured = {name: round(getattr(scores[1], name), 4) for name in ("psnr", "mse", "fmse", "ssim", "worse")}
    shipped = save_shipped(stored, spec, path, replace(card, metrics=measured))
    facts = {"count": len(cases), "side": spec.input_size, "digest": cases.digest()}
    page = card_page(
        key, spec.title, spec.paper, shipped.sha256, legs, sources_of(data / "manifest.csv"), scores, facts
    )
    (folder / f"{key}.md").write_text(page, encoding="utf-8")
    return f"{path.name}: PSNR {scores[1].psnr:.2f} dB (untouched {scores[0].psnr:.2f})"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m harmonize_models.training.ship", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("--data", type=Path, required=True, help="folder with val.tar and manifest.csv")
    parser.add_argument("--folder", type=Path, default=SHIPPED_DIR, help="where to store (default: the package's own)")
    parser.add_argument("--key", help="network whose weights are a part of the run's (default: the run's own)")
    parser.add_argument("--weights-file", default="best.safetensors", help="file in the run's folder")
    parser.add_argument("--variants", type=int, default=VARIANTS, help="composites for each mask when measuring")
    parser.add_argument("--limit", type=int, help="measure on so many photos only")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    print(ship(args.run, args.data, args.folder, args.key, args.weights_file, args.variants, args.limit))
    return 0


if __name__ == "__main__":
    sys.exit(main())
