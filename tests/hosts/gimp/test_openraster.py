"""OpenRaster files go from GIMP through `harmonize image` and back."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from harmonize_daemon import pictures
from harmonize_daemon.pictures import Picture
from harmonize_daemon.pictures.openraster import OpenRaster

from .gimp import Gimp, Said


@pytest.fixture(scope="module")
def written(gimp: Gimp) -> Path:
    """The file that GIMP wrote; beside it `before.png`, what GIMP shows of it."""
    return gimp.run("openraster", "write").out / "layers.ora"


@pytest.fixture(scope="module")
def read_back(gimp: Gimp, written: Path) -> Said:
    """What GIMP says of the file with another layer in it, of darker pixels."""
    file = OpenRaster(written)
    figure = file.subject()
    picture = file.decoded(figure)
    darker = picture.pixels.copy()
    darker[..., :3] //= 2
    file.write(gimp.shared / "harmonized.ora", figure, "Snowman (harmonized)", picture.with_pixels(darker))
    said = gimp.run("openraster", "read", "harmonized.ora")
    shutil.copy(gimp.shared / "harmonized.ora", said.out)
    return said


def test_what_gimp_shows_is_what_is_read(written: Path) -> None:
    file = OpenRaster(written)
    assert [layer.name for layer in file.layers()] == ["Snowman", "Scene"]
    assert difference(file, pictures.read(written.with_name("before.png"))) <= 1


def test_gimp_opens_what_is_written(read_back: Said) -> None:
    rows = read_back["layers"]["rows"]
    assert rows == [["Snowman (harmonized)", True], ["Snowman", False], ["Scene", True]]
    assert difference(OpenRaster(read_back.out / "harmonized.ora"), pictures.read(read_back.out / "after.png")) <= 1


def difference(file: OpenRaster, shown: Picture) -> int:
    """Of the colors, in levels, but at soft edges: GIMP blends those in linear light, OpenRaster in encoded values."""
    subject = file.subject()
    _, mask = file.scene(subject, file.decoded(subject))
    hard = (mask == 0) | (mask == 255)
    between = file.merged().pixels[hard].astype(int) - shown.pixels[hard].astype(int)
    return int(np.abs(between[:, :3]).max())
