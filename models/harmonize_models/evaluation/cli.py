"""`harmonize evaluate`: networks, baselines and the untouched composite side by side."""

from __future__ import annotations

import argparse
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ..baselines import TITLES, Baseline, harmonize_batch
from ..checkpoints import SHIPPED_DIR, shipped
from ..commands import carried_out, check_writable
from ..data.composites import Batch
from ..data.photos import load_photos
from ..data.sources import Skipped, tars_of
from ..errors import BadSettings
from ..networks import registry
from ..networks.base import HarmonizationNetwork, NetworkSpec
from ..networks.sides import check_side
from ..weight_files import fingerprint
from .arguments import add_arguments
from .cases import build_cases
from .contest import Contestant, Score, hold, metrics_of, of_network, untouched
from .cost import Cost, cost_of
from .defaults import SEED, VARIANTS
from .oracles import Oracle, ask
from .report import read_json, results_page, write_json
from .sheets import write_sheet
from .weights import network_of, titles_of


def run(args: argparse.Namespace) -> int:
    """Evaluate as the flags say; returns the exit status."""
    torch.set_num_threads(args.threads)
    _check_results(args)
    entrants = _entrants(args)
    skipped = Skipped()
    photos = load_photos(args.data, "val", args.side, skipped, args.limit, whole=tars_of(args.data))
    cases = build_cases(photos, args.side, args.seed, args.variants)
    digest = cases.digest()
    print(f"{len(cases)} composites, hash {digest}; {skipped.summary()}", flush=True)
    reference = metrics_of(cases, untouched())
    contestants = [untouched()]
    if args.baselines:
        contestants += [Contestant(TITLES[b], partial(_baseline, b)) for b in Baseline]
        contestants += [Contestant(oracle.value, partial(ask, oracle)) for oracle in Oracle]
    costs: dict[str, Cost] = {}
    fingerprints: dict[str, str] = {}
    for entrant in entrants:
        contestants.append(of_network(entrant.name, entrant.network))
        fingerprints[entrant.name] = fingerprint(entrant.network.state_dict())
        if not args.raw_only:
            contestants.append(_through_adjustment(entrant))
        if args.cost:
            costs[entrant.name] = cost_of(entrant.network, entrant.spec)
    facts = {"side": args.side, "count": len(cases), "photos": len(photos.photos), "digest": digest}
    known = _still_valid(args.reuse, digest, fingerprints)
    scores: list[Score] = []
    for contestant in contestants:
        found = known.get(contestant.name)
        scores.append(found or hold(cases, contestant, reference))
        print(_line(scores[-1]) + ("  (from before)" if found else ""), flush=True)
    if args.sheets:
        first = next(cases.batches(8))
        for contestant in contestants[1:]:
            columns = [first.composite, first.mask, contestant.harmonize(first), first.target]
            name = contestant.name.replace(" ", "-").replace("/", "-")
            write_sheet(args.sheets / f"{name}.png", columns)
    if args.write:
        args.write.write_text(results_page(scores, costs, facts, _command(args), _machine()), encoding="utf-8")
    if args.json:
        write_json(args.json, scores, facts, fingerprints)
    return 0


def _check_results(args: argparse.Namespace) -> None:
    """Make the folders of what will be written: where nothing can be, nobody wants to know that after hours."""
    for file in (args.write, args.json):
        if file is not None:
            check_writable(file)
            file.parent.mkdir(parents=True, exist_ok=True)
    if args.sheets is not None:
        args.sheets.mkdir(parents=True, exist_ok=True)
        check_writable(args.sheets / "sheet.png")


def _still_valid(file: Path | None, digest: str, weights: Mapping[str, str]) -> dict[str, Score]:
    """The rows of earlier figures that would come out the same: same cases and, for networks, same weights.

    Raises BadSettings.
    """
    if file is None or not file.is_file():
        return {}
    try:
        earlier = read_json(file)
    except (ValueError, LookupError, TypeError) as error:
        raise BadSettings(f"{file} holds no figures of an evaluation: {error}.", "Leave --reuse out.") from error
    if earlier.cases["digest"] != digest:
        return {}
    changed = {key for key, own in earlier.weights.items() if weights.get(key) != own}
    return {score.name: score for score in earlier.scores if score.name.partition(",")[0] not in changed}


@dataclass(frozen=True)
class _Entrant:
    """A network that takes part."""

    name: str
    """Of its rows: its key, and of a file's weights also the file where others of that network take part too."""
    spec: NetworkSpec
    network: HarmonizationNetwork


def _entrants(args: argparse.Namespace) -> list[_Entrant]:
    weights = args.weights or SHIPPED_DIR
    there = {item.key for item in shipped(weights)}
    wanted = args.networks or [spec.key for spec in registry.all_specs() if spec.key in there]
    entrants = []
    for row, name in zip(titles_of(wanted), wanted, strict=True):
        entrants.append(_Entrant(row, *network_of(name, weights)))
        check_side(entrants[-1].spec, entrants[-1].network, args.side, "--side")
    return entrants


def _baseline(baseline: Baseline, batch: Batch) -> torch.Tensor:
    return harmonize_batch(baseline, batch.composite, batch.mask)


def _through_adjustment(entrant: _Entrant) -> Contestant:
    from .product import harmonize_as_product  # needs the renderer and its kernels, which raw evaluation does not

    harmonize = partial(harmonize_as_product, entrant.network, entrant.spec)
    return Contestant(f"{entrant.name}, through the adjustment", harmonize)


def _line(score: Score) -> str:
    return (
        f"{score.name:50s} psnr {score.psnr:.2f}  mse {score.mse:.1f}  fmse {score.fmse:.1f}  "
        f"ssim {score.ssim:.4f}  worse {score.worse:.0%}"
    )


def _command(args: argparse.Namespace) -> str:
    # Absolute paths mean nothing elsewhere.
    networks = [
        f"{key}={Path(file).name}" if file else key for key, _, file in (n.partition("=") for n in args.networks)
    ]
    parts = ["harmonize", "evaluate", *networks, "--data", *(path.name for path in args.data)]
    for flag, default in (("limit", None), ("side", 256), ("seed", SEED), ("variants", VARIANTS), ("threads", 1)):
        if getattr(args, flag) != default:
            parts += [f"--{flag}", str(getattr(args, flag))]
    parts += ["--raw-only"] * args.raw_only + ["--write", "docs/results.md"]
    return shlex.join(parts)


def _machine() -> str:
    return f"{platform.machine()}, {torch.get_num_threads()} CPU thread(s), torch {torch.__version__}, float32"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `harmonize evaluate` and of the module."""
    parser = argparse.ArgumentParser(prog="harmonize evaluate", description="Compare networks and baselines.")
    add_arguments(parser)
    return carried_out(parser, argv, run)
