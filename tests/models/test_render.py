"""Rendering against an oracle written from the docstring of `pipeline`, in float64, without its code."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from harmonize_models.adjustments import Adjustment, ColorGrid, Curves, EdgeColors, Look
from harmonize_models.adjustments.finish import finish_curves
from harmonize_models.layer import LEAST_SPAN, Depth, LayerFormat, Layout, Place
from harmonize_models.render import Renderer, render
from harmonize_models.render import renderer as render_module
from harmonize_models.render.bands_numpy import NumpyBands
from hypothesis import given, settings
from hypothesis import strategies as st

WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
PLACE = Place(-0.1, 0.2, 0.9, 1.1)
CURVES = Curves(np.linspace(0, 1, 65) ** np.array([[0.8], [1.2], [0.9]]) * 0.95 + 0.02)
GRID = ColorGrid(np.eye(3, 4) + np.random.default_rng(5).normal(0, 0.06, (4, 5, 6, 3, 4)), Place(0.1, 0.1, 0.8, 0.9))
EDGES = EdgeColors(np.random.default_rng(6).integers(0, 256, (7, 5, 3), dtype=np.uint8), Place(0.0, 0.3, 0.7, 0.9))
ADJUSTMENTS = {
    "curves": Adjustment(CURVES),
    "grid": Adjustment(Curves.identity(), GRID),
    "both": Adjustment(CURVES, GRID),
    "edges": Adjustment(CURVES, GRID, edges=EDGES),
}
LOOKS = {
    "plain": Look(),
    "weak": Look(strength=0.37),
    "warm": Look(warmth=0.6, contrast=-0.4),
    "split": Look(light=0.4, color=1.7, tint=-0.3, saturation=0.4),
    "grey": Look(saturation=-1),
    "kept": Look(color_only=True, protect_highlights=True, strength=0.8),
    "clean": Look(clean_edges=True),
    "clean and kept": Look(clean_edges=True, color_only=True, protect_highlights=True, strength=0.8),
}
FORMATS = [(layout, depth) for layout in Layout for depth in Depth]


@pytest.fixture(params=["numba", "numpy"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to render."""
    if request.param == "numpy":
        monkeypatch.setattr(render_module, "_bands", lambda: NumpyBands)
    else:
        pytest.importorskip("numba")
    return request.param


def picture(layer: LayerFormat, seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    shape = (layer.height, layer.width, layer.layout.channels)
    if layer.depth.is_float:
        return (rng.random(shape) * 1.6 - 0.2).astype(layer.depth.dtype)
    return rng.integers(0, layer.depth.white, shape, endpoint=True).astype(layer.depth.dtype)


def soft_mask(layer: LayerFormat, seed: int = 1) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([0, 0, 1, 77, 128, 254, 255, 255], np.uint8), (layer.height, layer.width))


def rendered(
    adjustment: Adjustment, look: Look, layer: LayerFormat, pixels: Any, mask: Any, place: Place = PLACE, **options: Any
) -> np.ndarray[Any, Any]:
    out = np.full_like(pixels, 7)
    render(adjustment, look, layer, pixels, mask, out, place=place, **options)
    return out


def oracle(
    adjustment: Adjustment, look: Look, layer: LayerFormat, pixels: Any, mask: Any, place: Place
) -> np.ndarray[Any, Any]:
    """The result in float64, before rounding and clipping; only for finite pixels."""
    x = pixels[..., list(layer.layout.rgb)].astype(np.float64) / layer.depth.white
    z = cleaned(adjustment.edges, x, pixels, layer, place) if look.clean_edges and adjustment.edges else x
    y = curved(adjustment.curves, z)
    if adjustment.grid is not None:
        y = sliced(adjustment.grid, y, layer, place)
    change = y - z
    light = (change @ WEIGHTS)[..., None]
    y = z + look.light * light + look.color * (change - light)
    finish = finish_curves(look)
    if finish is not None:
        y = curved(finish, y)
    grey = (y @ WEIGHTS)[..., None]
    y = grey + (1 + look.saturation) * (y - grey)
    luma = (z @ WEIGHTS)[..., None]
    if look.color_only:
        y = y + luma - (y @ WEIGHTS)[..., None]
    if look.protect_highlights:
        t = np.clip((luma - 0.7) / 0.3, 0, 1)
        y = z + (1 - (3 * t**2 - 2 * t**3)) * (y - z)
    y = x + look.strength * mask[..., None] / 255.0 * (y - x)
    wanted = pixels.astype(np.float64)
    if layer.layout.is_grey:
        wanted[..., 0] = (y @ WEIGHTS) * layer.depth.white
    else:
        wanted[..., list(layer.layout.rgb)] = y * layer.depth.white
    if layer.layout.has_alpha:
        wanted[pixels[..., -1] == 0] = pixels[pixels[..., -1] == 0]
    return wanted


