"""FAULTS 7 to 10, 13, 16 and 17: requests that say what they must not say."""

from __future__ import annotations

import os
import secrets
from typing import Any

import msgpack
import pytest

from tests.daemon.fake_engine import INVERTED
from tests.daemon.rig import Daemon, RawClient, adjustment, memory_mb

NOT_SIZES = [0, -1, -(1 << 63), True, 1.0, 4.5, "4", None]


@pytest.mark.parametrize("thumbnail", [0, 1, 47, 49, 480])
def test_fault_7_a_thumbnail_of_another_length_is_refused(client: RawClient, thumbnail: int) -> None:
    client.send("predict", bytes(thumbnail), bytes(16), thumbnail={"width": 4, "height": 4})
    assert client.error() == "bad_request"


def test_fault_7_a_reference_of_another_length_is_refused(client: RawClient) -> None:
    size = {"width": 4, "height": 4}
    client.send("predict", bytes(48), bytes(16), bytes(47), thumbnail=size, reference=size)
    assert client.error() == "bad_request"
    client.send("predict", bytes(48), bytes(16), bytes(48), thumbnail=size)
    assert client.error() == "bad_request"


@pytest.mark.parametrize("change", [-1, 1, -8 * 8 * 4, 1000])
def test_fault_7_a_band_of_another_length_is_refused(client: RawClient, change: int) -> None:
    id = client.render(8, 8)
    client.expect("accepted", id)
    client.send("band", bytes(8 * 8 * 4 + change), id=id, row=0)
    assert client.error(id) == "bad_request"


@pytest.mark.parametrize("row", [1, 4, 8, 1 << 40])
def test_fault_7_a_band_of_another_row_is_refused(client: RawClient, row: int) -> None:
    id = client.render(8, 8)
    client.expect("accepted", id)
    client.send("band", bytes(8 * 8 * 4), id=id, row=row)
    assert client.error(id) == "bad_request"


def test_fault_7_more_bands_than_the_window_are_refused(shared_daemon: Daemon, client: RawClient) -> None:
    id = client.render(1024, 256 * 20)
    window = client.expect("accepted", id)[0]["window"]
    with shared_daemon.paused_worker():
        for band in range(window + 1):
            client.send("band", bytes(1 << 20), id=id, row=256 * band)
        assert client.error(id) == "bad_request"


def test_bands_without_their_render_are_refused(client: RawClient) -> None:
    client.send("band", bytes(4), id=secrets.token_hex(16), row=0)
    assert client.error() == "bad_request"


def test_a_band_of_another_clients_render_is_ignored(shared_daemon: Daemon, client: RawClient) -> None:
    id = client.render(8, 8)
    client.expect("accepted", id)
    with shared_daemon.raw() as thief:
        thief.send("band", bytes(256), id=id, row=0)
        thief.ask("cancel", target=id)
        assert thief.status()["jobs"]["running"] == 1
    client.send("band", bytes(256), id=id, row=0)
    assert client.expect("band", id)[1] == [b"\xff" * 256]
    client.expect("done", id)


@pytest.mark.parametrize("side", ["width", "height"])
@pytest.mark.parametrize("value", NOT_SIZES)
def test_fault_8_sizes_that_are_no_sizes_are_refused(client: RawClient, side: str, value: object) -> None:
    layer = {"width": 8, "height": 8, "layout": "RGBA", "depth": "u8", side: value}
    client.send("render", adjustment(), layer=layer, masked=False)
    assert client.error() == "bad_request"
    thumbnail = {"width": 4, "height": 4, side: value}
    client.send("predict", bytes(48), bytes(16), thumbnail=thumbnail)
    assert client.error() == "bad_request"


@pytest.mark.parametrize(
    ("width", "height", "limit"),
    [(100_000, 100_000, "pixels"), (1 << 62, 1, "side"), (1, (1 << 63) - 1, "side"), (1 << 32, 1 << 32, "side")],
)
def test_fault_9_layers_beyond_a_limit_are_too_large_and_the_limit_is_named(
    shared_daemon: Daemon, client: RawClient, width: int, height: int, limit: str
) -> None:
    before = memory_mb(shared_daemon.process.pid)
    client.render(width, height)
    reply = client.receive()[0]
    assert (reply["kind"], reply["code"]) == ("error", "too_large")
    assert f"limit {limit} is" in reply["cause"]
    assert memory_mb(shared_daemon.process.pid) < before + 5


def test_fault_9_a_thumbnail_beyond_the_limit_is_too_large(client: RawClient) -> None:
    client.send("predict", bytes(48), bytes(16), thumbnail={"width": 1025, "height": 4})
    assert client.error() == "too_large"


def test_fault_9_requests_beyond_the_queue_are_busy(shared_daemon: Daemon, client: RawClient) -> None:
    with shared_daemon.raw() as other:
        with shared_daemon.paused_worker():
            ids = [client.predict() for _ in range(9)]
            assert client.error(ids[-1]) == "busy"
            theirs = other.predict()
            assert other.status()["jobs"] == {"running": 1, "queued": 8}
        other.expect("predicted", theirs)
        for id in ids[:-1]:
            client.expect("predicted", id)


def test_fault_9_requests_beyond_the_byte_budget_are_busy(shared_daemon: Daemon, client: RawClient) -> None:
    size = {"width": 1024, "height": 1024}
    fields = {"thumbnail": size, "reference": size}
    with shared_daemon.paused_worker():
        ids = [client.send("predict", bytes(3 << 20), bytes(1 << 20), bytes(3 << 20), **fields) for _ in range(4)]
        assert client.error(ids[3]) == "busy"
    for id in ids[:3]:
        client.expect("predicted", id)


