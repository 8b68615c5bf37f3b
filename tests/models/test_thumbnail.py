from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harmonize_models.thumbnail import network_input, size_within, thumbnail
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(1, 100_000), st.integers(1, 100_000), st.integers(1, 1024))
def test_sizes_stay_within_the_long_side_and_keep_their_shape(width: int, height: int, side: int) -> None:
    small_width, small_height = size_within(width, height, side)
    assert 1 <= small_width <= min(width, side)
    assert 1 <= small_height <= min(height, side)
    if max(width, height) > side:
        assert max(small_width, small_height) == side
        assert abs(small_width - width * side / max(width, height)) <= 0.5 or small_width == 1
    else:
        assert (small_width, small_height) == (width, height)


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_every_depth_and_layout_becomes_8_bit(channels: int, dtype: Any) -> None:
    shape = (60, 90, channels) if channels else (60, 90)
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    pixels = np.full(shape, white * 0.6).astype(dtype)
    small = thumbnail(pixels, 30)
    assert small.dtype == np.uint8
    assert small.shape == (20, 30, channels)[: len(shape)]
    assert np.abs(small.astype(int) - 153).max() <= 1


def test_every_pixel_counts() -> None:
    """A lone bright pixel anywhere shows in the thumbnail: area-correct, not sampled."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        pixels = np.zeros((64, 64), np.float32)
        pixels[tuple(rng.integers(0, 64, 2))] = 1
        assert thumbnail(pixels, 16).astype(float).sum() == pytest.approx(255 / 16, rel=0.35)


def test_fine_stripes_become_grey_without_moire() -> None:
    stripes = np.zeros((1000, 1000, 3), np.uint8)
    stripes[:, ::2] = 255
    small = thumbnail(stripes, 171)
    assert np.abs(small[2:-2, 2:-2].astype(int) - 127).max() <= 4


def test_small_pictures_are_returned_as_they_are() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    assert np.array_equal(thumbnail(pixels, 512), pixels)


def test_transparent_pixels_do_not_bleed() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 0] = 255  # red, hidden
    pixels[:, ::2] = (0, 200, 0, 255)
    small = thumbnail(pixels, 16)
    assert small[..., 0].max() == 0
    assert np.abs(small[..., 1].astype(int) - 200).max() <= 2
    assert np.abs(small[2:-2, 2:-2, 3].astype(int) - 128).max() <= 8


def test_opaque_pictures_with_alpha_are_like_those_without() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 200, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    small = thumbnail(pixels, 100)
    assert np.array_equal(small[..., :3], thumbnail(pixels[..., :3], 100))
    assert (small[..., 3] == 255).all()


def test_floats_are_clamped_and_nan_is_black() -> None:
    pixels = np.array([[np.nan, np.inf, -np.inf, 7.0, -1.0, 0.5]], np.float32)
    assert thumbnail(pixels).tolist() == [[0, 255, 0, 255, 0, 128]]


def test_views_of_larger_arrays_are_taken() -> None:
    whole = np.random.default_rng(0).integers(0, 256, (50, 60, 4), dtype=np.uint8)
    assert np.array_equal(thumbnail(whole[5:45, 10:50, :3], 20), thumbnail(whole[5:45, 10:50, :3].copy(), 20))


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((0, 4), np.uint8), np.zeros(7, np.uint8), np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4), np.int32)],
)
def test_what_is_no_picture_is_refused(pixels: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"are|is"):
        thumbnail(pixels)


@pytest.mark.parametrize("size", [(300, 512), (1, 1), (256, 256), (3, 900)])
def test_networks_see_a_square_in_the_unit_range(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    seen = network_input(picture, 256)
    assert seen.shape == (1, 3, 256, 256)
    assert 0 <= float(seen.min()) <= float(seen.max()) <= 1
    assert seen.mean(dim=(0, 2, 3)).numpy() == pytest.approx(picture.mean(axis=(0, 1)) / 255, abs=0.03)
    assert network_input(picture[..., 0], 64).shape == (1, 1, 64, 64)
