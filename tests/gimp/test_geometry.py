from __future__ import annotations

import pytest
from harmonize_gimp.geometry import Box, Scale, closeup


def test_boxes_meet_in_what_lies_in_both() -> None:
    assert Box(0, 0, 10, 10).common(Box(4, -3, 20, 8)) == Box(4, 0, 6, 5)


def test_boxes_that_do_not_meet_have_nothing_in_common() -> None:
    assert Box(0, 0, 10, 10).common(Box(10, 0, 5, 5)).empty


def test_a_small_picture_is_not_enlarged() -> None:
    assert Scale.to_fit(100, 50, 512) == Scale(100, 50, 1.0)


def test_the_longer_side_fits() -> None:
    scale = Scale.to_fit(3000, 6000, 512)
    assert (scale.width, scale.height) == (256, 512)


def test_a_line_of_pixels_keeps_one_row() -> None:
    assert Scale.to_fit(6000, 1, 512).height == 1


def test_the_whole_picture_is_placed_on_the_whole_thumbnail() -> None:
    assert Scale.to_fit(6000, 4000, 512).place(Box(0, 0, 6000, 4000)) == pytest.approx((0, 0, 1, 1), abs=2e-3)


def test_a_layer_beyond_the_edge_is_placed_outside() -> None:
    left, top, right, bottom = Scale.to_fit(200, 100, 512).place(Box(-50, 25, 100, 150))
    assert (left, top, right, bottom) == pytest.approx((-0.25, 0.25, 0.25, 1.75))


@pytest.mark.parametrize("box", [Box(10, 20, 30, 60), Box(0, 0, 5, 5), Box(595, 390, 5, 10), Box(0, 0, 600, 3)])
def test_a_closeup_has_the_pictures_shape_and_all_of_the_box(box: Box) -> None:
    part = closeup(box, 600, 400)
    assert part.width / part.height == pytest.approx(1.5, abs=0.15)
    assert part.common(box) == box
    assert part.common(Box(0, 0, 600, 400)) == part


def test_a_closeup_of_what_fills_the_picture_is_the_picture() -> None:
    assert closeup(Box(20, 0, 500, 400), 600, 400) == Box(0, 0, 600, 400)
