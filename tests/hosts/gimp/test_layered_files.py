"""Files with layers that GIMP wrote are read as it shows them, and it opens what is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from harmonize_daemon import pictures
from harmonize_daemon.pictures import LayeredPicture, Picture, read_layered

from ..layered_files import with_a_darker_layer
from .gimp import Gimp, Said


@pytest.fixture(scope="module", params=["layers.ora", "layers.psd"])
def written(request: pytest.FixtureRequest, gimp: Gimp) -> Path:
    """The file that GIMP wrote; beside it `before.png`, what GIMP shows of it."""
    return gimp.run("layered", "write", request.param).out / request.param


@pytest.fixture(scope="module")
def read_back(gimp: Gimp, written: Path) -> Said:
    """What GIMP says of the file with another layer in it, of darker pixels."""
    changed = with_a_darker_layer(written, gimp.shared, "Snowman (harmonized)")
    said = gimp.run("layered", "read", changed.name)
    shutil.copy(changed, said.out)
    return said


def test_what_gimp_shows_is_what_is_read(written: Path) -> None:
    file = read_layered(written)
    assert [layer.name for layer in file.layers()] == ["Snowman", "Scene"]
    assert difference(file, pictures.read(written.with_name("before.png"))) <= 1


def test_gimp_opens_what_is_written(read_back: Said) -> None:
    rows = read_back["layers"]["rows"]
    assert rows == [["Snowman (harmonized)", True], ["Snowman", False], ["Scene", True]]
    assert (
        difference(read_layered(next(read_back.out.glob("harmonized.*"))), pictures.read(read_back.out / "after.png"))
        <= 1
    )


def difference(file: LayeredPicture, shown: Picture) -> int:
    """Of the colors, in levels; not at soft edges: GIMP blends them in linear light, the formats in encoded values."""
    subject = file.subject()
    _, mask = file.scene(subject, file.decoded(subject))
    hard = (mask == 0) | (mask == 255)
    between = file.merged().pixels[hard].astype(int) - shown.pixels[hard].astype(int)
    return int(np.abs(between[:, :3]).max())
