"""How long something takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def median_seconds(repeats: int, action: Callable[..., object], *arguments: object) -> float:
    """Of `action` with these arguments, after one run to warm up."""
    action(*arguments)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action(*arguments)
        seconds.append(time.perf_counter() - start)
    return median(seconds)
