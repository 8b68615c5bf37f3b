"""Looks at everything that must be in order, from Python to one harmonized picture. Names no file of the user's."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from tempfile import TemporaryFile

from harmonize_client import HarmonizeError, __version__, connect, paths
from harmonize_models.errors import ModelError

from .folders import cache_folder, imported_weights_folder, log_folder
from .front.lifetime import daemon_runs

CLIENT_NAME = "doctor"
PACKAGES = (
    "torch",
    "pyzmq",
    "numpy",
    "numba",
    "pillow",
    "imagecodecs",
    "tifffile",
    "psd-tools",
    "msgpack",
    "msgspec",
    "safetensors",
    "platformdirs",
    "rich",
)
"""All that an installation brings."""
_SOME_BYTES = 64 * 1024
"""A full disk still takes files, but nothing into them."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    detail: str
    fine: bool = True


def examine() -> Iterator[Finding]:
    """Every finding as soon as it is made, in the order in which things depend on each other."""
    yield Finding("harmonize-selection", __version__)
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    yield Finding("python", f"{platform.python_version()} on {system}")
    yield from map(_package, PACKAGES)
    for subject, look in (
        ("folders", _folders),
        ("weights", _weights),
        ("graphics card", _graphics_card),
        ("daemon", _daemon),
        ("prediction", _prediction),
    ):
        yield _guarded(subject, look)


def _guarded(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, look())
    except (HarmonizeError, ModelError) as error:
        said = error.cause.strip() if "harmonize doctor" in error.hint else str(error)  # who reads this has run it
        return Finding(subject, f"{said} [{error.code}]", fine=False)
    except Exception as error:  # whatever is wrong is what this command is for
        return Finding(subject, f"{type(error).__name__}: {error}", fine=False)


def _package(name: str) -> Finding:
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        if name == "psd-tools" and sys.version_info < (3, 11):
            return Finding(name, "needs Python 3.11: Photoshop files cannot be read")
        return Finding(name, "is not installed", fine=False)


def _folders() -> str:
    for folder in (paths.home(), cache_folder(), imported_weights_folder(), log_folder()):
        try:
            with TemporaryFile(dir=folder) as file:
                file.write(bytes(_SOME_BYTES))
        except OSError as error:
            raise OSError(f"cannot write into the folder {folder.name} ({error.strerror})") from error
    return f"can be written; log in {log_folder()}"


def _weights() -> str:
    from harmonize_models import checkpoints

    if gone := checkpoints.missing():
        raise checkpoints.WeightsMissing(f"Missing: {', '.join(gone)}.", "Install harmonize-selection again.")
    keys = [weights.key for weights in checkpoints.shipped()]
    for key in keys:
        checkpoints.load(key)
    return f"{', '.join(keys)}: all as shipped"


def _graphics_card() -> str:
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return "none that torch can use: networks run on the CPU"


def _daemon() -> str:
    running = daemon_runs(paths.home())
    with connect(CLIENT_NAME, start=True) as client:
        status = client.status()
    return f"{'runs' if running else 'was started'}: {status.detail} (version {status.version})"


def _prediction() -> str:
    """One prediction through the daemon, on a picture made here."""
    from harmonize_client import Thumbnail

    side = 64
    grey, dot = bytes([120, 130, 140]) * (side * side), bytearray(side * side)
    for row in range(20, 44):
        dot[row * side + 20 : row * side + 44] = b"\xff" * 24
    with connect(CLIENT_NAME, start=True) as client:
        prediction = client.predict(Thumbnail(side, side, grey), bytes(dot))
    return f"{prediction.network} on {prediction.device}, {prediction.milliseconds:.0f} ms"
