from __future__ import annotations

import random
import struct
import tracemalloc

import pytest
from harmonize_gimp import masks
from harmonize_gimp.geometry import Box


def test_soft_values_stay_where_the_other_mask_is_full() -> None:
    assert masks.both(bytes([0, 1, 128, 255]), bytes([255, 255, 0, 255])) == bytes([0, 1, 0, 255])


def test_two_soft_masks_are_multiplied() -> None:
    assert masks.product(bytes([0, 128, 128, 255]), bytes([255, 255, 128, 255])) == bytes([0, 128, 64, 255])


def test_what_lies_above_is_no_part_of_a_mask() -> None:
    assert masks.without(bytes([255, 255, 128, 0]), bytes([0, 255, 128, 7])) == bytes([255, 0, 64, 0])


def test_of_a_faded_mask_a_share_is_left() -> None:
    assert masks.faded(bytes([255, 100, 0]), 0.5) == bytes([128, 50, 0])
    assert masks.faded(b"\x07", 1.0) == b"\x07"


def test_masks_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="4 and 3 bytes"):
        masks.both(bytes(4), bytes(3))


def test_any_coverage_counts_as_full() -> None:
    assert masks.full_where_any(bytes([0, 1, 254, 255])) == bytes([0, 255, 255, 255])


def test_bounds_enclose_everything_that_is_not_zero() -> None:
    rows = ["......", "...1..", ".2....", "......"]
    mask = bytes(0 if value == "." else int(value) for row in rows for value in row)
    assert masks.bounds(mask, 6) == Box(1, 1, 3, 2)


def test_bounds_agree_with_a_plain_search() -> None:
    choose = random.Random(7)
    for _ in range(200):
        width, height = choose.randint(1, 9), choose.randint(1, 9)
        mask = bytes(choose.choice([0, 0, 0, 0, 9]) for _ in range(width * height))
        points = [(index % width, index // width) for index, value in enumerate(mask) if value]
        if points:
            xs, ys = zip(*points, strict=True)
            expected = Box.between(min(xs), min(ys), max(xs) + 1, max(ys) + 1)
        else:
            expected = Box(0, 0, 0, 0)
        assert masks.bounds(mask, width) == expected


def test_a_cropped_part_has_its_own_rows() -> None:
    picture = bytes(range(24))  # 4 x 3 pixels of 2 bytes
    assert masks.crop(picture, 8, Box(1, 1, 2, 2), 2) == bytes([10, 11, 12, 13, 18, 19, 20, 21])


@pytest.mark.parametrize("band_pixels", [1, 3, 100])
def test_every_bit_is_kept_where_the_mask_is_zero(band_pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "BAND_PIXELS", band_pixels)
    before, after = bytes(range(12)), bytearray(range(100, 112))
    masks.keep_outside(after, before, bytes([0, 1, 0, 255]))
    assert after == bytes([0, 1, 2, 103, 104, 105, 6, 7, 8, 109, 110, 111])


def test_keeping_what_is_outside_takes_little_memory() -> None:
    pixels = 1_000_000
    before, after, mask = bytes(8 * pixels), bytearray(b"\1" * 8 * pixels), bytes([0, 255]) * (pixels // 2)
    tracemalloc.start()
    masks.keep_outside(after, before, mask)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(before)


def test_pixels_that_do_not_fit_the_mask_are_refused() -> None:
    with pytest.raises(ValueError, match="for 4 pixels"):
        masks.keep_outside(bytearray(13), bytes(13), bytes(4))


def test_alpha_comes_back_whatever_a_conversion_made_of_it() -> None:
    before, after = bytes([1, 2, 3, 4, 5, 6, 7, 8]), bytearray([11, 12, 13, 14, 15, 16, 17, 18])
    masks.keep_alpha(after, before, 4, 1)
    assert after == bytes([11, 12, 13, 4, 15, 16, 17, 8])


def test_rows_with_gaps_become_one_picture() -> None:
    padded = bytes([1, 2, 3, 0, 4, 5, 6])  # 1 x 2 pixels; the last row has no padding
    assert masks.packed(padded, 1, 2, 4, 3) == bytes([1, 2, 3, 255, 4, 5, 6, 255])
    assert masks.packed(bytes(range(8)), 2, 1, 8, 4) == bytes(range(8))


def test_a_layer_is_exchanged_in_its_scene_by_its_alpha() -> None:
    scene = bytes([10, 20, 30] * 4)
    before = bytes([1, 2, 3, 0, 10, 20, 30, 255, 100, 100, 100, 51, 200, 0, 0, 254])
    after = bytes([9, 9, 9, 0, 50, 60, 70, 255, 200, 50, 100, 51, 0, 255, 255, 254])
    seen = masks.exchanged(scene, before, after)
    assert seen[:6] == bytes([10, 20, 30, 50, 60, 70])
    assert [seen[6] > 10, seen[7] < 20, seen[8]] == [True, True, 30]
    assert seen[9:] == bytes([0, 255, 255])


def test_what_shows_through_is_mixed_as_light() -> None:
    black, white = bytes([0, 0, 0, 255]), bytes([255] * 4)
    assert masks.exchanged(black[:3], black, white, opacity=0.5) == bytes([188] * 3)
    levels = bytes(range(256)) * 3
    unchanged = bytes([7, 7, 7, 99]) * 256
    assert masks.exchanged(levels, unchanged, unchanged) == levels


def test_grey_and_alpha_are_told_apart_and_put_together() -> None:
    rgba = bytes([7, 7, 7, 8, 9, 9, 9, 10])
    assert masks.grey_alpha(rgba) == bytes([7, 8, 9, 10])
    assert masks.rgba_of(bytes([7, 8, 9, 10])) == rgba


def test_soft_masks_are_multiplied_as_any_others() -> None:
    random.seed(1)
    one = bytes(random.choice((0, 255, 7, 128, 254)) for _ in range(500))
    other = bytes(random.choice((0, 255, 1, 99, 254)) for _ in range(500))
    assert masks.product(one, other) == bytes((a * b + 127) // 255 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("depth", "half"), [("u8", 128), ("u16", 32896), ("f16", 128 / 255), ("f32", 128 / 255)])
def test_another_alpha_is_stored_in_the_depth_of_the_pixels(depth: str, half: float) -> None:
    form = {"u8": "B", "u16": "H", "f16": "e", "f32": "f"}[depth]
    before = struct.pack(f"<4{form}", 3, 1, 9, 1)
    after = struct.unpack(f"<4{form}", masks.with_alpha(before, bytes([128, 255]), 2, depth))
    assert after[::2] == (3, 9)
    assert after[1] == pytest.approx(half, rel=1e-3)
    assert after[3] == {"u8": 255, "u16": 65535}.get(depth, 1)
