"""Where networks run: what a device is called, and which one that is on this computer."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

AUTO, CPU = "auto", "cpu"
_NAME = re.compile(rf"{AUTO}|{CPU}|cuda(:[0-9]+)?")


def device_name(word: str) -> str:
    """The word as it is, for argparse. Raises ArgumentTypeError if no device is called so."""
    if not _NAME.fullmatch(word):
        raise ArgumentTypeError(f"no device is called {word!r}: give auto, cpu, cuda or cuda:N")
    return word


def chosen_device(wanted: str) -> str:
    """`auto` is the first graphics card that torch can use, else the CPU. A card that is not there is the CPU, too."""
    import torch

    if wanted != CPU and torch.cuda.is_available():
        number = int(wanted.partition(":")[2] or 0)
        if number < torch.cuda.device_count():
            return f"cuda:{number}"
    return CPU


def is_meant(device: str, wanted: str) -> bool:
    """Whether a device that is in use is what was asked for; `cuda` is any graphics card."""
    return wanted == AUTO or device == wanted or (wanted == "cuda" and device.startswith("cuda:"))
