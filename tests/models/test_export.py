import json

import numpy as np
import pytest
from harmonize_models.adjustments import Adjustment, ColorGrid, Curves, Look
from harmonize_models.export import CUBE_SIDE, FORMATS, bake, cube, export, gimp_curves, krita_curves
from harmonize_models.layer import Depth, LayerFormat, Layout
from harmonize_models.render import render

CURVES = Adjustment(Curves(np.linspace(0, 1, 65) ** np.array([[0.8], [1.2], [0.9]])), None, "s2crnet")
LOCAL = Adjustment(
    CURVES.curves, ColorGrid(np.eye(3, 4) + np.random.default_rng(0).normal(0, 0.05, (2, 3, 3, 3, 4))), "idih"
)
LOOK = Look(strength=0.8, warmth=0.3)


def rendered(adjustment: Adjustment, look: Look, colors: np.ndarray) -> np.ndarray:
    pixels = np.ascontiguousarray(colors, dtype=np.float32)
    out = np.empty_like(pixels)
    render(adjustment, look, LayerFormat(len(pixels), 1, Layout.RGB, Depth.F32), pixels, None, out)
    return out


def read_cube(text: str) -> np.ndarray:
    """[blue, green, red, 3], as the specification orders them."""
    rows = [line for line in text.splitlines() if line and line[0] in "-0123456789"]
    return np.array([row.split() for row in rows], float).reshape(CUBE_SIDE, CUBE_SIDE, CUBE_SIDE, 3)


def test_gimp_points_lie_on_the_curve_that_rendering_uses() -> None:
    text, exact = gimp_curves(CURVES, LOOK)
    points = json.loads(text)
    assert exact
    assert list(points) == ["red", "green", "blue"]
    for channel, name in enumerate(points):
        x, y = np.array(points[name]).T
        out = rendered(CURVES, LOOK, np.repeat(x[:, None], 3, axis=1))
        assert y == pytest.approx(np.clip(out[:, channel], 0, 1), abs=1e-4)
        assert x[0] == 0
        assert x[-1] == 1


def test_krita_curves_hold_the_same_points() -> None:
    krita, gimp = json.loads(krita_curves(CURVES, LOOK)[0]), json.loads(gimp_curves(CURVES, LOOK)[0])
    assert list(krita) == ["curve1", "curve2", "curve3"]
    for text, points in zip(krita.values(), gimp.values(), strict=True):
        assert text.endswith(";")
        read = [[float(number) for number in pair.split(",")] for pair in text.rstrip(";").split(";")]
        assert np.array(read) == pytest.approx(np.array(points), abs=1e-5)


def test_a_cube_holds_what_rendering_does_to_its_colors_red_fastest() -> None:
    for look in (LOOK, Look(saturation=0.5, color_only=True, light=0.3)):
        text, exact = cube(CURVES, look)
        assert exact
        assert f"LUT_3D_SIZE {CUBE_SIDE}" in text
        table = read_cube(text)
        b, g, r = 5, 17, 30
        color = np.array([[r, g, b]]) / (CUBE_SIDE - 1)
        assert table[b, g, r] == pytest.approx(np.clip(rendered(CURVES, look, color)[0], 0, 1), abs=1e-5)


def test_what_a_format_cannot_hold_is_admitted() -> None:
    for format in FORMATS:
        assert export(CURVES, LOOK, format)[1]
        assert not export(LOCAL, LOOK, format)[1]
    mixing = Look(saturation=0.5)
    assert [export(CURVES, mixing, format)[1] for format in FORMATS] == [False, False, True]


def test_a_grid_that_is_the_same_everywhere_is_exact_in_a_cube() -> None:
    everywhere = Adjustment(CURVES.curves, ColorGrid(np.repeat(LOCAL.grid.coefficients[:, :1, :1], 3, axis=1)))  # type: ignore[union-attr]
    assert cube(everywhere, Look())[1]
    assert not gimp_curves(everywhere, Look())[1]
    assert gimp_curves(Adjustment(CURVES.curves, ColorGrid.identity((4, 4, 4))), Look())[1]


def test_of_a_local_grid_curves_keep_what_the_middle_of_greys_gets() -> None:
    baked, exact = bake(LOCAL, Look())
    assert not exact
    greys = np.repeat(np.linspace(0, 1, 11)[:, None], 3, axis=1)
    mean = ColorGrid(LOCAL.grid.coefficients.mean(axis=(1, 2), keepdims=True))  # type: ignore[union-attr]
    wanted = rendered(Adjustment(LOCAL.curves, mean), Look(), greys)
    assert baked.sample(greys) == pytest.approx(wanted, abs=1e-3)


def test_strength_zero_exports_the_identity() -> None:
    assert bake(LOCAL, Look(strength=0))[0].is_identity


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="There is no format 'psd'"):
        export(CURVES, LOOK, "psd")
