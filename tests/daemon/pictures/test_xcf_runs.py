"""Run lengths of GIMP documents."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from harmonize_daemon.pictures import read_layered
from harmonize_daemon.pictures.xcf import runs_numpy

from . import xcf_files

SIDE = 64
WARM_UP = "from harmonize_daemon.pictures.xcf import runs; runs.warm_up()"
READ_AND_WRITE = """
import sys
from pathlib import Path
from harmonize_daemon.composites import read_composite
output = Path(sys.argv[2])
output.write_bytes(read_composite(Path(sys.argv[1]), None).encoded(output, None))
"""


@pytest.fixture(params=["runs", "runs_numpy"])
def runs(request: pytest.FixtureRequest) -> ModuleType:
    if request.param == "runs":
        pytest.importorskip("numba")
    return import_module(f"harmonize_daemon.pictures.xcf.{request.param}")


def unpacked(runs: ModuleType, data: bytes, *shape: int) -> tuple[int, list[int]]:
    out = np.zeros(shape, np.uint8)
    return runs.unpack(np.frombuffer(data, np.uint8), np.zeros(1, np.int64), SIDE, out), out.ravel().tolist()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bytes([5, 9]), [9] * 6),
        (bytes([127, 0, 6, 9]), [9] * 6),
        (bytes([250, 1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]),
        (bytes([128, 0, 6, 1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]),
        (bytes([1, 7, 254, 8, 9, 1, 3]), [7, 7, 8, 9, 3, 3]),
    ],
)
def test_all_kinds_of_runs_are_understood(runs: ModuleType, data: bytes, expected: list[int]) -> None:
    assert unpacked(runs, data, 2, 3, 1) == (-1, expected)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x05", b"\x06\x09", b"\x7f\x00", b"\x80\x00\x06\x01", b"\xfa\x01\x02", b"\x03\x01", b"\x7f\xff\xff\x01"],
)
def test_runs_that_do_not_fit_are_refused(runs: ModuleType, data: bytes) -> None:
    assert unpacked(runs, data, 2, 3, 1)[0] == 0


@pytest.mark.parametrize("kind", ["noise", "flat", "stripes", "few"])
def test_what_is_packed_comes_back_and_takes_little_more(runs: ModuleType, kind: str) -> None:
    random = np.random.default_rng(2)
    shape = (SIDE, SIDE, 4)
    pixels = {
        "noise": random.integers(0, 256, shape),
        "flat": np.full(shape, 200),
        "stripes": np.broadcast_to(np.arange(SIDE)[:, None, None] // 5, shape),
        "few": random.integers(0, 2, shape),
    }[kind].astype(np.uint8)
    room = np.empty(pixels.size * 2, np.uint8)
    size = runs.pack(pixels.reshape(-1, 4), room)
    assert size <= pixels.size * 1.01 + 16
    assert unpacked(runs, room[:size].tobytes(), *shape) == (-1, pixels.ravel().tolist())
    if kind == "flat" and runs is not runs_numpy:
        assert size == 4 * 4


def test_without_numba_documents_are_read_and_written_alike(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    pixels = random.integers(0, 3, (70, 80, 4), dtype=np.uint8)
    pixels[:50] = 200
    document = xcf_files.save(tmp_path / "hat.xcf", 100, 90, xcf_files.Node("hat", pixels, 3, 5))
    program = "import sys; sys.modules['numba'] = None" + READ_AND_WRITE
    subprocess.run([sys.executable, "-c", program, document, tmp_path / "out.xcf"], check=True)
    new, old = (
        read_layered(tmp_path / "out.xcf").decoded(layer) for layer in read_layered(tmp_path / "out.xcf").layers()
    )
    np.testing.assert_array_equal(new.pixels, pixels)
    np.testing.assert_array_equal(old.pixels, pixels)


def test_what_was_compiled_in_advance_is_what_documents_need(tmp_path: Path) -> None:
    def run(program: str, *arguments: Path) -> None:
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        subprocess.run([sys.executable, "-c", program, *arguments], check=True, env=environment)

    def compiled() -> dict[Path, int]:
        return {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.nbc")}

    run(WARM_UP)
    before = compiled()
    assert len(before) == 2
    layer = xcf_files.Node("hat", np.full((70, 80, 4), 200, np.uint8), 3, 5)
    document = xcf_files.save(tmp_path / "hat.xcf", 100, 90, layer)
    run(READ_AND_WRITE, document, tmp_path / "out.xcf")
    assert (tmp_path / "out.xcf").is_file()
    assert compiled() == before
