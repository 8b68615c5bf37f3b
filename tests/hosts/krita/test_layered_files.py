"""Files with layers that Krita wrote are read as it shows them, and it opens what is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from harmonize_daemon.pictures import LayeredPicture, read_layered

from ..layered_files import with_a_darker_layer
from ..said import Said
from .krita import Krita


@pytest.fixture(scope="module", params=["layers.ora", "layers.psd", "layers.kra"])
def written(request: pytest.FixtureRequest, krita: Krita) -> Path:
    """The file that Krita wrote; beside it `merged`, what Krita shows of it."""
    return krita.run("layered", "write", request.param).out / request.param


@pytest.fixture(scope="module")
def read_back(krita: Krita, written: Path) -> Said:
    """What Krita says of the file with another layer in it, of darker pixels."""
    changed = with_a_darker_layer(written, krita.shared, "Figure (harmonized)")
    said = krita.run("layered", "read", changed.name)
    shutil.copy(changed, said.out)
    return said


def test_what_krita_shows_is_what_is_read(written: Path) -> None:
    file = read_layered(written)
    assert [layer.name for layer in file.layers()] == ["Figure", "Scene"]
    assert difference(file, written.with_name("merged")) <= 2


def test_krita_opens_what_is_written(read_back: Said) -> None:
    assert read_back["layers"]["rows"] == ["Scene", "(Figure)", "Figure (harmonized)"]
    assert difference(read_layered(next(read_back.out.glob("harmonized.*"))), read_back.out / "merged") <= 2


def difference(file: LayeredPicture, shown: Path) -> int:
    """Of the colors, in levels."""
    bgra = np.frombuffer(shown.read_bytes(), np.uint8).reshape(file.height, file.width, 4)
    between = file.merged().pixels[..., :3].astype(int) - bgra[..., 2::-1]
    return int(np.abs(between).max())
