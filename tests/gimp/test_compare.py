from __future__ import annotations

from harmonize_gimp import compare

BEFORE, AFTER = bytes([1, 1, 1] * 8), bytes([2, 2, 2] * 8)  # 4 x 2 pixels


def reds(picture: bytes) -> list[list[int]]:
    return [list(picture[row : row + 12 : 3]) for row in (0, 12)]


def test_before_lies_left_of_the_line_and_after_right() -> None:
    assert reds(compare.split(BEFORE, AFTER, 4, 2, 2)) == [[1, 255, 255, 2]] * 2


def test_at_the_edges_there_is_no_line() -> None:
    assert reds(compare.split(BEFORE, AFTER, 4, 2, 0)) == [[2, 2, 2, 2]] * 2
    assert compare.split(BEFORE, AFTER, 4, 2, 9)[:6] == BEFORE[:6]


def test_the_line_can_have_another_color() -> None:
    assert reds(compare.split(BEFORE, AFTER, 4, 2, 2, compare.FOCUSED_LINE)) == [[1, 0x35, 0x35, 2]] * 2


def test_the_veil_covers_what_is_not_foreground() -> None:
    veil = compare.veil(bytes([0, 255, 128]), (10, 20, 30), 0.5)
    assert list(veil[:4]) == [10, 20, 30, 128]
    assert list(veil[3::4]) == [128, 0, 64]
