"""Bands in shared memory."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest
from harmonize_daemon.options import Limits
from harmonize_daemon.wire.messages import Layer
from harmonize_daemon.wire.slots import BAND_BYTES, BandShape, FreeList, Slots, rows_per_band, slot_bytes


def layer(width: int, height: int, layout: str = "RGBA", depth: str = "u8") -> Layer:
    return Layer(width, height, layout, depth)  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [1, 100, 6000, 65_536, 262_144])
@pytest.mark.parametrize("layout", ["Y", "RGB", "RGBA"])
@pytest.mark.parametrize("depth", ["u8", "f32"])
def test_a_band_fits_a_frame_and_a_slot(width: int, layout: str, depth: str) -> None:
    limits = Limits()
    shape = layer(width, 100_000, layout, depth)
    rows = rows_per_band(shape)
    assert 1 <= rows <= shape.height
    assert rows == 1 or rows * shape.row_bytes <= BAND_BYTES
    band = BandShape(shape, rows, masked=True)
    assert band.pixel_bytes <= limits.frame_bytes
    assert band.mask_bytes <= limits.frame_bytes
    assert band.mask_offset >= band.pixel_bytes
    assert band.mask_offset + band.mask_bytes <= slot_bytes(limits.frame_bytes)


def test_a_small_layer_is_one_band() -> None:
    assert rows_per_band(layer(10, 7)) == 7


def test_slots_do_not_touch_each_other() -> None:
    slots = Slots(3, slot_bytes(4096))
    shape = BandShape(layer(16, 64), 64, masked=True)
    for slot in range(3):
        slots.fill(slot, shape, memoryview(bytes([slot + 1]) * 4096), memoryview(bytes([slot + 101]) * 1024))
    for slot in range(3):
        assert bytes(slots.pixels(slot, shape)) == bytes([slot + 1]) * 4096
        assert bytes(slots.mask(slot, shape)) == bytes([slot + 101]) * 1024
    slots.pixels(1, shape)[:4] = b"work"
    assert bytes(slots.pixels(1, shape)[:5]) == b"work\x02"


def test_slots_have_no_name_that_could_be_left_behind() -> None:
    slots = Slots(2, 4096)
    assert slots.count == 2
    assert not list(Path("/dev/shm").glob(f"*-{os.getpid()}-*"))


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="other systems have files only")
def test_slots_need_no_room_in_dev_shm_nor_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where that is full, as /dev/shm soon is in a container, a band would end the process by SIGBUS."""

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "mkstemp", full)
    open_before = os.listdir("/proc/self/fd")
    slots = Slots(2, slot_bytes(4096))
    shape = BandShape(layer(16, 64), 64, masked=False)
    slots.fill(1, shape, memoryview(bytes([7]) * 4096), None)
    assert bytes(slots.pixels(1, shape)) == bytes([7]) * 4096
    del slots
    assert os.listdir("/proc/self/fd") == open_before


def test_the_slot_freed_last_is_taken_first() -> None:
    free = FreeList(3)
    taken = list(free.take(3))
    assert sorted(taken) == [0, 1, 2]
    with pytest.raises(ValueError, match="no free slots"):
        free.take(1)
    free.give(taken[1])
    free.give(taken[0])
    assert list(free.take(1)) == [taken[0]]
    assert len(free) == 1
