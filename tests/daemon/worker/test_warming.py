"""Kernels that were compiled when the plug-in was installed are what the worker loads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harmonize_daemon.worker import warming
from harmonize_models import render

from tests.daemon.conftest import Start

ADJUSTMENT = b'{"version": 1, "network": "", "curves": {"values": [[0, 0.5], [0, 0.5], [0, 1]]}, "grid": null}'


def test_a_worker_compiles_nothing_that_was_compiled_before(start: Start) -> None:
    assert warming.compile_kernels()
    cache = Path(os.environ["NUMBA_CACHE_DIR"])

    def compiled() -> dict[Path, int]:
        return {file: file.stat().st_mtime_ns for file in cache.rglob("*.nbc")}

    before = compiled()
    assert before
    daemon = start(engine="harmonize_daemon.worker.engine:Engine", device="cpu")
    with daemon.raw() as client:
        for depth, layout, pixel_bytes in (("u8", "RGBA", 4), ("u16", "RGBA", 8), ("f32", "RGB", 12)):
            layer = {"width": 8, "height": 8, "layout": layout, "depth": depth}
            id = client.send("render", ADJUSTMENT, layer=layer, masked=False)
            client.bands(id, 8, 8, bytes(64 * pixel_bytes), pixel_bytes=pixel_bytes)
    assert compiled() == before


def test_kernels_that_cannot_be_compiled_do_no_harm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warm_up(depths: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(render, "warm_up", warm_up)
    assert not warming.compile_kernels()
    assert "No space left" in capsys.readouterr().out
