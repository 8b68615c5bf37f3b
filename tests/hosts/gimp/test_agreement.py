"""Every kind of image: GIMP's result is what the daemon gives for the same request, and the rest stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from harmonize_client import Client, LayerFormat, Look, Place, Session, Thumbnail
from PIL import Image

from ..conftest import RunningDaemon
from ..said import Said
from .gimp import Gimp

TYPES = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}
PRECISIONS = (
    "u8 u8-linear u8-perceptual u16 u16-linear u32 half half-linear float float-linear double".split()  # noqa: SIM905
)
GREY = ("u8", "u8-linear", "u16", "half", "float-linear")
CASES = [
    *(f"rgb-{precision}" for precision in PRECISIONS),
    *(f"grey-{precision}" for precision in GREY),
    *(f"opaque-{precision}" for precision in ("u8", "u16", "float")),
    *(f"replace-{precision}" for precision in ("u8", "u16-linear", "float")),
    *("grey-opaque", "indexed", "profile-u8", "profile-float", "whole-layer", "hard-selection", "layer-mask"),
    *("layer-mask-replace", "in-group", "blend-mode", "filtered", "filtered-replace"),
    *("larger-than-image", "larger-than-image-replace", "scaled"),
]

# Results that were converted back to the layer's own format are as fine as that format, seen as encoded values:
# linear 8-bit light has steps of 1/255 that are 13 times as large in the shadows once encoded.
ROUNDING = {
    "u8-linear": 0.05,
    "u8-perceptual": 0.004,
    "half-linear": 2e-3,
    "u16-linear": 2.5e-4,
    "profile-u8": 0.02,
    "profile-float": 1e-3,
}
FINE = 1e-5


@pytest.fixture(scope="module")
def said(gimp: Gimp) -> Said:
    return gimp.run("agreement", timeout=600)


def array(said: Said, case: str, name: str, dtype: Any = np.uint8) -> npt.NDArray[Any]:
    return np.frombuffer((said.out / f"{case}.{name}").read_bytes(), dtype)


@pytest.mark.parametrize("case", CASES)
def test_gimp_gives_what_the_same_request_gives_directly(case: str, said: Said, daemon: RunningDaemon) -> None:
    told = said[case]
    assert told["status"] == "SUCCESS", told["message"]
    _x, _y, width, height = told["box"]
    layer = LayerFormat(width, height, told["layout"], told["depth"])
    sent = (said.out / f"{case}.pixels").read_bytes()
    mask = (said.out / f"{case}.mask").read_bytes() or None
    expected = bytearray(layer.nbytes)
    with Client(Session("tests", start=False, folder=daemon.home)) as client:
        thumbnail = Thumbnail(*told["thumbnail"], (said.out / f"{case}.thumbnail").read_bytes())
        prediction = client.predict(thumbnail, (said.out / f"{case}.thumbnail-mask").read_bytes())
        place, look = Place(*told["place"]), Look(contrast=told["contrast"])
        client.render(prediction.adjustment, layer, sent, mask, into=expected, place=place, look=look)
    assert told["result_box"] == told["box"]
    got = (said.out / f"{case}.result").read_bytes()
    if told["exact"]:
        assert got == bytes(expected)
        return
    dtype = TYPES[told["depth"]]
    difference = np.abs(np.frombuffer(got, dtype).astype(float) - np.frombuffer(expected, dtype).astype(float))
    if case == "indexed":
        # The palette has 200 colors: what counts is that most pixels found one that is near.
        assert np.median(difference) <= 6
        return
    tolerance = max((rounding for name, rounding in ROUNDING.items() if case.endswith(name)), default=FINE)
    assert difference.max() <= tolerance


@pytest.mark.parametrize("case", CASES)
def test_nothing_outside_the_mask_changes_by_one_bit(case: str, said: Said) -> None:
    told = said[case]
    _left, _top, width, height = told["layer"]
    x, y, inner_width, inner_height = told["box"]
    before = array(said, case, "before").reshape(height, width, -1)
    after = array(said, case, "after").reshape(height, width, -1)
    chosen = np.zeros((height, width), bool)
    mask = array(said, case, "mask")
    chosen[y : y + inner_height, x : x + inner_width] = (
        mask.reshape(inner_height, inner_width) > 0 if mask.size else True
    )
    assert np.array_equal(before[~chosen], after[~chosen])
    changed = (before != after).any(axis=-1)
    expected = {"indexed": 0.1, "grey-opaque": 0.2}.get(case, 0.5)
    assert changed.sum() > expected * chosen.sum(), "hardly anything was changed: this test would see nothing"
    if told["layout"].endswith("A"):
        alpha_bytes = told["pixel_bytes"] // len(told["layout"]) if case != "indexed" else 1
        assert np.array_equal(before[..., -alpha_bytes:], after[..., -alpha_bytes:])


@pytest.mark.parametrize("case", CASES)
def test_the_result_is_where_and_what_the_artist_expects(case: str, said: Said) -> None:
    told = said[case]
    assert told["parasites"] == ["harmonize-selection"]
    assert told["opacity"] == (70.0 if case == "blend-mode" else 100.0)
    assert told["same_mode"]
    assert told["has_mask"] == case.startswith("layer-mask")
    assert ("Adobe" in told["profile"]) == case.startswith("profile")
    if told["output"] == "replace":
        assert told["layers"] == told["names"]
        assert told["filters"] == (1 if case.startswith("filtered") else 0)
    else:
        assert told["name"] == "Snowman (harmonized)"
        assert told["visible"][:2] == [True, False]
        assert told["filters"] == 0
    assert told["parent"] == ("Group" if case == "in-group" else None)


def test_the_thumbnail_is_the_scene_with_the_layer_and_nothing_above(said: Said) -> None:
    plain = array(said, "rgb-u8", "thumbnail").astype(int)
    in_group = array(said, "in-group", "thumbnail").astype(int)
    assert np.abs(plain - in_group).max() <= 1


@pytest.mark.parametrize(
    ("kind", "precision"), [*(("rgb", each) for each in PRECISIONS), *(("grey", each) for each in GREY)]
)
def test_the_network_sees_the_same_scene_at_every_precision(kind: str, precision: str, said: Said) -> None:
    scene, plain = (array(said, f"{kind}-{each}", "thumbnail").astype(int) for each in (precision, "u8"))
    assert np.abs(scene - plain).max() <= 6  # shadows are coarse in 8 bits of linear light


def test_a_large_image_has_the_same_thumbnail_as_a_small_one(said: Said) -> None:
    width, height = said["scaled"]["thumbnail"]
    assert (width, height) == (512, 341)
    large = array(said, "scaled", "thumbnail").reshape(height, width, 3)
    small_width, small_height = said["rgb-u8"]["thumbnail"]
    small = array(said, "rgb-u8", "thumbnail").reshape(small_height, small_width, 3)
    scaled = np.asarray(Image.fromarray(large).resize((small_width, small_height), Image.Resampling.BOX)).astype(int)
    assert np.abs(scaled - small).mean() < 2


def test_no_selection_means_the_whole_layer(said: Said) -> None:
    told = said["opaque-u8"]
    assert told["box"][3] < told["layer"][3]
    assert said["whole-layer"]["box"][2:] == said["whole-layer"]["layer"][2:]


def test_a_layer_beyond_the_image_is_harmonized_there_too(said: Said) -> None:
    left, _top, _right, bottom = said["larger-than-image"]["place"]
    x, y, _width, height = said["larger-than-image"]["box"]
    offset_x, offset_y, *_ = said["larger-than-image"]["layer"]
    image_width, image_height = said["larger-than-image"]["image"]
    assert left == pytest.approx((offset_x + x) / image_width, abs=2e-3)
    assert bottom == pytest.approx((offset_y + y + height) / image_height, abs=2e-3)
