"""What callers hand over is checked where they hand it over."""

from __future__ import annotations

import array
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from harmonize_client import LayerFormat, Look, Place, Thumbnail
from harmonize_client.values import byte_view

PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("layout", "depth", "row_bytes"),
    [
        ("Y", "u8", 10),
        ("YA", "u16", 40),
        ("RGB", "f16", 60),
        ("RGBA", "u8", 40),
        ("BGR", "f32", 120),
        ("BGRA", "f32", 160),
    ],
)
def test_a_row_has_width_times_channels_times_depth_bytes(layout: Any, depth: Any, row_bytes: int) -> None:
    layer = LayerFormat(10, 7, layout, depth)
    assert layer.row_bytes == row_bytes
    assert layer.nbytes == 7 * row_bytes


@pytest.mark.parametrize(
    "arguments", [(0, 1, "Y", "u8"), (1, -1, "Y", "u8"), (1, 1, "CMYK", "u8"), (1, 1, "Y", "u4"), (1, 1, "y", "u8")]
)
def test_impossible_layers_are_refused(arguments: Any) -> None:
    with pytest.raises(ValueError, match=r"pixel|layout|depth"):
        LayerFormat(*arguments)


def test_a_thumbnail_has_three_bytes_a_pixel() -> None:
    Thumbnail(2, 3, bytes(18))
    with pytest.raises(ValueError, match="17 bytes, not 18"):
        Thumbnail(2, 3, bytes(17))


@pytest.mark.parametrize(
    "corners", [(0, 0, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (0, 0, float("inf"), 1), (float("nan"), 0, 1, 1)]
)
def test_impossible_places_are_refused(corners: Any) -> None:
    with pytest.raises(ValueError, match="place"):
        Place(*corners)


def test_a_place_may_lie_outside_the_scene() -> None:
    assert Place(-3, 0.5, 0.1, 7).corners == (-3, 0.5, 0.1, 7)


def test_the_sliders_are_those_of_the_protocol() -> None:
    table = PROTOCOL[PROTOCOL.index("## The look") : PROTOCOL.index("## The adjustment")]
    rows = re.findall(r"^\| `(\w+)` \| (\S+)(?: … (\S+))? \| (\S+) \|", table, re.MULTILINE)
    assert [name for name, *_ in rows] == [field.name for field in dataclasses.fields(Look)]
    for name, low, high, default in rows:
        if low == "bool":
            assert getattr(Look(), name) is (default == "true")
        else:
            assert Look.ranges()[name] == (float(low), float(high))
            assert getattr(Look(), name) == float(default)


@pytest.mark.parametrize("name", Look.ranges())
def test_a_slider_beyond_its_range_is_refused(name: str) -> None:
    low, high = Look.ranges()[name]
    for value in (low, high):
        Look(**{name: value})
    for value in (low - 0.01, high + 0.01, float("nan")):
        with pytest.raises(ValueError, match=name):
            Look(**{name: value})


def test_any_buffer_is_viewed_as_bytes_without_a_copy() -> None:
    floats = array.array("f", [1.0, 2.0])
    view = byte_view(floats, 8, "it", writable=True)
    view[:4] = bytes(4)
    assert floats[0] == 0.0
    square = memoryview(bytearray(12)).cast("B", (3, 4))
    assert byte_view(square, 12, "it").shape == (12,)


def test_buffers_in_pieces_and_read_only_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="in one piece"):
        byte_view(memoryview(bytes(10))[::2], 5, "it")
    with pytest.raises(ValueError, match="cannot be written to"):
        byte_view(bytes(5), 5, "it", writable=True)
