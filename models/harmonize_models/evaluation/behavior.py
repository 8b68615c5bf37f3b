"""`python -m harmonize_models.evaluation.behavior`: gain, robustness, stability and what caution costs, as tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..commands import carried_out
from ..data.photos import load_photos
from ..data.sources import Skipped, tars_of
from ..networks.base import HarmonizationNetwork, NetworkSpec
from ..networks.scenefit import GUARD_OFF, SceneFit
from ..weight_files import save_weights
from .cases import Cases, build_cases
from .contest import metrics_of, of_network, untouched
from .guard import GuardPoint, choose, halves, trade_off, trade_off_by_confidence
from .margin import margin_of
from .robustness import robustness
from .stability import stability
from .weights import network_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    parser.add_argument("networks", nargs="+", help="keys, or KEY=FILE for weights of one's own")
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="photos with masks; of a tar file all, of a folder those held back",
    )
    parser.add_argument("--side", type=int, default=256, help="side of the pictures (default 256)")
    parser.add_argument("--limit", type=int, help="use only so many photos")
    parser.add_argument("--variants", type=int, default=1, help="composites for each mask")
    parser.add_argument("--only", choices=("gain", "robustness", "stability", "guard", "confidence"), help="one table")
    parser.add_argument("--guard", type=float, help="SceneFit: use this threshold instead of the stored one")
    parser.add_argument("--store-guard", type=Path, help="SceneFit: write weights with the --guard threshold to FILE")


def run(args: argparse.Namespace) -> int:
    """Print the tables as the flags say; returns the exit status."""
    torch.set_num_threads(1)
    networks = [network_of(name) for name in args.networks]
    skipped = Skipped()
    cases = build_cases(
        load_photos(args.data, "val", args.side, skipped, args.limit, whole=tars_of(args.data)),
        args.side,
        variants=args.variants,
    )
    print(f"{len(cases)} composites, hash {cases.digest()}, {args.side} px; {skipped.summary()}")
    for spec, network in networks:
        if args.guard is not None and isinstance(network, SceneFit):
            network.guard.fill_(args.guard)
            if args.store_guard:
                save_weights(args.store_guard, network.state_dict())
        for line in _tables(args.only, spec, network, cases):
            print(line, flush=True)
    return 0


def gain_line(key: str, network: HarmonizationNetwork, cases: Cases) -> str:
    """By how much the network beats doing nothing, case by case, and how far other photos could move that."""
    before, after = metrics_of(cases, untouched()), metrics_of(cases, of_network(key, network))
    psnr = _change(before.psnr, after.psnr, cases, 2)
    fmse = _change(before.fmse, after.fmse, cases, 0)
    return f"{key}: PSNR {psnr} dB, fMSE {fmse} (margins: 95 %, other photos drawn)"


def _change(before: Tensor, after: Tensor, cases: Cases, digits: int) -> str:
    """Of a figure [K]: its mean, what is added to it, and what it becomes."""
    margin = margin_of(after - before, cases.photos)
    old, new = float(before.mean()), float(after.mean())
    return f"{old:.{digits}f} {new - old:+.{digits}f} ± {margin:.{digits}f} = {new:.{digits}f}"


def _tables(only: str | None, spec: NetworkSpec, network: HarmonizationNetwork, cases: Cases) -> Iterator[str]:
    if only in (None, "gain"):
        yield gain_line(spec.key, network, cases)
    if only in (None, "guard") and isinstance(network, SceneFit):
        yield from guard_table(network, cases)
    if only in (None, "confidence") and isinstance(network, SceneFit):
        yield from confidence_table(network, cases)
    if only in (None, "stability"):
        found = stability(network, cases, spec.input_size)
        yield f"\n### {spec.key}: stability (mean difference within the mask, levels of 255)\n"
        yield "| composites | untouched photos | photos changed by less than 1 | its own results | moved by one pixel |"
        yield "|---|---|---|---|---|"
        yield (
            f"| {found.change:.1f} | {found.identity:.2f} | {found.identity_kept:.0%} | {found.twice:.2f} "
            f"| {found.shifted:.2f} |"
        )
    if only in (None, "robustness"):
        yield f"\n### {spec.key}: robustness\n"
        yield "| | cases | PSNR before | after | fMSE before | after | worse |"
        yield "|---|---|---|---|---|---|---|"
        for row in robustness(network, cases):
            yield (
                f"| {row.name} | {row.cases} | {row.psnr_before:.2f} | {row.psnr_after:.2f} | {row.fmse_before:.0f} "
                f"| {row.fmse_after:.0f} | {row.worse:.0%} |"
            )


def guard_table(network: SceneFit, cases: Cases) -> Iterator[str]:
    """The trade-off on all cases, then the threshold chosen on one half of the photos and judged on the other."""
    yield "\n### The guard's trade-off\n"
    yield from _head("threshold (levels)")
    for point in trade_off(network, cases):
        yield _guard_row("off" if point.threshold == GUARD_OFF else f"{point.threshold:.1f}", point)
    chosen_on, judged_on = halves(cases)
    for first, second in ((chosen_on, judged_on), (judged_on, chosen_on)):
        for largest in (0.02, 0.05, 0.10, 0.15):
            chosen = choose(trade_off(network, first), largest)
            judged = trade_off(network, second, [chosen.threshold])[0]
            yield _guard_row(f"{chosen.threshold:.1f}, chosen for {largest:.0%} on the other half", judged)


def confidence_table(network: SceneFit, cases: Cases) -> Iterator[str]:
    """What is gained and lost by whoever wants nothing changed without that confidence."""
    yield "\n### Least confidence\n"
    yield from _head("least confidence")
    for point in trade_off_by_confidence(network, cases):
        yield _guard_row(f"{point.threshold:.2f}", point)


def _head(first: str) -> Iterator[str]:
    yield f"| {first} | PSNR | fMSE | made worse | visibly worse | left untouched |"
    yield "|---|---|---|---|---|---|"


def _guard_row(title: str, point: GuardPoint) -> str:
    shares = f"{point.worse:.1%} | {point.harmed:.1%} | {point.untouched:.0%}"
    return f"| {title} | {point.psnr:.2f} | {point.fmse:.0f} | {shares} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m harmonize_models.evaluation.behavior", description=__doc__)
    add_arguments(parser)
    return carried_out(parser, argv, run)


if __name__ == "__main__":
    sys.exit(main())