def cleaned(
    edges: EdgeColors, x: np.ndarray[Any, Any], pixels: Any, layer: LayerFormat, place: Place
) -> np.ndarray[Any, Any]:
    if not layer.layout.has_alpha:
        return x
    alpha = np.clip(pixels[..., -1:].astype(np.float64) / layer.depth.white, 0, 1)
    u = place.left + (np.arange(layer.width) + 0.5) / layer.width * (place.right - place.left)
    v = place.top + (np.arange(layer.height) + 0.5) / layer.height * (place.bottom - place.top)
    extent = edges.extent
    across = tents((u - extent.left) / (extent.right - extent.left), edges.colors.shape[1])
    down = tents((v - extent.top) / (extent.bottom - extent.top), edges.colors.shape[0])
    colors = np.einsum("yi,xj,ijc->yxc", down, across, edges.colors / 255)
    if layer.layout.is_grey:
        grey = np.rint(edges.colors @ WEIGHTS) / 255
        colors = np.einsum("yi,xj,ij->yx", down, across, grey)[..., None]
    return x + (1 - alpha**2) * (colors - x)


def curved(curves: Curves, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    knots = np.linspace(0, 1, curves.pieces + 1)
    out = [np.interp(x[..., c], knots, curves.values[c].astype(np.float64)) for c in range(3)]
    return np.stack(out, axis=-1) + (x - np.clip(x, 0, 1))


def sliced(grid: ColorGrid, y: np.ndarray[Any, Any], layer: LayerFormat, place: Place) -> np.ndarray[Any, Any]:
    """Tent weights of every cell, summed by brute force."""
    inside = np.clip(y, 0, 1)
    u = place.left + (np.arange(layer.width) + 0.5) / layer.width * (place.right - place.left)
    v = place.top + (np.arange(layer.height) + 0.5) / layer.height * (place.bottom - place.top)
    extent = grid.extent
    across = tents((u - extent.left) / (extent.right - extent.left), grid.shape[2])
    down = tents((v - extent.top) / (extent.bottom - extent.top), grid.shape[1])
    level = tents(inside @ WEIGHTS, grid.shape[0])
    transforms = np.einsum("yxd,yi,xj,dijab->yxab", level, down, across, grid.coefficients.astype(np.float64))
    linear = np.einsum("yxab,yxb->yxa", transforms[..., :3], inside)
    return linear + transforms[..., 3] + (y - inside)


def tents(t: np.ndarray[Any, Any], cells: int) -> np.ndarray[Any, Any]:
    place = np.clip(t * cells - 0.5, 0, cells - 1)
    return np.maximum(0, 1 - np.abs(place[..., None] - np.arange(cells)))


def assert_close(out: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any], depth: Depth) -> None:
    if depth.is_float:
        tolerance = {Depth.F16: 1e-3, Depth.F32: 3e-6}[depth]
        assert np.abs(out.astype(np.float64) - wanted).max() <= tolerance
        return
    clipped = np.clip(wanted, 0, depth.white)
    # Rounded to the nearest level, where float32 is sure which that is.
    slack = {Depth.U8: 1e-3, Depth.U16: 0.2}[depth]
    assert np.abs(out.astype(np.float64) - clipped).max() <= 0.5 + slack


