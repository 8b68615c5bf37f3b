"""What the libraries that compute read from the environment when they are imported, and how many cores there are."""

from __future__ import annotations

import os

from .folders import cache_folder


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_environment() -> None:
    """What must be set before numpy, numba and torch are imported. What the user has set stays."""
    threads = str(max(1, usable_cores() - 1))
    # Threads of OpenMP that wait by spinning make everything up to a hundred times slower on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OMP_NUM_THREADS", threads)
    os.environ.setdefault("MKL_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
    os.environ.setdefault("NUMBA_NUM_THREADS", threads)
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder() / "numba"))