@pytest.mark.parametrize("length", [0, 15, 17, 48])
def test_fault_10_a_thumbnail_with_a_mask_of_another_size_is_a_bad_mask(client: RawClient, length: int) -> None:
    client.send("predict", bytes(48), bytes(length), thumbnail={"width": 4, "height": 4})
    assert client.error() == "bad_mask"


@pytest.mark.parametrize("length", [0, 63, 65])
def test_fault_10_a_band_with_a_mask_of_another_size_is_a_bad_mask(client: RawClient, length: int) -> None:
    id = client.render(8, 8, masked=True)
    client.expect("accepted", id)
    client.send("band", bytes(256), bytes(length), id=id, row=0)
    assert client.error(id) == "bad_mask"


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 5000), (6000, 1), (65_000, 3), (262_144, 2), (1, 262_144)])
def test_fault_13_thin_and_tiny_layers_succeed(client: RawClient, width: int, height: int) -> None:
    pixels = os.urandom(width * height * 4)
    id = client.render(width, height)
    assert client.bands(id, width, height, pixels) == pixels.translate(INVERTED)


@pytest.mark.parametrize("token", ["", "0" * 64, "x", "ÿ" * 64, "\ud7ff", 5, None, ["a"], b"\xff"])
def test_fault_16_a_wrong_token_is_refused_before_anything_else_is_looked_at(client: RawClient, token: object) -> None:
    client.send("nonsense", bytes(1000), token=token, more={"un": "known"})
    assert client.error() == "unauthorized"
    header = client.header("shutdown")
    del header["token"]
    client.send_header(msgpack.packb(header))
    assert client.error() == "unauthorized"


def test_fault_16_wrong_tokens_are_logged_once(shared_daemon: Daemon, client: RawClient) -> None:
    def refused_and_said() -> int:
        for _ in range(50):
            client.send("status", token="0" * 64)
        for _ in range(50):
            assert client.error() == "unauthorized"
        return shared_daemon.log().count("without the right token")

    before = refused_and_said()
    assert before > 0
    assert refused_and_said() <= before + 1  # a busy machine may come to it only when the minute is over
    assert client.token not in shared_daemon.log()


@pytest.mark.parametrize("kind", ["status", "predict", "render", "export"])
def test_fault_17_a_replayed_request_is_refused(shared_daemon: Daemon, client: RawClient, kind: str) -> None:
    fields: dict[str, Any] = {
        "status": {},
        "predict": {"thumbnail": {"width": 4, "height": 4}},
        "render": {"layer": {"width": 4, "height": 4, "layout": "Y", "depth": "u8"}, "masked": False},
        "export": {"format": "cube"},
    }[kind]
    payload = {"predict": [bytes(48), bytes(16)], "render": [adjustment()], "export": [adjustment()]}.get(kind, [])
    header = msgpack.packb(client.header(kind, **fields))
    client.send_header(header, *payload)
    assert client.receive()[0]["kind"] != "error"
    for _ in range(2):
        client.send_header(header, *payload)
        assert client.error() == "replayed"
    with shared_daemon.raw() as other:
        other.send_header(header, *payload)
        assert other.error() == "replayed"


def test_another_protocol_version_is_named(client: RawClient) -> None:
    client.send("status", v=2)
    reply = client.receive()[0]
    assert reply["code"] == "version_mismatch"
    assert "version 2" in reply["cause"]


@pytest.mark.parametrize("id", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32, 5, None])
def test_ids_of_another_form_are_refused(client: RawClient, id: object) -> None:
    client.send("status", id=id)
    reply = client.receive()[0]
    assert (reply["code"], reply["id"]) == ("bad_request", "")


def test_unknown_fields_kinds_and_values_are_refused(client: RawClient) -> None:
    for kind, fields in [
        ("status", {"more": 1}),
        ("dance", {}),
        ("export", {"format": "psd"}),
        ("render", {"layer": {"width": 1, "height": 1, "layout": "CMYK", "depth": "u8"}, "masked": False}),
        ("render", {"layer": {"width": 1, "height": 1, "layout": "Y", "depth": "u32"}, "masked": False}),
        ("render", {"layer": {"width": 1, "height": 1, "layout": "Y", "depth": "u8"}, "masked": 1}),
        ("hello", {"client": "x" * 65}),
    ]:
        client.send(kind, adjustment(), **fields)
        assert client.error() == "bad_request"


PLACES = [[0.0, 0.0, 1.0], [0.0] * 5, [1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1e9, 1.0], 5]


@pytest.mark.parametrize("place", PLACES)
def test_places_that_are_no_rectangles_are_refused(client: RawClient, place: object) -> None:
    client.render(place=place)
    assert client.error() == "bad_request"


def test_an_adjustment_that_cannot_be_read_is_refused(client: RawClient) -> None:
    layer = {"width": 8, "height": 8, "layout": "RGBA", "depth": "u8"}
    for bad in (b"", b"{", b"\xff" * 100, b"[1]"):
        client.send("render", bad, layer=layer, masked=False)
        assert client.error() == "bad_request"
    client.send("render", layer=layer, masked=False)
    assert client.error() == "bad_request"


@pytest.mark.parametrize(
    ("network", "code"),
    [("nobody", "unknown_network"), ("broken", "internal"), ("memory", "out_of_memory"), ("weights", "bad_weights")],
)
def test_what_the_engine_refuses_reaches_the_client(client: RawClient, network: str, code: str) -> None:
    id = client.predict(network=network)
    assert client.error(id) == code


def test_a_defect_in_rendering_ends_only_its_job(client: RawClient) -> None:
    id = client.render(8, 8, does="broken")
    client.expect("accepted", id)
    client.send("band", bytes(256), id=id, row=0)
    assert client.error(id) == "internal"
