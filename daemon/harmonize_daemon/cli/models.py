"""`harmonize models list|import`."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="every network: size, weights, quality")
    importing = actions.add_parser("import", help="take a published checkpoint of one of the papers' networks")
    importing.add_argument("checkpoint", type=Path, metavar="FILE", help=".pth, .tar or .safetensors")


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises ModelError."""
    return _import(arguments.checkpoint) if arguments.action == "import" else _list()


def _list() -> int:
    from harmonize_models import checkpoints
    from harmonize_models.networks import registry
    from rich.console import Console
    from rich.table import Table

    from ..folders import imported_weights_folder

    shipped = {weights.key for weights in checkpoints.shipped()}
    imported = {weights.key for weights in checkpoints.imported(imported_weights_folder())}
    table = Table("key", "network", "kind", "parameters", "weights", box=None, header_style="bold")
    for spec in registry.all_specs():
        origin = "imported" if spec.key in imported else "shipped" if spec.key in shipped else "none yet"
        table.add_row(spec.key, spec.title, spec.kind.value, f"{spec.parameters / 1e6:.2f} M", origin)
    Console().print(table)
    return 0


def _import(checkpoint: Path) -> int:
    from harmonize_models import checkpoints

    from ..folders import imported_weights_folder

    weights = checkpoints.import_checkpoint(checkpoint, imported_weights_folder())
    print(f"Imported as {weights.key}: use `harmonize image --network {weights.key}`, or choose it in the plug-in.")
    return 0
