import numpy as np
import pytest
from harmonize_models.adjustments import EdgeColors
from harmonize_models.adjustments.edges import share_of_edge
from harmonize_models.layer import Place

RED, BLUE, GREEN = (200, 20, 10), (10, 30, 180), (0, 255, 0)


def two_halves() -> tuple[np.ndarray, np.ndarray]:
    """A red and a blue half with a broad green fringe, of which the mask says that it is half transparent."""
    composite = np.full((120, 200, 3), GREEN, np.uint8)
    composite[40:80, 60:100], composite[40:80, 100:140] = RED, BLUE
    mask = np.zeros((120, 200), np.uint8)
    mask[20:100, 40:160] = 128
    mask[40:80, 60:140] = 255
    return composite, mask


def test_the_fringe_takes_the_color_of_the_solid_part_that_it_belongs_to() -> None:
    edges = EdgeColors.of(*two_halves())
    assert edges is not None
    assert edges.extent == Place(40 / 200, 20 / 120, 160 / 200, 100 / 120)
    for u, color in ((0.22, RED), (0.35, RED), (0.62, BLUE), (0.78, BLUE)):
        for v in (0.2, 0.5, 0.8):
            assert edges.slice(u, v) * 255 == pytest.approx(color, abs=1)


def test_nothing_of_what_the_mask_leaves_out_comes_in() -> None:
    composite, mask = two_halves()
    other = np.where(mask[..., None] == 255, composite, 77).astype(np.uint8)
    assert EdgeColors.of(composite, mask) == EdgeColors.of(other, mask)


def test_without_solid_pixels_there_are_no_edge_colors() -> None:
    composite, mask = two_halves()
    assert EdgeColors.of(composite, np.minimum(mask, 200)) is None
    assert EdgeColors.of(composite, np.zeros_like(mask)) is None


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (119, 199, 120, 200), (0, 0, 120, 200), (5, 0, 6, 200), (0, 7, 120, 9)])
def test_boxes_of_any_size_will_do(box: tuple[int, int, int, int]) -> None:
    composite, mask = np.full((120, 200, 3), RED, np.uint8), np.zeros((120, 200), np.uint8)
    top, left, bottom, right = box
    mask[top:bottom, left:right] = 255
    edges = EdgeColors.of(composite, mask)
    assert edges is not None
    assert edges.slice(0.5, 0.5) * 255 == pytest.approx(RED)


def test_colors_hold_at_the_centers_of_cells_and_positions_broadcast() -> None:
    colors = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    edges = EdgeColors(colors, Place(0.2, 0.4, 1.0, 1.0))
    u, v = 0.2 + 0.8 * (np.arange(4) + 0.5) / 4, 0.4 + 0.6 * (np.arange(3)[:, None] + 0.5) / 3
    assert edges.slice(u, v) * 255 == pytest.approx(colors.astype(float), abs=1e-3)
    assert edges.slice(-9, 9) * 255 == pytest.approx(colors[2, 0].astype(float), abs=1e-3)


def test_the_clearer_a_pixel_is_the_more_it_takes() -> None:
    shares = share_of_edge(np.linspace(0, 1, 11))
    assert (np.diff(shares) < 0).all()
    assert shares[0] == 1
    assert shares[-1] == 0


@pytest.mark.parametrize(
    "colors",
    [np.zeros((2, 2, 4), np.uint8), np.zeros((2, 65, 3), np.uint8), np.zeros((0, 2, 3), np.uint8), np.zeros((2, 2, 3))],
)
def test_other_arrays_are_refused(colors: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Edge colors"):
        EdgeColors(colors)


def test_cutting_out_softly_and_pasting_elsewhere_leaves_less_of_the_old_background() -> None:
    """A disc of two colors, cut out of green with a border 12 pixels wide, above grey."""
    y, x = np.mgrid[0:256, 0:256]
    alpha = np.clip((90 - np.hypot(y - 128, x - 128)) / 12 + 0.5, 0, 1)[..., None]
    true = np.where((x < 128)[..., None], RED, BLUE)
    cut_out, grey = alpha * true + (1 - alpha) * np.array(GREEN), 128.0
    composite = np.rint(alpha * cut_out + (1 - alpha) * grey).astype(np.uint8)
    edges = EdgeColors.of(composite, np.rint(alpha[..., 0] * 255).astype(np.uint8))
    assert edges is not None
    clean = cut_out + share_of_edge(alpha) * (edges.slice((x + 0.5) / 256, (y + 0.5) / 256) * 255 - cut_out)

    def error(colors: np.ndarray) -> float:
        border = (alpha[..., 0] > 0) & (alpha[..., 0] < 1)
        return float(np.square(alpha * (colors - true))[border].mean())

    assert error(clean) < error(cut_out) / 4
