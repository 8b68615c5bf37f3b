"""How a canvas is painted; what comes out is tested with each format's files."""

from __future__ import annotations

import numpy as np
import pytest
from harmonize_daemon.pictures import blending
from harmonize_daemon.pictures.blending import Canvas, Mode


@pytest.mark.parametrize(("width", "height"), [(64, 1000), (100_000, 3), (1, 500_000), (300, 400)])
def test_pictures_of_every_shape_are_painted_in_parts_of_about_the_same_size(
    monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    parts = []

    def noted(below: np.ndarray, *_: object) -> None:
        parts.append(below[0].size)

    monkeypatch.setattr(blending, "_over", noted)
    Canvas(width, height).paint(np.zeros((height, width, 4), np.uint8), 0, 0, 1.0, Mode.NORMAL)
    assert sum(parts) == width * height
    assert max(parts) <= max(width, 1 << 16)
    assert len(parts) <= max(2 * width * height >> 16, 1) + 1


@pytest.mark.parametrize("mode", [Mode.NORMAL, Mode.OVERLAY])
def test_parts_leave_no_seams(monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    random = np.random.default_rng(5)
    layers = [random.integers(0, 256, (45, 30, 4), dtype=np.uint8) for _ in range(2)]

    def painted() -> np.ndarray:
        canvas = Canvas(30, 45)
        canvas.paint(layers[0], 0, 0, 1.0, Mode.NORMAL)
        canvas.paint(layers[1], -3, 7, 0.6, mode)
        return canvas.pixels(np.uint16)

    whole = painted()
    monkeypatch.setattr(blending, "_BAND_PIXELS", 100)
    np.testing.assert_array_equal(painted(), whole)
