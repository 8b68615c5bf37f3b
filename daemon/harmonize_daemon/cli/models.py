"""`harmonize models list|import|remove`."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="every network: size, weights, quality")
    importing = actions.add_parser("import", help="take a published checkpoint of one of the papers' networks")
    importing.add_argument("checkpoint", type=file, metavar="FILE", help=".pth, .tar or .safetensors")
    removing = actions.add_parser("remove", help="forget an imported checkpoint; shipped weights are used again")
    removing.add_argument("key", metavar="KEY", help="see `harmonize models list`")


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises ModelError."""
    if arguments.action == "import":
        return _import(arguments.checkpoint)
    return _remove(arguments.key) if arguments.action == "remove" else _list()


def _list() -> int:
    from harmonize_models.checkpoints import SHIPPED_DIR
    from harmonize_models.networks import registry
    from rich.console import Console
    from rich.table import Table

    from harmonize_daemon.worker.catalogue import usable_networks

    from ..folders import imported_weights_folder

    usable = usable_networks(imported_weights_folder())
    speeds = _speeds()
    table = Table(box=None, header_style="bold")
    table.add_column("key", no_wrap=True)  # to be read, or cut out by scripts, as it is given to --network
    for title in ("network", "size", "quality", "speed", "weights"):
        table.add_column(title)
    for spec in registry.all_specs():
        entry = usable.get(spec.key)
        origin = "none yet" if entry is None else "shipped" if entry.weights_dir == SHIPPED_DIR else "imported"
        quality = f"{entry.psnr:.1f} dB" if entry is not None and entry.psnr else ""
        size = f"{spec.parameters / 1e6:.2f} M"
        table.add_row(spec.key, spec.title, size, quality, speeds.get(spec.key, ""), origin)
    for key in sorted(usable.keys() - {spec.key for spec in registry.all_specs()}):
        table.add_row(key, usable[key].info.title, "", "", speeds.get(key, ""), "needs none")
    Console().print(table)
    print("Size: parameters. Quality: PSNR on the validation photos (docs/results.md).")
    print("Speed: of a prediction, as the running daemon has seen it.")
    return 0


def _speeds() -> dict[str, str]:
    """What one prediction takes, by network, as far as a running daemon has measured it."""
    from harmonize_client import HarmonizeError, connect

    from .. import CLIENT_NAME

    try:
        with connect(CLIENT_NAME, start=False) as client:
            networks = client.status().networks
    except HarmonizeError:
        return {}
    return {network.key: f"{network.milliseconds:.0f} ms" for network in networks if network.milliseconds}


def _import(checkpoint: Path) -> int:
    from harmonize_models import checkpoints

    from ..folders import imported_weights_folder

    weights = checkpoints.import_checkpoint(checkpoint, imported_weights_folder())
    print(f"Imported as {weights.key}: use `harmonize image --network {weights.key}`, or choose it in the plug-in.")
    return 0


def _remove(key: str) -> int:
    from harmonize_models import checkpoints

    from ..folders import imported_weights_folder

    checkpoints.remove_imported(key, imported_weights_folder())
    shipped = key in {weights.key for weights in checkpoints.shipped()}
    print(f"Removed: {f'the shipped weights of {key} are used again' if shipped else f'{key} has no weights now'}.")
    return 0
