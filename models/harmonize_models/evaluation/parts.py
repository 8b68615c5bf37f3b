"""`python -m harmonize_models.evaluation.parts`: what the trained SceneFit relies on, part by part.

A part is taken away from the network as it is shipped, or shown what belongs to another picture (as permutation
importance does: Breiman 2001, Random forests, section 10). That tells what the weights use, not what a network would
do that had been trained without: for this see `training.ablation`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..commands import carried_out
from ..data.photos import load_photos
from ..data.sources import Skipped, tars_of
from ..errors import BadSettings
from ..networks.framing import Framing, centers
from ..networks.plan import Plan
from ..networks.scenefit import GUARD_OFF, SceneFit, Seen
from .cases import Cases, build_cases
from .guard import GuardPoint, trade_off
from .weights import network_of


class OthersStatistics(SceneFit):
    """Measures another picture of the batch."""

    def measured(self, small: Tensor, framing: Framing) -> Tensor:
        return _of_another(super().measured(small, framing))


class OthersForeground(SceneFit):
    """Sees another picture's foreground."""

    def decided(self, foreground: Seen, background: Seen, known: Tensor, framing: Framing) -> Plan:
        return super().decided(_seen_in_another(foreground), background, known, framing)


class OthersBackground(SceneFit):
    """Sees another picture's background."""

    def decided(self, foreground: Seen, background: Seen, known: Tensor, framing: Framing) -> Plan:
        return super().decided(foreground, _seen_in_another(background), known, framing)


class WholeFrame(SceneFit):
    """Sees the foreground where it is, and as small as it is."""

    def framing(self, mask: Tensor) -> Framing:
        return Framing.of(mask, centers(mask.shape[2], mask[:, 0, :, 0]), centers(mask.shape[3], mask[:, 0, 0]))


@dataclass(frozen=True)
class Part:
    """A change of the network."""

    name: str
    build: type[SceneFit] = SceneFit
    changed: Callable[[SceneFit], object] = lambda network: None
    """What is done to the network with its weights."""


def with_one_look(network: SceneFit) -> None:
    network.looks = 1


def without_attention(network: SceneFit) -> None:
    network.layers = nn.ModuleList()


def without_deeper_blocks(network: SceneFit) -> None:
    network.deeper = nn.Sequential()


def _silenced(head: str) -> Callable[[SceneFit], object]:
    """A head that answers nothing changes nothing."""

    def silence(network: SceneFit) -> None:
        for parameter in network.get_submodule(head).parameters():
            nn.init.zeros_(parameter)

    return silence


PARTS: tuple[Part, ...] = (
    Part("as it is"),
    Part("one look only", changed=with_one_look),
    Part("statistics of another picture", OthersStatistics),
    Part("foreground as seen in another picture", OthersForeground),
    Part("background as seen in another picture", OthersBackground),
    Part("foreground not enlarged", WholeFrame),
    Part("without attention", changed=without_attention),
    Part("without the deeper blocks", changed=without_deeper_blocks),
    Part("without pooled features", changed=_silenced("pooled")),
    Part("without curves", changed=_silenced("curve_head")),
    Part("without the affine transform", changed=_silenced("affine_head")),
    Part("without the local grid", changed=_silenced("local_head")),
)


def measured_without(part: Part, network: SceneFit, cases: Cases) -> GuardPoint:
    """How good the network is with that change; the guard is off. `network` stays as it is."""
    other = part.build()
    other.load_state_dict(network.state_dict())
    part.changed(other)
    return trade_off(other, cases, [GUARD_OFF])[0]


def _seen_in_another(seen: Seen) -> Seen:
    return Seen(_of_another(seen.tokens), _of_another(seen.pool))


def _of_another(features: Tensor) -> Tensor:
    """Each row of the batch gets that of a picture half a batch away: of another photo, but in the smallest batches."""
    return features.roll(len(features) // 2, dims=0)


def table(network: SceneFit, cases: Cases) -> Iterator[str]:
    """Rows of Markdown, one as soon as it is measured."""
    yield "| | PSNR | fMSE | worse |"
    yield "|---|---|---|---|"
    for part in PARTS:
        point = measured_without(part, network, cases)
        yield f"| {part.name} | {point.psnr:.2f} | {point.fmse:.0f} | {point.worse:.0%} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m harmonize_models.evaluation.parts", description=__doc__)
    parser.add_argument("network", nargs="?", default="scenefit", help="scenefit, or scenefit=FILE")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="photos with masks")
    parser.add_argument("--side", type=int, default=192, help="side of the pictures (default %(default)s)")
    parser.add_argument("--limit", type=int, help="use only so many photos")
    return carried_out(parser, argv, run)


def run(args: argparse.Namespace) -> int:
    """Print the table as the flags say; returns the exit status. Raises a ModelError."""
    torch.set_num_threads(1)
    _, network = network_of(args.network)
    if not isinstance(network, SceneFit):
        raise BadSettings(f"{args.network} is not SceneFit.", "Name scenefit, or scenefit=FILE.")
    cases = build_cases(
        load_photos(args.data, "val", args.side, Skipped(), args.limit, whole=tars_of(args.data)), args.side
    )
    print(f"{len(cases)} composites, hash {cases.digest()}, {args.side} px, guard off\n")
    for line in table(network, cases):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
