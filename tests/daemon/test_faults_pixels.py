"""FAULTS 11 to 15 through the real engine: what pixels and masks themselves can be. Also what real requests do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from harmonize_models.adjustments.adjustment import Adjustment
from harmonize_models.adjustments.curves import Curves
from harmonize_models.predict import EMPTY_MASK, FULL_MASK
from numpy.typing import NDArray

from tests.daemon.rig import Daemon, RawClient

SIDE = 64
BASELINES = ("reinhard", "mkl", "histogram")


@pytest.fixture(scope="module")
def real_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the engine that users get."""
    daemon = Daemon(tmp_path_factory.mktemp("real"), engine="harmonize_daemon.worker.engine:Engine", device="cpu")
    try:
        daemon.ready(300)
        with daemon.raw() as client:
            for depth in ("u8", "u16", "f16", "f32"):  # kernels that nobody has compiled yet take their time
                layer = {"width": 1, "height": 1, "layout": "Y", "depth": depth}
                id = client.send("render", strong(), layer=layer, masked=False)
                client.expect("accepted", id, seconds=300)
                client.send("band", bytes(WIDTHS[depth]), id=id, row=0)
                client.expect("band", id, seconds=300)
                client.expect("done", id)
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture
def client(real_daemon: Daemon) -> Iterator[RawClient]:
    with real_daemon.raw() as client:
        yield client


def networks(client: RawClient) -> list[str]:
    return [network["key"] for network in client.status()["networks"]]


def scene(seed: int = 0, side: int = SIDE) -> bytes:
    """A picture of something: a gradient with a warm patch in the middle, and noise."""
    noise = np.random.default_rng(seed).normal(0, 6, (side, side, 3))
    down, across = np.mgrid[:side, :side] / side
    picture = np.stack([60 + 90 * across, 80 + 60 * down, 150 - 40 * across], axis=-1) + noise
    picture[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] += [70, 10, -60]
    return picture.clip(0, 255).astype(np.uint8).tobytes()


def patch(side: int = SIDE) -> bytes:
    """The mask of that patch."""
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 255
    return mask.tobytes()


def predicted(client: RawClient, mask: bytes, **fields: object) -> tuple[dict[str, object], Adjustment]:
    id = client.send("predict", scene(), mask, thumbnail={"width": SIDE, "height": SIDE}, **fields)
    header, payload = client.expect("predicted", id, seconds=120)
    return header, Adjustment.from_json(payload[0])


def strong() -> bytes:
    """An adjustment that changes every color."""
    x = np.linspace(0, 1, 17)
    return Adjustment(Curves(np.stack([x**0.5, 1 - x, x**2]))).to_json().encode()


WIDTHS = {"u8": 1, "u16": 2, "f16": 2, "f32": 4}
TYPES = {"u8": "<u1", "u16": "<u2", "f16": "<f2", "f32": "<f4"}


def rendered(
    client: RawClient, pixels: NDArray[np.generic], depth: str, layout: str, mask: NDArray[np.uint8] | None = None
) -> NDArray[np.generic]:
    height, width = pixels.shape[:2]
    layer = {"width": width, "height": height, "layout": layout, "depth": depth}
    id = client.send("render", strong(), layer=layer, masked=mask is not None)
    masks = None if mask is None else mask.tobytes()
    data = client.bands(id, width, height, pixels.tobytes(), masks, len(layout) * WIDTHS[depth])
    return np.frombuffer(data, pixels.dtype).reshape(pixels.shape)


def bits(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels).view(np.uint8)


@pytest.mark.parametrize("depth", ["u8", "u16", "f16", "f32"])
@pytest.mark.parametrize("layout", ["Y", "YA", "RGB", "RGBA", "BGR", "BGRA"])
def test_fault_11_an_empty_mask_leaves_every_bit(client: RawClient, depth: str, layout: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (37, 41, len(layout) * WIDTHS[depth]), np.uint8)
    pixels = noise.view(TYPES[depth])  # any bits at all: of floats NaN with payloads, too
    result = rendered(client, pixels, depth, layout, np.zeros((37, 41), np.uint8))
    assert (bits(result) == bits(pixels)).all()


def test_fault_11_an_empty_mask_predicts_no_change_and_says_so(client: RawClient) -> None:
    for network in networks(client):
        header, adjustment = predicted(client, bytes(SIDE * SIDE), network=network)
        assert adjustment.is_identity
        assert header["notes"] == [EMPTY_MASK]


def test_fault_12_a_full_mask_is_a_defined_result_and_says_so(client: RawClient) -> None:
    for network in networks(client):
        header, adjustment = predicted(client, b"\xff" * SIDE * SIDE, network=network)
        assert np.isfinite(adjustment.curves.values).all()
        assert adjustment.grid is None or np.isfinite(adjustment.grid.coefficients).all()
        assert header["notes"][0] == FULL_MASK  # a network may add that it changes nothing


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (300, 1), (6000, 1)])
def test_fault_13_thin_and_tiny_layers_and_thumbnails_succeed(client: RawClient, width: int, height: int) -> None:
    pixels = np.full((height, width, 4), 100, np.uint8)
    assert not (rendered(client, pixels, "u8", "RGBA")[..., :3] == 100).any()
    if width <= 1024:
        size = {"width": width, "height": height}
        for network in networks(client):
            id = client.send(
                "predict", bytes(width * height * 3), bytes(width * height), thumbnail=size, network=network
            )
            client.expect("predicted", id)


