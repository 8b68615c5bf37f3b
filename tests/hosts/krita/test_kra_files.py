"""Krita's own documents: read as it shows them; what the command line makes of them is what it opens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from harmonize_daemon.pictures import LayeredPicture, read_layered
from harmonize_daemon.pictures.krita.nodes import MODES
from numpy.typing import NDArray

from ..conftest import REPOSITORY, RunningDaemon
from ..said import Said
from .krita import Krita

LEVELS = {"U8": 1, "U16": 257}
"""Of the depth, in one level of 8 bits."""


@dataclass(frozen=True)
class Documents:
    """What Krita wrote, what the command line made of it, and what Krita says of both."""

    depth: str
    source: Path
    harmonized: Path
    before: Said
    after: Said


@pytest.fixture(scope="module", params=list(LEVELS))
def documents(request: pytest.FixtureRequest, krita: Krita, daemon: RunningDaemon) -> Documents:
    before = krita.run("kra", "write", "layers.kra", request.param)
    source, harmonized = before.out / "layers.kra", krita.shared / f"harmonized-{request.param}.kra"
    harmonize(daemon, source, harmonized)
    after = krita.run("kra", "read", harmonized.name)
    shutil.copy(harmonized, after.out)
    return Documents(request.param, source, harmonized, before, after)


def harmonize(daemon: RunningDaemon, source: Path, target: Path) -> None:
    paths = os.pathsep.join(str(REPOSITORY / part) for part in ("plugins", "daemon", "models"))
    subprocess.run(
        [*(sys.executable, "-m", "harmonize_daemon", "image"), str(source), "-o", str(target), "--layer", "Figure"],
        env={**os.environ, "HARMONIZE_HOME": str(daemon.home), "PYTHONPATH": paths},
        check=True,
        timeout=300,
    )


def test_what_krita_shows_is_what_is_read(documents: Documents) -> None:
    file = read_layered(documents.source)
    assert [layer.name for layer in file.layers()] == ["Veil", "Sketch", "Figure", "Scene"]
    assert difference(file, documents.before.out / "merged", documents.depth) <= 2


def test_krita_shows_what_was_written(documents: Documents) -> None:
    file = read_layered(documents.harmonized)
    assert difference(file, documents.after.out / "merged", documents.depth) <= 2
    assert difference(file, documents.before.out / "merged", documents.depth) > 8


def test_the_new_layer_stands_above_the_old_one_which_is_hidden(documents: Documents) -> None:
    group = ["Group", [["(Figure)", ["Mask"]], "Figure (harmonized)", "Shade"]]
    assert documents.after["layers"]["rows"] == ["Scene", group, "(Sketch)", "Veil"]


def test_krita_finds_the_other_layers_as_they_were(documents: Documents) -> None:
    before, after = documents.before["pixels"], documents.after["pixels"]
    assert {name: after[name] for name in before} == before
    assert after["Figure (harmonized)"] != before["Figure"]


def test_other_programs_find_the_new_picture(documents: Documents) -> None:
    with zipfile.ZipFile(documents.source) as old, zipfile.ZipFile(documents.harmonized) as new:
        assert new.namelist()[0] == "mimetype"
        assert new.read("mimetype") == old.read("mimetype")
        assert new.read("mergedimage.png") != old.read("mergedimage.png")


def test_modes_and_groups_that_pass_through_are_painted_as_krita_does(krita: Krita) -> None:
    said = krita.run("kra", "modes", ",".join(MODES))
    files = sorted(said.out.glob("*.kra"))
    assert len(files) == len(MODES) + 2
    differences = {file.stem: difference(read_layered(file), file.with_suffix(""), "U8") for file in files}
    assert {name: levels for name, levels in differences.items() if levels > 2} == {}


def difference(file: LayeredPicture, shown: Path, depth: str) -> float:
    """Of the colors, in levels of 8 bits."""
    levels = LEVELS[depth]
    bgra = np.frombuffer(shown.read_bytes(), np.uint8 if levels == 1 else np.uint16)
    between = merged(file)[..., :3].astype(int) - bgra.reshape(file.height, file.width, 4)[..., 2::-1]
    return float(np.abs(between).max()) / levels


def merged(file: LayeredPicture) -> NDArray[np.uint8 | np.uint16]:
    """All that is seen, of the file's depth."""
    lowest = file.layers()[-1]
    return file.merged({lowest: file.decoded(lowest)}).pixels
