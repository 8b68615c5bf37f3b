"""The benchmark of files reads and writes real ones; how fast is for people to read."""

from __future__ import annotations

import numpy as np
from harmonize_daemon.bench.files import FORMATS, photo_like, run


def test_every_format_is_read_and_written() -> None:
    found = run(width=90, height=60, repeats=1)
    assert [times.name for times in found] == [
        "PNG, 8 bits",
        "PNG, 16 bits",
        "TIF, 8 bits",
        "TIF, 16 bits",
        "JPG, 8 bits",
    ]
    assert len(found) == len(FORMATS)
    for times in found:
        assert min(times.reading_ratio, times.writing_ratio, times.reading_milliseconds, times.bytes_per_pixel) > 0


def test_the_picture_is_always_the_same_and_neither_flat_nor_clipped() -> None:
    photo = photo_like(90, 60)
    np.testing.assert_array_equal(photo, photo_like(90, 60))
    assert photo.shape == (60, 90, 3)
    assert 0.05 < photo.std() < 0.4
    assert ((photo == 0) | (photo == 1)).mean() < 0.1