# What is computed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layout", "depth"), FORMATS)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", ADJUSTMENTS)
def test_every_layout_and_depth_agrees_with_the_definition(
    engine: str, kind: str, look: str, layout: Layout, depth: Depth
) -> None:
    layer = LayerFormat(37, 5, layout, depth)
    pixels, mask = picture(layer), soft_mask(layer)
    out = rendered(ADJUSTMENTS[kind], LOOKS[look], layer, pixels, mask)
    assert_close(out, oracle(ADJUSTMENTS[kind], LOOKS[look], layer, pixels, mask, PLACE), depth)


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0])
def test_curves_in_8_bit_are_rounded_exactly(engine: str, strength: float) -> None:
    """Every value under every mask: 65,536 cases a channel."""
    layer = LayerFormat(256, 256, Layout.RGB, Depth.U8)
    pixels = np.repeat(np.tile(np.arange(256, dtype=np.uint8), (256, 1))[..., None], 3, axis=2)
    mask = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 256, axis=1)
    out = rendered(ADJUSTMENTS["curves"], Look(strength=strength), layer, pixels, mask)
    x = pixels.astype(np.float64)
    full = CURVES.table(256).T[pixels[..., 0]] * 255
    full = np.stack([full[..., channel] for channel in range(3)], axis=-1)
    wanted = x + mask[..., None] / 255 * strength * (full - x)
    assert np.array_equal(out, np.clip(np.floor(wanted + 0.5), 0, 255))


def test_both_engines_give_the_same_bytes_for_8_bit_curves() -> None:
    pytest.importorskip("numba")
    from harmonize_models.render.bands_numba import NumbaBands
    from harmonize_models.render.pipeline import Pipeline

    for layout in Layout:
        layer = LayerFormat(101, 33, layout, Depth.U8)
        pixels, mask = picture(layer), soft_mask(layer)
        pipeline = Pipeline.of(ADJUSTMENTS["curves"], LOOKS["weak"])
        first, second = np.empty_like(pixels), np.empty_like(pixels)
        NumpyBands(pipeline, layer, PLACE)(pixels, mask, first, 0)
        NumbaBands(pipeline, layer, PLACE)(pixels, mask, second, 0)
        assert np.array_equal(first, second)


@pytest.mark.parametrize("depth", Depth)
def test_no_mask_means_everything(engine: str, depth: Depth) -> None:
    layer = LayerFormat(19, 7, Layout.RGBA, depth)
    pixels = picture(layer)
    full = np.full((7, 19), 255, np.uint8)
    for adjustment in ADJUSTMENTS.values():
        without = rendered(adjustment, Look(), layer, pixels, None)
        assert np.array_equal(without, rendered(adjustment, Look(), layer, pixels, full))


def test_bgr_is_rgb_in_another_order(engine: str) -> None:
    rgba, bgra = LayerFormat(40, 6, Layout.RGBA), LayerFormat(40, 6, Layout.BGRA)
    pixels, mask = picture(rgba), soft_mask(rgba)
    for adjustment in ADJUSTMENTS.values():
        for look in LOOKS.values():
            first = rendered(adjustment, look, rgba, pixels, mask)
            swapped = np.ascontiguousarray(pixels[..., [2, 1, 0, 3]])
            second = rendered(adjustment, look, bgra, swapped, mask)[..., [2, 1, 0, 3]]
            # The order of additions differs: a tie may fall to the other side.
            assert np.abs(first.astype(int) - second).max() <= (0 if adjustment.grid is None else 1)


def test_grey_layers_get_the_luma_of_what_grey_colors_get(engine: str) -> None:
    grey, color = LayerFormat(50, 4, Layout.Y, Depth.F32), LayerFormat(50, 4, Layout.RGB, Depth.F32)
    pixels = picture(grey)
    for adjustment in ADJUSTMENTS.values():
        for look in LOOKS.values():
            out = rendered(adjustment, look, grey, pixels, None)
            wide = rendered(adjustment, look, color, np.repeat(pixels, 3, axis=2), None)
            assert np.abs(out[..., 0] - wide @ WEIGHTS).max() < 1e-5


def test_every_half_float_is_read_and_rounded_as_numpy_does_it(engine: str) -> None:
    layer = LayerFormat(256, 256, Layout.RGB, Depth.F16)
    patterns = np.arange(65536, dtype=np.uint16).view(np.float16)
    pixels = np.repeat(patterns.reshape(256, 256, 1), 3, axis=2)
    shift = Adjustment(Curves(np.linspace(0, 1, 2) + np.array([[0.125], [-0.25], [0.0]])))
    out = rendered(shift, Look(), layer, pixels, None)
    with np.errstate(invalid="ignore"):
        wanted = pixels + np.array([0.125, -0.25, 0], np.float32)
        wanted = np.clip(wanted, -65504, 65504).astype(np.float16)
    untouched = ~np.isfinite(pixels)
    untouched[..., 2] = True
    wanted[untouched] = pixels[untouched]
    assert out.tobytes() == wanted.tobytes()