@pytest.mark.parametrize("depth", ["f16", "f32"])
def test_fault_14_nan_infinity_and_hdr_do_not_spread(client: RawClient, depth: str) -> None:
    pixels = np.random.default_rng(2).uniform(-0.5, 4, (50, 60, 4)).astype(TYPES[depth])
    pixels[::7, ::5, 0] = np.nan
    pixels[::6, ::4, 1] = np.inf
    pixels[::5, ::3, 2] = -np.inf
    pixels[..., 3] = 1
    mask = np.zeros((50, 60), np.uint8)
    mask[10:40, 10:40] = 255
    result = rendered(client, pixels, depth, "RGBA", mask)
    outside = mask == 0
    assert (bits(result)[outside] == bits(pixels)[outside]).all()
    assert (np.isnan(result) == np.isnan(pixels)).all()
    assert (np.isinf(result) <= np.isinf(pixels)).all()
    assert (result[10:40, 10:40] != pixels[10:40, 10:40]).any()


@pytest.mark.parametrize("depth", ["u8", "u16", "f32"])
def test_fault_15_alpha_and_transparent_pixels_are_unchanged(client: RawClient, depth: str) -> None:
    dtype = np.dtype(TYPES[depth])
    white = 1 if dtype.kind == "f" else np.iinfo(dtype).max
    pixels = (np.random.default_rng(3).uniform(0, 1, (40, 40, 4)) * white).astype(dtype)
    pixels[:20, :, 3] = 0
    result = rendered(client, pixels, depth, "RGBA")
    assert (result[..., 3] == pixels[..., 3]).all()
    assert (result[:20] == pixels[:20]).all()
    assert (result[20:, :, :3] != pixels[20:, :, :3]).any()


def test_a_prediction_brings_the_patch_nearer_to_its_scene(client: RawClient) -> None:
    picture = np.frombuffer(scene(), np.uint8).reshape(SIDE, SIDE, 3)
    mask = np.frombuffer(patch(), np.uint8).reshape(SIDE, SIDE)
    layer = {"width": SIDE, "height": SIDE, "layout": "RGB", "depth": "u8"}
    around = picture[mask == 0].mean(axis=0)
    for network in BASELINES:
        id = client.send("predict", scene(), patch(), thumbnail={"width": SIDE, "height": SIDE}, network=network)
        adjustment = client.expect("predicted", id)[1][0]
        id = client.send("render", adjustment, layer=layer, masked=True)
        result = np.frombuffer(client.bands(id, SIDE, SIDE, scene(), patch(), 3), np.uint8).reshape(picture.shape)
        assert (result[mask == 0] == picture[mask == 0]).all()
        before = np.abs(picture[mask > 0].mean(axis=0) - around).sum()
        assert np.abs(result[mask > 0].mean(axis=0) - around).sum() < before / 2, network


def test_a_prediction_is_kept_and_equal_requests_get_equal_adjustments(client: RawClient) -> None:
    first = predicted(client, patch(), network="mkl")
    second = predicted(client, patch(), network="mkl")
    assert first[1].to_json() == second[1].to_json()
    assert first[0]["milliseconds"] == second[0]["milliseconds"]  # it was not computed again
    other = predicted(client, patch(), network="reinhard")
    assert other[1].to_json() != first[1].to_json()


def test_a_reference_is_what_the_patch_is_matched_to(client: RawClient) -> None:
    size = {"width": SIDE, "height": SIDE}
    adjustments = []
    for color in ([230, 90, 30], [30, 90, 230]):
        noise = np.random.default_rng(4).integers(-20, 20, (SIDE, SIDE, 3))
        reference = (noise + color).clip(0, 255).astype(np.uint8).tobytes()
        id = client.send("predict", scene(), patch(), reference, thumbnail=size, reference=size, network="histogram")
        adjustments.append(Adjustment.from_json(client.expect("predicted", id)[1][0]))
    middle = [adjustment.curves.sample(np.full(3, 0.5)) for adjustment in adjustments]
    assert middle[0][0] > middle[1][0] + 0.3  # red
    assert middle[0][2] < middle[1][2] - 0.3  # blue


def test_unknown_networks_and_bad_adjustments_have_their_codes(client: RawClient) -> None:
    size = {"width": SIDE, "height": SIDE}
    client.send("predict", scene(), patch(), thumbnail=size, network="nobody")
    assert client.error() == "unknown_network"
    layer = {"width": 4, "height": 4, "layout": "Y", "depth": "u8"}
    for bad in (b"{}", b"\xff\xfe", b'{"version": 2}', strong().replace(b"0.5", b"NaN"), strong()[:-1]):
        client.send("render", bad, layer=layer, masked=False)
        assert client.error() == "bad_request"
        client.send("export", bad, format="cube")
        assert client.error() == "bad_request"


@pytest.mark.parametrize("format", ["gimp-curves", "krita-curves", "cube"])
def test_exports_are_exact_for_curves(client: RawClient, format: str) -> None:
    id = client.send("export", strong(), format=format, look={"strength": 0.5})
    header, payload = client.expect("exported", id)
    assert header["exact"] is True
    assert len(payload[0].decode("utf-8")) > 50
