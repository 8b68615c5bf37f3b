"""Masks of bytes."""

from __future__ import annotations

import struct

import pytest
from harmonize_selection import masks


@pytest.mark.parametrize("form", ["B", "H", "e", "f"])
def test_opacity_is_zero_exactly_where_a_pixel_is_clear(form: str) -> None:
    full = {"B": 255, "H": 65535, "e": 1.0, "f": 1.0}[form]
    half = {"B": 128, "H": 32768, "e": 0.5, "f": 0.5}[form]
    pixels = struct.pack(f"<12{form}", *[full] * 3, 0, *[full] * 3, half, 0, 0, 0, full)
    opacity = masks.opacity_bytes(pixels, len(pixels) // 3)
    assert masks.covered(opacity) == b"\x00\xff\xff"


def test_a_soft_selection_stays_soft_where_the_layer_is() -> None:
    assert masks.restricted(bytes([10, 200, 255, 7]), to=bytes([255, 255, 0, 0])) == bytes([10, 200, 0, 0])


def test_masks_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="masks of 2 and 3"):
        masks.restricted(bytes(2), to=bytes(3))


def test_the_extent_is_all_that_is_not_clear() -> None:
    picture = bytearray(5 * 4)
    assert masks.extent(bytes(picture), 5) == (0, 0, 0, 0)
    picture[1 * 5 + 3] = picture[2 * 5 + 1] = 1
    assert masks.extent(bytes(picture), 5) == (1, 1, 4, 3)
    assert masks.extent(bytes([1] * 20), 5) == (0, 0, 5, 4)


def test_products_keep_what_is_whole() -> None:
    assert masks.multiplied(bytes([255, 255, 128, 0]), bytes([255, 77, 128, 9])) == bytes([255, 77, 64, 0])


def test_masked_copies_leave_every_other_bit() -> None:
    target = bytearray(b"aabbccddee")
    masks.copy_masked(b"AABBCCDDEE", target, bytes([0, 1, 255, 0, 9]), 2)
    assert target == b"aaBBCCddEE"


def test_copies_of_the_wrong_size_are_refused() -> None:
    with pytest.raises(ValueError, match="same size"):
        masks.copy_masked(b"abc", bytearray(4), bytes(2), 2)


def test_the_shade_is_clear_where_everything_changes() -> None:
    shades = masks.shade(bytes([0, 255]))
    assert shades == bytes([0, 0, 0, 178, 0, 0, 0, 0])


def test_grey_there_and_back() -> None:
    rgba = bytes([7, 7, 7, 255, 9, 9, 9, 128])
    assert masks.grey_alpha(rgba) == bytes([7, 255, 9, 128])
    assert masks.rgba_of(masks.grey_alpha(rgba)) == rgba


def test_alpha_of_any_depth_can_be_exchanged() -> None:
    assert masks.with_alpha_of(b"12345678", b"abcdefgh", 4, 1) == b"abc4efg8"
    assert masks.with_alpha_of(b"12345678", b"abcdefgh", 4, 2) == b"ab34ef78"