# What must not change -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layout", "depth"), FORMATS)
def test_mask_zero_leaves_every_bit(engine: str, layout: Layout, depth: Depth) -> None:
    """Also signalling NaN with payload: the pixels are random bytes."""
    layer = LayerFormat(64, 8, layout, depth)
    pixels = np.frombuffer(np.random.default_rng(3).bytes(8 * layer.row_bytes), depth.dtype)
    pixels = pixels.reshape(8, 64, layout.channels)
    mask = soft_mask(layer)
    for adjustment in ADJUSTMENTS.values():
        for look in (Look(), LOOKS["split"]):
            out = rendered(adjustment, look, layer, pixels, mask)
            outside = mask == 0
            assert out[outside].tobytes() == pixels[outside].tobytes()
            empty = rendered(adjustment, look, layer, pixels, np.zeros_like(mask))
            assert empty.tobytes() == pixels.tobytes()


@pytest.mark.parametrize(("layout", "depth"), FORMATS)
def test_strength_zero_and_the_identity_leave_every_bit(engine: str, layout: Layout, depth: Depth) -> None:
    layer = LayerFormat(64, 8, layout, depth)
    pixels = np.frombuffer(np.random.default_rng(4).bytes(8 * layer.row_bytes), depth.dtype)
    pixels = pixels.reshape(8, 64, layout.channels)
    assert rendered(ADJUSTMENTS["both"], Look(strength=0), layer, pixels, None).tobytes() == pixels.tobytes()
    assert rendered(Adjustment(), Look(), layer, pixels, None).tobytes() == pixels.tobytes()


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("layout", [Layout.YA, Layout.RGBA, Layout.BGRA])
def test_alpha_stays_and_transparent_pixels_keep_every_bit(engine: str, layout: Layout, depth: Depth) -> None:
    layer = LayerFormat(64, 8, layout, depth)
    pixels = picture(layer)
    pixels[:, ::3, -1] = 0
    for adjustment in ADJUSTMENTS.values():
        out = rendered(adjustment, LOOKS["split"], layer, pixels, None)
        assert out[..., -1].tobytes() == pixels[..., -1].tobytes()
        assert out[:, ::3].tobytes() == pixels[:, ::3].tobytes()
        assert not np.array_equal(out, pixels)


@pytest.mark.parametrize("depth", [Depth.F16, Depth.F32])
@pytest.mark.parametrize("layout", Layout)
def test_pixels_with_nan_or_infinities_keep_every_bit_and_others_do_not_notice(
    engine: str, layout: Layout, depth: Depth
) -> None:
    layer = LayerFormat(60, 4, layout, depth)
    clean = picture(layer)
    clean[..., -1] = 1
    bad, columns = clean.copy(), [3, 17, 30]
    for column, value in zip(columns, (np.nan, np.inf, -np.inf), strict=True):
        bad[:, column, column % (3 if layout.channels > 2 else 1)] = value
    for adjustment in ADJUSTMENTS.values():
        for look in LOOKS.values():
            with np.errstate(all="raise"):
                out = rendered(adjustment, look, layer, bad, None)
            wanted = rendered(adjustment, look, layer, clean, None)
            wanted[:, columns] = bad[:, columns]
            assert out.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("depth", [Depth.F16, Depth.F32])
def test_the_largest_floats_stay_finite(engine: str, depth: Depth) -> None:
    layer = LayerFormat(9, 1, Layout.RGB, depth)
    largest = float(np.finfo(depth.dtype).max)
    pixels = np.linspace(-largest, largest, 27).astype(depth.dtype).reshape(1, 9, 3)
    for adjustment in ADJUSTMENTS.values():
        for look in LOOKS.values():
            assert np.isfinite(rendered(adjustment, look, layer, pixels, None)).all()


def test_values_beyond_white_keep_their_distance(engine: str) -> None:
    layer = LayerFormat(3, 1, Layout.RGB, Depth.F32)
    pixels = np.array([[[1, 1, 1], [4, 4, 4], [9, 9, 9]]], np.float32)
    for adjustment in ADJUSTMENTS.values():
        out = rendered(adjustment, Look(), layer, pixels, None, Place(0.4, 0.4, 0.4001, 0.4001))
        assert np.diff(out[0, :, 0]) == pytest.approx([3, 5], abs=1e-3)


