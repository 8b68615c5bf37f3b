"""How long pictures take to be read and written, in each flat format, as a ratio to memcpy in the same run.

`python -m harmonize_daemon.bench.files`; in memory: how fast a disk is does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harmonize_daemon import pictures
from harmonize_daemon.bench.timing import median_seconds
from harmonize_daemon.pictures import Picture

WIDTH, HEIGHT = 6000, 4000
FORMATS = ((".png", np.uint8), (".png", np.uint16), (".tif", np.uint8), (".tif", np.uint16), (".jpg", np.uint8))
CAMERA_NOISE = 1.2
"""Levels of 255."""


@dataclass(frozen=True)
class FileTimes:
    """One format; medians over the repetitions."""

    name: str
    reading_milliseconds: float
    writing_milliseconds: float
    reading_ratio: float
    """To a memcpy of the pixels."""
    writing_ratio: float
    bytes_per_pixel: float


def run(width: int = WIDTH, height: int = HEIGHT, repeats: int = 3) -> list[FileTimes]:
    """Measure with an RGB picture of that size."""
    photo = photo_like(width, height)
    found = []
    with TemporaryDirectory() as folder:
        for suffix, dtype in FORMATS:
            pixels = np.rint(photo * np.iinfo(dtype).max).astype(dtype)
            path, picture, copy = Path(folder) / f"picture{suffix}", Picture(pixels), pixels.copy()
            copying = median_seconds(repeats, np.copyto, copy, pixels)
            writing = median_seconds(repeats, pictures.write, path, picture)
            reading = median_seconds(repeats, pictures.read, path)
            found.append(
                FileTimes(
                    f"{suffix[1:].upper()}, {8 * pixels.itemsize} bits",
                    1000 * reading,
                    1000 * writing,
                    reading / copying,
                    writing / copying,
                    path.stat().st_size / (width * height),
                )
            )
    return found


def photo_like(width: int, height: int) -> NDArray[np.float32]:
    """[H, W, 3] in [0, 1]: clouds of all sizes, as photos have them, and the noise of a camera; always the same."""
    random = np.random.default_rng(0)
    photo = np.full((height, width, 3), 0.5, np.float32)
    long_side = max(width, height)
    for cell in (long_side // 4**level for level in range(6)):
        few = (-(-height // max(1, cell)), -(-width // max(1, cell)))
        spread = 0.15 * (cell / long_side) ** 0.5
        for channel in range(3):
            clouds = Image.fromarray(random.normal(0, spread, few).astype(np.float32))
            photo[..., channel] += np.asarray(clouds.resize((width, height), Image.Resampling.BICUBIC))
    photo += random.normal(0, CAMERA_NOISE / 255, photo.shape).astype(np.float32)
    return photo.clip(0, 1)


if __name__ == "__main__":
    print(f"{WIDTH} x {HEIGHT} RGB     reading, ms (x memcpy)   writing, ms (x memcpy)   bytes a pixel")
    for times in run():
        print(
            f"{times.name:<20} {times.reading_milliseconds:>10.0f} ({times.reading_ratio:.0f})"
            f" {times.writing_milliseconds:>20.0f} ({times.writing_ratio:.0f}) {times.bytes_per_pixel:>18.2f}"
        )
