import math

import numpy as np
import pytest
from harmonize_models.layer import Depth, LayerFormat, Layout, Place


def test_every_layout_says_where_its_channels_are() -> None:
    assert [layout.channels for layout in Layout] == [1, 2, 3, 4, 3, 4]
    assert [layout.has_alpha for layout in Layout] == [False, True, False, True, False, True]
    assert Layout.BGRA.rgb == (2, 1, 0)
    assert Layout.RGBA.rgb == (0, 1, 2)
    assert Layout.YA.rgb == (0, 0, 0)


def test_depths_are_little_endian_whatever_the_machine() -> None:
    assert [depth.dtype.newbyteorder("<") for depth in Depth] == [depth.dtype for depth in Depth]
    assert [depth.dtype.itemsize for depth in Depth] == [1, 2, 2, 4]
    assert [depth.white for depth in Depth] == [255, 65535, 1, 1]


def test_bytes_of_a_row() -> None:
    assert LayerFormat(10, 3, Layout.BGRA, Depth.U16).row_bytes == 80


@pytest.mark.parametrize("side", [0, -1, True, 1.0, "1", np.float32(3)])
def test_sides_are_whole_numbers_of_at_least_one(side: object) -> None:
    with pytest.raises(ValueError, match="width"):
        LayerFormat(side, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="height"):
        LayerFormat(1, side)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sides",
    [
        (0, 0, 0, 1),
        (1, 0, 0, 1),
        (0, 0, math.nan, 1),
        (0, 0, math.inf, 1),
        (0, 0, 1e9, 1),
        (0, 0, 1e-300, 1),
        (0, 1 - 1e-16, 1, 1),
    ],
)
def test_a_place_is_a_finite_box(sides: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="place"):
        Place(*sides)