def test_protected_highlights_leave_white_alone_and_color_only_leaves_luma(engine: str) -> None:
    layer = LayerFormat(256, 1, Layout.RGB, Depth.F32)
    pixels = np.random.default_rng(0).random((1, 256, 3)).astype(np.float32)
    pixels[0, 0] = 1
    adjustment = ADJUSTMENTS["both"]
    assert np.array_equal(rendered(adjustment, Look(protect_highlights=True), layer, pixels, None)[0, 0], [1, 1, 1])
    kept = rendered(adjustment, Look(color_only=True, contrast=0.5), layer, pixels, None)
    assert np.abs(kept @ WEIGHTS - pixels @ WEIGHTS).max() < 1e-5
    assert np.abs(kept - pixels).max() > 0.01
    grey = rendered(adjustment, Look(saturation=-1), layer, pixels, None)
    assert np.ptp(grey, axis=2).max() < 1e-5


def test_clean_edges_leave_solid_pixels_and_alpha_as_they_are_without(engine: str) -> None:
    layer = LayerFormat(64, 64, Layout.RGBA, Depth.U8)
    pixels = picture(layer)
    pixels[:, :32, 3] = 255
    plain = rendered(ADJUSTMENTS["edges"], Look(), layer, pixels, None)
    clean = rendered(ADJUSTMENTS["edges"], Look(clean_edges=True), layer, pixels, None)
    assert np.abs(clean[:, :32].astype(int) - plain[:, :32]).max() <= 1  # once by table, once computed
    assert np.array_equal(clean[..., 3], pixels[..., 3])
    assert np.abs(clean[:, 32:].astype(int) - plain[:, 32:]).mean() > 10


TINY = Place(0, 0, LEAST_SPAN, LEAST_SPAN)


@pytest.mark.parametrize("part", ["grid", "edges"])
@pytest.mark.parametrize("extent", [TINY, Place(-1e6, -1e6, 1e6, 1e6), Place(1e6 - 1, 1e6 - 1, 1e6, 1e6)])
@pytest.mark.parametrize("place", [Place(), TINY, Place(-1e6, -1e6, 1e6, 1e6)])
def test_cells_of_any_extent_are_read_where_they_are(engine: str, part: str, extent: Place, place: Place) -> None:
    """All cells are alike, so that only memory beyond them would show."""
    layer = LayerFormat(40, 3, Layout.RGBA, Depth.U8)
    pixels = picture(layer)
    grid, edges = (
        ColorGrid(np.full((2, 9, 9, 3, 4), 0.1), extent),
        EdgeColors(np.full((9, 9, 3), 200, np.uint8), extent),
    )
    adjustment = Adjustment(grid=grid) if part == "grid" else Adjustment(edges=edges)
    usual = Adjustment(
        grid=adjustment.grid and replace(grid, extent=Place()),
        edges=adjustment.edges and replace(edges, extent=Place()),
    )
    found = rendered(adjustment, Look(clean_edges=True), layer, pixels, None, place)
    wanted = rendered(usual, Look(clean_edges=True), layer, pixels, None)
    assert np.abs(found.astype(int) - wanted).max() <= 1


def test_an_alpha_that_is_no_number_is_not_cleaned(engine: str) -> None:
    layer = LayerFormat(2, 1, Layout.RGBA, Depth.F32)
    pixels = np.array([[[0.2, 0.5, 0.7, np.nan], [0.2, 0.5, 0.7, 1.0]]], np.float32)
    out = rendered(ADJUSTMENTS["edges"], Look(clean_edges=True), layer, pixels, None, Place(0.4, 0.4, 0.4001, 0.4001))
    assert out[0, 0, :3] == pytest.approx(out[0, 1, :3], abs=1e-4)


