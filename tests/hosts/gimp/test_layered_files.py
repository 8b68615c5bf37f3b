"""Files with layers that GIMP wrote are read as it shows them, and it opens what is written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from harmonize_daemon import pictures
from harmonize_daemon.pictures import LayeredPicture, Picture, read_layered
from harmonize_daemon.pictures.blending import overlap

from tests.daemon.pictures import xcf_files

from ..conftest import REPOSITORY, RunningDaemon
from ..layered_files import with_a_darker_layer
from ..said import Said
from .gimp import Gimp


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


@dataclass(frozen=True)
class Document:
    """One of GIMP's own, what GIMP says of it, and what it says when the command line has been there."""

    path: Path
    said: Said
    harmonized: Path
    said_after: Said


@pytest.fixture(scope="module", params=["8", "16"])
def document(request: pytest.FixtureRequest, gimp: Gimp, daemon: RunningDaemon) -> Document:
    name = f"document{request.param}.xcf"
    said = gimp.run("documents", "write", name, request.param)
    target = gimp.shared / f"harmonized-{name}"
    outcome = subprocess.run(
        # The figure stands beside two of its kind: the network alone may see nothing to change.
        [sys.executable, "-m", "harmonize_daemon", "image", str(said.out / name), "-o", str(target), "--warmth", "0.5"],
        env={**os.environ, "HARMONIZE_HOME": str(daemon.home), "PYTHONPATH": search_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return Document(said.out / name, said, target, gimp.run("documents", "read", target.name))


def search_path() -> str:
    return os.pathsep.join(str(REPOSITORY / part) for part in ("plugins", "daemon", "models"))


def test_what_gimp_shows_of_its_documents_is_what_is_read(document: Document) -> None:
    assert differing(document.path, document.said) == 0
    assert differing(document.harmonized, document.said_after) == 0


def test_gimp_finds_all_of_its_document_again(document: Document) -> None:
    before, after = document.said[document.path.name], document.said_after[document.harmonized.name]
    for what in ("channels", "paths", "selection", "precision"):
        assert after[what] == before[what]
    rows = before["layers"]
    place = next(place for place, row in enumerate(rows) if row[1] == "Snowman")
    level, _, visible, where, mode, opacity, _, kind, _ = rows[place]
    new = after["layers"].pop(place)
    assert [*new[:6], *new[7:]] == [level, "Snowman (harmonized)", visible, where, mode, opacity, kind, 0]
    assert new[6] != rows[place][6]
    rows[place][2] = False
    assert after["layers"] == rows
    kinds = {row[7] for row in rows}
    assert {"GroupLayer", "TextLayer", "Layer"} <= kinds
    assert sum(row[8] for row in rows) == 1  # the filter


def test_gimp_has_nothing_to_say_against_it(document: Document) -> None:
    complaints = re.compile("xcf.*(warning|error)|corrupt|invalid", re.IGNORECASE)
    said = [
        [plain(line) for line in one.log.splitlines() if complaints.search(line)]
        for one in (document.said, document.said_after)
    ]
    assert [line for line in said[1] if line not in said[0]] == []  # some scripts of GIMP's complain always


def test_gimp_opens_documents_of_all_versions(gimp: Gimp) -> None:
    pixels = np.repeat(np.random.default_rng(3).integers(0, 256, (90, 50, 4), np.uint8), 3, axis=1)
    pixels[..., 3] = 255
    inner = xcf_files.Node("Inner", inside=(xcf_files.Node("Other", pixels),))
    group = xcf_files.Node("Group", inside=(xcf_files.Node("Figure", pixels, 3, 4), inner))
    changed = []
    for version in (0, 3, 10, 11, 12, 18, 20, 22, 23):
        for compression in (xcf_files.NONE, xcf_files.RUNS, xcf_files.ZLIB):
            form = xcf_files.Format(version, compression)
            source = gimp.shared / f"v{version}-{compression}.xcf"
            xcf_files.save(source, 200, 120, group, xcf_files.Node("Paper", pixels[..., :3]), form=form)
            file = read_layered(source)
            changed.append(source.with_stem(f"{source.stem}-changed"))
            subject = file.subject()
            picture = file.decoded(subject)
            file.write(changed[-1], subject, "New", picture.with_pixels(np.ascontiguousarray(picture.pixels[::-1])))
    said = gimp.run("documents", "read", *(path.name for path in changed))
    assert "corrupt" not in said.log
    for path in changed:
        rows = [(level, name, visible) for level, name, visible, *_ in said[path.name]["layers"]]
        below = [(1, "Inner", True), (2, "Other", True), (0, "Paper", True)]
        assert rows == [(0, "Group", True), (1, "New", True), (1, "Figure", False), *below]
        assert differing(path, said) == 0


def test_documents_with_better_compression_stay_so(gimp: Gimp) -> None:
    """GIMP writes a document as it was when it was read."""
    pixels = np.random.default_rng(5).integers(0, 256, (90, 150, 4), np.uint8)
    pixels[..., 3] = 255
    nodes = xcf_files.Node("Noise", pixels, 5, 6), xcf_files.Node("Paper", np.full((120, 200, 3), 90, np.uint8))
    form = xcf_files.Format(compression=xcf_files.ZLIB)
    xcf_files.save(gimp.shared / "zlib.xcf", 200, 120, *nodes, form=form)
    written = gimp.run("documents", "read", "zlib.xcf").out / "zlib.xcf"
    compression = b"\0\0\0\x11\0\0\0\1\2"
    assert compression in written.read_bytes()[:100]
    file = read_layered(written)
    assert np.array_equal(file.decoded(file.subject()).pixels, pixels)
    changed = with_a_darker_layer(written, gimp.shared, "Noise (harmonized)")
    assert compression in changed.read_bytes()[:100]
    said = gimp.run("documents", "read", changed.name)
    rows = [row[1:3] for row in said[changed.name]["layers"]]
    assert rows == [["Noise (harmonized)", True], ["Noise", False], ["Paper", True]]
    assert differing(changed, said) == 0


def plain(line: str) -> str:
    """Without process numbers and times."""
    return re.sub(r"\d+", "", line)


def differing(path: Path, said: Said) -> int:
    """How many pixels GIMP shows otherwise, by more than two levels; not at soft edges."""
    file = read_layered(path)
    soft = np.zeros((file.height, file.width), bool)
    for layer in file.layers():
        alpha = file.decoded(layer).pixels[..., 3]
        on_canvas, on_layer = overlap(alpha.shape, layer.left, layer.top, soft.shape)
        soft[on_canvas] |= ((alpha > 0) & (alpha < np.iinfo(alpha.dtype).max))[on_layer]
    assert soft.mean() < 0.05
    shown = pictures.read(said.out / f"{path.name}.png")
    levels = shown.pixels[..., :3].astype(np.float32) * (255 / np.iinfo(shown.pixels.dtype).max)
    between = np.abs(file.merged().pixels[..., :3] - levels).max(axis=2)
    return int((between[~soft] > 2).sum())
