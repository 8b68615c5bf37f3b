"""OpenRaster files go from Krita through `harmonize image` and back."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from harmonize_daemon.pictures.openraster import OpenRaster

from .krita import Krita, Said


@pytest.fixture(scope="module")
def written(krita: Krita) -> Path:
    """The file that Krita wrote; beside it `merged`, what Krita shows of it."""
    return krita.run("openraster", "write").out / "layers.ora"


@pytest.fixture(scope="module")
def read_back(krita: Krita, written: Path) -> Said:
    """What Krita says of the file with another layer in it, of darker pixels."""
    file = OpenRaster(written)
    figure = file.subject()
    picture = file.decoded(figure)
    darker = picture.pixels.copy()
    darker[..., :3] //= 2
    file.write(krita.shared / "harmonized.ora", figure, "Figure (harmonized)", picture.with_pixels(darker))
    said = krita.run("openraster", "read", "harmonized.ora")
    shutil.copy(krita.shared / "harmonized.ora", said.out)
    return said


def test_what_krita_shows_is_what_is_read(written: Path) -> None:
    file = OpenRaster(written)
    assert [layer.name for layer in file.layers()] == ["Figure", "Scene"]
    assert difference(file, written.with_name("merged")) <= 2


def test_krita_opens_what_is_written(read_back: Said) -> None:
    assert read_back["layers"]["rows"] == ["Scene", "(Figure)", "Figure (harmonized)"]
    assert difference(OpenRaster(read_back.out / "harmonized.ora"), read_back.out / "merged") <= 2


def difference(file: OpenRaster, shown: Path) -> int:
    """Of the colors, in levels."""
    bgra = np.frombuffer(shown.read_bytes(), np.uint8).reshape(file.height, file.width, 4)
    between = file.merged().pixels[..., :3].astype(int) - bgra[..., 2::-1]
    return int(np.abs(between).max())