def test_rounding_an_8_bit_sky_costs_less_than_the_8_bits_that_it_came_with() -> None:
    """Why results are not dithered: what bands there are were in the input, and every preview gives the same bytes."""
    layer, deep = LayerFormat(512, 512, Layout.RGB, Depth.U8), LayerFormat(512, 512, Layout.RGB, Depth.F32)
    y, x = np.mgrid[0:512, 0:512] / 512
    sky = np.stack([0.45 + 0.12 * y + 0.02 * x, 0.6 + 0.1 * y, 0.85 + 0.05 * y], axis=-1)
    pixels = np.floor(sky * 255 + 0.5).astype(np.uint8)
    place = Place(0.2, 0.2, 0.7, 0.7)
    ideal = rendered(ADJUSTMENTS["both"], Look(), deep, sky.astype(np.float32), None, place) * 255
    best = rendered(ADJUSTMENTS["both"], Look(), deep, (pixels / 255).astype(np.float32), None, place) * 255
    rounded = rendered(ADJUSTMENTS["both"], Look(), layer, pixels, None, place)

    def banding(result: np.ndarray[Any, Any]) -> float:
        """Root mean square of what is left of the error in the means of 16 x 16 pixels."""
        blocks = (result - ideal).reshape(32, 16, 32, 16, 3).mean(axis=(1, 3))
        return float(np.sqrt(np.mean(blocks**2)))

    assert banding(rounded) < 0.2
    assert banding(rounded) < 1.5 * banding(best)


# How it is computed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layout", "depth"), FORMATS)
@pytest.mark.parametrize("kind", ADJUSTMENTS)
def test_bands_have_no_seams_to_the_last_bit(engine: str, kind: str, layout: Layout, depth: Depth) -> None:
    layer = LayerFormat(83, 11, layout, depth)
    pixels, mask = picture(layer), soft_mask(layer)
    whole = np.empty_like(pixels)
    renderer = Renderer(ADJUSTMENTS[kind], LOOKS["split"], layer, PLACE)
    renderer.band(pixels, mask, whole, 0)
    banded = np.empty_like(pixels)
    for first, last in ((7, 11), (0, 1), (1, 7)):
        renderer.band(pixels[first:last], mask[first:last], banded[first:last], first)
    assert banded.tobytes() == whole.tobytes()


@pytest.mark.parametrize("depth", Depth)
def test_rendering_in_place_gives_the_same_bytes(engine: str, depth: Depth) -> None:
    layer = LayerFormat(700, 9, Layout.RGBA, depth)
    pixels, mask = picture(layer), soft_mask(layer)
    for adjustment in ADJUSTMENTS.values():
        for look in (Look(), LOOKS["split"]):
            out = rendered(adjustment, look, layer, pixels, mask)
            place = pixels.copy()
            render(adjustment, look, layer, place, mask, place, place=PLACE)
            assert place.tobytes() == out.tobytes()


@pytest.mark.parametrize("depth", Depth)
def test_buffers_may_be_bytes_and_lie_at_odd_addresses(engine: str, depth: Depth) -> None:
    layer = LayerFormat(33, 5, Layout.RGBA, depth)
    pixels, mask = picture(layer), soft_mask(layer)
    for adjustment in ADJUSTMENTS.values():
        wanted = rendered(adjustment, Look(), layer, pixels, mask).tobytes()
        into = bytearray(len(wanted) + 1)
        shifted = memoryview(b"\0" + pixels.tobytes())[1:]
        renderer = Renderer(adjustment, Look(), layer, PLACE)
        renderer.band(shifted, mask.tobytes(), memoryview(into)[1:], 0)
        assert bytes(into[1:]) == wanted
        render(adjustment, Look(), layer, pixels.tobytes(), mask.tobytes(), memoryview(into)[1:], place=PLACE)
        assert bytes(into[1:]) == wanted


def test_the_input_is_never_written_to(engine: str) -> None:
    layer = LayerFormat(33, 5, Layout.BGRA)
    pixels, mask = picture(layer), soft_mask(layer)
    before = pixels.tobytes(), mask.tobytes()
    for adjustment in ADJUSTMENTS.values():
        rendered(adjustment, LOOKS["kept"], layer, pixels, mask)
    assert (pixels.tobytes(), mask.tobytes()) == before


def test_threads_and_band_sizes_change_nothing(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = LayerFormat(300, 50, Layout.RGBA)
    pixels, mask = picture(layer), soft_mask(layer)
    wanted = rendered(ADJUSTMENTS["both"], Look(), layer, pixels, mask)
    monkeypatch.setattr(render_module, "BAND_BYTES", 7 * layer.row_bytes)
    for threads in (1, 4):
        assert np.array_equal(rendered(ADJUSTMENTS["both"], Look(), layer, pixels, mask, threads=threads), wanted)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 40), (6000, 1), (1, 6000), (513, 2), (2, 3)])
