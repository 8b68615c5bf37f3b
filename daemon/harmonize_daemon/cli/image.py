"""`harmonize image`: one composite picture with its mask, through the daemon, into a file."""

from __future__ import annotations

import argparse
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from harmonize_client.errors import BadRequest
from harmonize_client.values import ForegroundClass, Look

from ..devices import device_name
from ..quiet import quiet_libraries
from . import file

if TYPE_CHECKING:
    from ..harmonizing import ImageRequest

_SLIDERS = {
    "strength": "how much of the change is made",
    "light": "share of its change of lightness",
    "color": "share of its change of color",
    "warmth": "blue to amber",
    "tint": "green to magenta",
    "saturation": "grey to vivid",
    "contrast": "flat to hard, around middle grey",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "composite",
        type=file,
        metavar="COMPOSITE",
        help="PNG, JPEG, TIFF or WebP; 8, 16 bits or float; or KRA, XCF, PSD or OpenRaster",
    )
    parser.add_argument(
        "--mask",
        type=file,
        help="picture of the same size, white = foreground; may be soft; files with layers need none",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-o", "--output", type=file, metavar="OUT", help="file to write; the suffix is the format")
    what.add_argument("--list-layers", action="store_true", help="only say which layers COMPOSITE has")
    parser.add_argument("--curves-out", type=file, metavar="FILE.cube", help="also write the change as a LUT")
    parser.add_argument("--adjustment-out", type=file, metavar="FILE.json", help="also write the predicted adjustment")
    parser.add_argument("--before-after", type=file, metavar="FILE", help="also write both pictures side by side")
    add_request_arguments(parser)


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what holds for one picture as for many: layer, network, reference, device and sliders."""
    parser.add_argument(
        "--layer",
        default="",
        metavar="NAME",
        help="the layer to harmonize, in files with layers (default: the topmost that is visible)",
    )
    parser.add_argument(
        "--network", default="", metavar="KEY", help="see `harmonize models list` (default: the daemon's)"
    )
    parser.add_argument("--reference", type=file, metavar="FILE", help="take light and color from this picture instead")
    parser.add_argument(
        "--to-foreground",
        action="store_true",
        help="the other way round: change all outside the mask to fit the foreground; of files with layers, the lowest "
        "layer, or that of --layer, to fit what lies above it",
    )
    parser.add_argument(
        "--adjustment",
        type=file,
        metavar="FILE.json",
        help="ask no network: carry out the change that --adjustment-out has written of this picture or another",
    )
    parser.add_argument("--foreground-class", choices=get_args(ForegroundClass), help="what the foreground shows")
    parser.add_argument(
        "--device",
        type=device_name,
        metavar="NAME",
        help="auto, cpu, cuda or cuda:N, for a daemon that this command starts",
    )
    parser.add_argument(
        "--min-confidence",
        type=float,
        default=0.0,
        metavar="P",
        help="change nothing where the network is less sure than that, 0 … 1, that its change helps (default 0)",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    look = parser.add_argument_group("look")
    for name, (low, high) in Look.ranges().items():
        default = getattr(Look(), name)
        look.add_argument(
            f"--{name}",
            type=float,
            default=default,
            metavar="X",
            help=f"{_SLIDERS[name]}, {low:g} … {high:g} (default {default:g})",
        )
    look.add_argument("--protect-highlights", action="store_true", help="the change fades out towards white")
    look.add_argument("--color-only", action="store_true", help="keep the light as it is")
    look.add_argument(
        "--clean-edges", action="store_true", help="remove the old background's color from a layer's soft edges"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises HarmonizeError."""
    quiet_libraries()
    if arguments.list_layers:
        from ..outline import outline

        for line in outline(arguments.composite):
            print(line)
        return 0
    settings = settings_of(arguments)
    from ..harmonizing import harmonize_image

    request = replace(
        settings,
        composite=arguments.composite,
        mask=arguments.mask,
        output=arguments.output,
        cube=arguments.curves_out,
        adjustment_out=arguments.adjustment_out,
        before_after=arguments.before_after,
    )
    if arguments.quiet:
        harmonize_image(request)
        return 0
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn())
    # Where it is no terminal that shows it, a bar leaves an empty line behind.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)
        result = harmonize_image(
            request,
            on_progress=lambda stage, fraction: bar.update(task, description=stage, total=1, completed=fraction),
        )
    for note in result.notes:
        print(f"Note: {note}")
    source = f"{result.network} on {result.device}" if result.device else f"a change of {result.network or 'somebody'}"
    print(f"{arguments.output}: {source}, {result.milliseconds:.0f} ms in the daemon")
    return 0


def settings_of(arguments: argparse.Namespace) -> ImageRequest:
    """What holds for one picture as for many, as a request whose files do not matter; the environment is set for it.

    Raises BadRequest.
    """
    from ..environment import set_environment

    set_environment()
    if arguments.to_foreground and arguments.reference:
        raise BadRequest("--to-foreground and --reference both say what to fit", "leave one of them out")
    if arguments.device:
        os.environ["HARMONIZE_DEVICE"] = arguments.device
    from ..harmonizing import ImageRequest

    return ImageRequest(
        composite=Path(),
        mask=None,
        output=Path(),
        layer=arguments.layer,
        network=arguments.network,
        reference=arguments.reference,
        to_foreground=arguments.to_foreground,
        foreground_class=arguments.foreground_class,
        look=_look(arguments),
        min_confidence=_min_confidence(arguments),
        adjustment=_adjustment(arguments),
        device=arguments.device,
    )


def _min_confidence(arguments: argparse.Namespace) -> float:
    share: float = arguments.min_confidence
    if not 0 <= share <= 1:
        raise BadRequest(f"--min-confidence {share:g} is no share", "give a number from 0 to 1, such as 0.7")
    return share


def _adjustment(arguments: argparse.Namespace) -> str:
    """The file's text, or nothing. Raises AdjustmentError as well."""
    stored: Path | None = arguments.adjustment
    if stored is None:
        return ""
    for option in ("network", "reference", "foreground_class", "min_confidence"):
        if getattr(arguments, option):
            asks = f"--{option.replace('_', '-')}"
            raise BadRequest(f"{asks} is for a network, and --adjustment asks none", "leave one of them out")
    from harmonize_models.adjustments.adjustment import MAX_BYTES, Adjustment

    try:
        with stored.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadRequest(f"Cannot read {stored} ({error.strerror})", "check the path") from error
    return Adjustment.from_json(text).to_json()


def _look(arguments: argparse.Namespace) -> Look:
    try:
        return Look(**{item.name: getattr(arguments, item.name) for item in fields(Look)})
    except ValueError as error:
        raise BadRequest(str(error), "see `harmonize image --help` for the ranges") from error
