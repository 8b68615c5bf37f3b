"""Shared memory that bands lie in while front and worker hand them to each other.

One block, without a name that could be left behind: on Linux it never has one, elsewhere on POSIX the file is unlinked
before it is used, on Windows the name ends with its last holder. A slot's pages take memory only once a band has been
written to them.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from harmonize_daemon.wire.messages import Layer

_ALIGNMENT = 4096
BAND_BYTES = 1 << 20
"""What the pixels of a band should come to: measured best on loopback, and it bounds memory."""


@dataclass(frozen=True)
class BandShape:
    """How the bytes of one band lie in its slot: pixels first, then the mask on a fresh page."""

    layer: Layer
    rows: int
    masked: bool

    @property
    def pixel_bytes(self) -> int:
        return self.rows * self.layer.row_bytes

    @property
    def mask_bytes(self) -> int:
        return self.rows * self.layer.width if self.masked else 0

    @property
    def mask_offset(self) -> int:
        return _round_up(self.pixel_bytes)


def rows_per_band(layer: Layer) -> int:
    """How many rows make up a band of about BAND_BYTES; at least one."""
    return max(1, min(layer.height, BAND_BYTES // layer.row_bytes))


def slot_bytes(frame_bytes: int) -> int:
    """What a slot must hold: a frame of pixels and a mask of at most as many bytes as the pixels."""
    return 2 * _round_up(frame_bytes)


def _round_up(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


class Slots:
    """`count` slots of `size` bytes. Goes to the worker as an argument of its process."""

    def __init__(self, count: int, size: int) -> None:
        self.count = count
        self.size = _round_up(size)
        from multiprocessing.heap import Arena  # not before the first answer: see front/process.py

        if hasattr(os, "memfd_create"):
            # Arena's own file lies in /dev/shm or on the disk: once these are full, a new page ends us by SIGBUS.
            descriptor = os.memfd_create("harmonize-slots")
            weakref.finalize(self, os.close, descriptor)
            os.ftruncate(descriptor, count * self.size)
            self._arena = Arena(count * self.size, descriptor)
        else:
            self._arena = Arena(count * self.size)

    def fill(self, slot: int, shape: BandShape, pixels: memoryview, mask: memoryview | None) -> None:
        """Copy a band in. The sizes must be those of `shape`."""
        self.pixels(slot, shape)[:] = pixels
        if mask is not None:
            self.mask(slot, shape)[:] = mask

    def pixels(self, slot: int, shape: BandShape) -> memoryview:
        """The band's pixels, writable."""
        return self._view(slot, 0, shape.pixel_bytes)

    def mask(self, slot: int, shape: BandShape) -> memoryview:
        """The band's mask; empty if it has none."""
        return self._view(slot, shape.mask_offset, shape.mask_bytes)

    def _view(self, slot: int, offset: int, size: int) -> memoryview:
        start = slot * self.size + offset
        return memoryview(self._arena.buffer)[start : start + size]


class FreeList:
    """Which slots nobody uses. The slot freed last is given out first: its pages are warm."""

    def __init__(self, count: int) -> None:
        self._free: list[int] = list(reversed(range(count)))

    def __len__(self) -> int:
        return len(self._free)

    def take(self, count: int) -> Sequence[int]:
        """Take several slots; ValueError if there are not that many."""
        if count > len(self._free):
            raise ValueError("no free slots")
        return [self._free.pop() for _ in range(count)]

    def give(self, slot: int) -> None:
        """Put a slot back."""
        self._free.append(slot)
