"""Curves in the words of Krita's filter."""

from __future__ import annotations

import pytest
from harmonize_selection import curve_text
from harmonize_selection.values import Curves

CURVES = Curves("0,0;1,0.5;", "0,0.1;1,1;", "0,0;1,1;")


def test_color_has_eight_transfers_and_red_is_the_second() -> None:
    config = curve_text.filter_config(CURVES, grey=False, linear=False)
    assert '<param name="nTransfers">8</param>' in config
    assert '<param name="curve0">0,0;1,1;</param>' in config
    assert '<param name="curve1">0,0;1,0.5;</param>' in config
    assert '<param name="curve7">0,0;1,1;</param>' in config


def test_grey_has_two_transfers() -> None:
    config = curve_text.filter_config(CURVES, grey=True, linear=False)
    assert '<param name="nTransfers">2</param>' in config
    assert '<param name="curve0">0,0.1;1,1;</param>' in config


def test_points_move_to_where_the_light_is() -> None:
    points = [tuple(map(float, point.split(","))) for point in curve_text.in_light("0,0;0.5,0.25;1,1;").split(";")[:-1]]
    assert points[0] == (0, 0)
    assert points[1] == pytest.approx((0.214041, 0.050876), abs=1e-5)
    assert points[2] == (1, 1)
