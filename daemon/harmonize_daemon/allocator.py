"""How the C library keeps memory that was freed.

Every band is a block of about 1 MB that is allocated, filled, sent and freed. As it comes, glibc gives such blocks back
to the system and has them faulted in anew, which costs as much as everything else that the front does.
"""

from __future__ import annotations

import sys
from contextlib import suppress

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_BLOCK_BYTES = 32 << 20
"""Larger blocks still come from the system directly; glibc allows no more."""
_KEPT_BYTES = 48 << 20
"""How much freed memory stays for the next band: a few windows."""


def keep_freed_memory() -> None:
    """Reuse freed blocks from now on. Does nothing where the C library is not glibc."""
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):
        import ctypes

        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _BLOCK_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def give_freed_memory_back() -> None:
    """Return what is kept to the system, once."""
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)