def test_layers_of_any_shape(engine: str, width: int, height: int) -> None:
    for layout, depth in ((Layout.RGBA, Depth.U8), (Layout.YA, Depth.U16), (Layout.RGB, Depth.F32)):
        layer = LayerFormat(width, height, layout, depth)
        pixels, mask = picture(layer), soft_mask(layer)
        for adjustment in ADJUSTMENTS.values():
            out = rendered(adjustment, LOOKS["warm"], layer, pixels, mask)
            assert_close(out, oracle(adjustment, LOOKS["warm"], layer, pixels, mask, PLACE), depth)


@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    size=st.tuples(st.integers(1, 90), st.integers(1, 5)),
    left=st.floats(-2, 2),
    width=st.floats(1e-4, 4),
    extent_width=st.floats(1e-3, 3),
)
@settings(max_examples=60, deadline=None)
def test_any_grid_at_any_place(
    shape: tuple[int, int, int], size: tuple[int, int], left: float, width: float, extent_width: float
) -> None:
    """Grids of one cell, layers far outside the grid, layers much smaller or larger than a cell."""
    coefficients = np.eye(3, 4) + np.random.default_rng(0).normal(0, 0.1, (*shape, 3, 4))
    adjustment = Adjustment(CURVES, ColorGrid(coefficients, Place(0.1, 0.2, 0.1 + extent_width, 0.9)))
    place = Place(left, -0.3, left + width, 1.2)
    layer = LayerFormat(*size, Layout.RGB, Depth.F32)
    pixels, mask = picture(layer), soft_mask(layer)
    out = rendered(adjustment, Look(), layer, pixels, mask, place)
    # Where a cell is smaller than a pixel, float32 positions decide less sharply.
    assert np.abs(out - oracle(adjustment, Look(), layer, pixels, mask, place)).max() < 2e-4


def test_one_renderer_serves_many_threads_at_once(engine: str) -> None:
    layer = LayerFormat(400, 64, Layout.RGBA)
    pixels, mask = picture(layer), soft_mask(layer)
    renderer = Renderer(ADJUSTMENTS["both"], LOOKS["split"], layer, PLACE)
    wanted, out = np.empty_like(pixels), np.empty_like(pixels)
    renderer.band(pixels, mask, wanted, 0)

    def work(start: int) -> None:
        for row in range(start, 64, 8):
            renderer.band(pixels[row : row + 1], mask[row : row + 1], out[row : row + 1], row)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(out, wanted)


@pytest.mark.parametrize(
    ("pixels", "mask", "out", "row", "about"),
    [
        (79, 20, 80, 0, "no whole rows"),
        (0, 0, 0, 0, "no whole rows"),
        (80, 19, 80, 0, "mask has 19 bytes for 20"),
        (80, 20, 40, 0, "output has 1 rows"),
        (80, 20, 80, 2, "not all of a layer of 3"),
        (80, 20, 80, -1, "not all of a layer of 3"),
    ],
)
def test_buffers_of_another_size_are_refused(pixels: int, mask: int, out: int, row: int, about: str) -> None:
    renderer = Renderer(ADJUSTMENTS["curves"], Look(), LayerFormat(10, 3))
    with pytest.raises(ValueError, match=about):
        renderer.band(bytes(pixels), bytes(mask), bytearray(out), row)


def test_a_read_only_output_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        Renderer(ADJUSTMENTS["curves"], Look(), LayerFormat(10, 3)).band(bytes(40), None, bytes(40), 0)


# Around it ------------------------------------------------------------------------------------------------------------


def test_rendering_does_not_import_torch() -> None:
    program = (
        "import sys, harmonize_models, harmonize_models.adjustments, harmonize_models.render as r;"
        "import harmonize_models.export, harmonize_models.adjustments.fit, harmonize_models.thumbnail;"
        "assert 'numba' not in sys.modules; r.warm_up(()); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_without_numba_numpy_renders() -> None:
    program = (
        "import sys; sys.modules['numba'] = None\n"
        "from harmonize_models.adjustments import Adjustment, Look\n"
        "from harmonize_models.layer import LayerFormat\n"
        "from harmonize_models.render import render, warm_up\n"
        "warm_up()\n"
        "out = bytearray(16)\n"
        "render(Adjustment(), Look(warmth=1), LayerFormat(2, 2), bytes([128, 128, 128, 255] * 4), None, out)\n"
        "assert out[0] > 128 > out[2], out\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
