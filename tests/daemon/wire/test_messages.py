"""Headers: what is let in, what is refused and how, and that nothing else can happen."""

from __future__ import annotations

import secrets
from typing import Any

import msgpack
import msgspec
import pytest
from harmonize_daemon.wire import messages
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_models.layer import Place
from hypothesis import given, settings
from hypothesis import strategies as st

LIMIT = 65_536
TOKEN = "f" * 64


def header(kind: str, **fields: Any) -> dict[str, Any]:
    return {"v": 1, "kind": kind, "token": TOKEN, "id": secrets.token_hex(16), **fields}


def parsed(fields: object) -> messages.AnyRequest:
    data = fields if isinstance(fields, bytes) else msgpack.packb(fields)
    return messages.parse(memoryview(data), LIMIT, TOKEN.__eq__)


def refusal(fields: object) -> Refused:
    with pytest.raises(Refused) as caught:
        parsed(fields)
    return caught.value


def outcome(fields: object) -> messages.AnyRequest | str:
    """The request, or the cause of its refusal. Anything else that happens is a defect."""
    try:
        return parsed(fields)
    except Refused as error:
        return error.cause


GOOD: dict[str, dict[str, Any]] = {
    "hello": {"client": "gimp/0.1.0"},
    "status": {},
    "predict": {"thumbnail": {"width": 4, "height": 3}, "reference": None, "foreground_class": "animal", "live": True},
    "render": {
        "layer": {"width": 4, "height": 3, "layout": "BGRA", "depth": "f16"},
        "masked": True,
        "place": [-0.5, 0, 1.5, 1],
        "look": {"strength": 1, "warmth": -0.5, "color_only": True},
    },
    "band": {"row": 0},
    "export": {"format": "cube", "look": {}},
    "cancel": {"target": "0" * 32},
    "shutdown": {},
}


@pytest.mark.parametrize("kind", GOOD)
def test_every_kind_of_request_is_let_in(kind: str) -> None:
    request = parsed(header(kind, **GOOD[kind]))
    assert type(request).__name__.lower() == kind


@pytest.mark.parametrize("kind", GOOD)
def test_each_field_is_checked_for_every_wrong_type(kind: str) -> None:
    good = header(kind, **GOOD[kind])
    for name in good:
        for wrong in (None, True, 5, 0.5, "text", b"bytes", [1], {"a": 1}, float("nan")):
            may_be_nil = wrong is None and name in ("foreground_class", "reference")
            if not may_be_nil and type(wrong) is not type(good[name]):
                refusal({**good, name: wrong})


@pytest.mark.parametrize("name", ["v", "kind", "token", "id"])
def test_no_common_field_may_be_missing(name: str) -> None:
    good = header("status")
    del good[name]
    assert refusal(good).code in (ErrorCode.BAD_REQUEST, ErrorCode.UNAUTHORIZED)


def test_the_token_is_looked_at_first() -> None:
    assert refusal({"token": "wrong", "x": [1, 2, 3], "v": 99}).code is ErrorCode.UNAUTHORIZED


def test_a_refusal_carries_the_id_as_far_as_it_can_be_read() -> None:
    good = header("dance")
    assert refusal(good).id == good["id"]
    assert refusal({**good, "id": "dance"}).id == ""


def test_numbers_may_be_ints_where_floats_are_meant() -> None:
    request = parsed(header("render", **GOOD["render"]))
    assert isinstance(request, messages.Render)
    assert request.look.strength == 1.0
    assert request.place == (-0.5, 0.0, 1.5, 1.0)


@pytest.mark.parametrize("place", [(0, 0, 0, 1), (1, 0, 0, 1), (0, 0, 5e-324, 1), (0, 0, 1, 1e-10)])
def test_a_place_without_room_is_refused_before_a_renderer_sees_it(place: tuple[float, ...]) -> None:
    assert "place" in refusal(header("render", **{**GOOD["render"], "place": place})).cause
    with pytest.raises(ValueError, match="place"):
        Place(*place)


def long(fields: dict[str, Any]) -> bytes:
    """As a map with a length of four bytes, which msgpack allows for few keys as well."""
    small = msgpack.packb(fields)
    return b"\xdf" + len(fields).to_bytes(4, "big") + small[1:]


def test_maps_may_have_their_length_in_any_of_its_sizes() -> None:
    good = header("render", **GOOD["render"])
    assert parsed(long(good)) == parsed(good)


@pytest.mark.parametrize("start", [b"\x85", b"\xde\0\5", b"\xdf\0\0\0\5"], ids=["fixmap", "map16", "map32"])
def test_a_key_that_appears_twice_is_refused_however_the_map_says_its_length(start: bytes) -> None:
    layer = start + msgpack.packb(GOOD["render"]["layer"])[1:] + msgpack.packb("width") + msgpack.packb(8)
    good = header("render", **{**GOOD["render"], "layer": None})
    assert "twice" in refusal(msgpack.packb(good).replace(msgpack.packb("layer") + b"\xc0", b"\xa5layer" + layer)).cause


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_let_in(data: bytes) -> None:
    with pytest.raises(Refused):
        parsed(data)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(
    kind=st.sampled_from(sorted(GOOD)), name=st.sampled_from(["v", "id", "layer", "look", "place", "row"]), value=JSON
)
def test_any_value_in_any_field_is_refused_or_let_in(kind: str, name: str, value: object) -> None:
    assert outcome(header(kind, **{**GOOD[kind], name: value}))


@settings(max_examples=200)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_a_good_header_with_one_byte_changed_or_cut_is_refused_or_let_in(kind: str, data: st.DataObject) -> None:
    good = bytearray(msgpack.packb(header(kind, **GOOD[kind])))
    place = data.draw(st.integers(0, len(good) - 1))
    good[place] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.integers(0, len(good)))
    for changed in (bytes(good), bytes(good[:end])):
        assert outcome(changed)


def test_replies_are_plain_msgpack() -> None:
    reply = messages.Predicted(id="0" * 32, network="x", device="cpu", milliseconds=1.5, notes=["a"], confidence=None)
    assert msgpack.unpackb(messages.encode(reply)) == {
        "kind": "predicted",
        "v": 1,
        "id": "0" * 32,
        "network": "x",
        "device": "cpu",
        "milliseconds": 1.5,
        "notes": ["a"],
        "confidence": None,
    }


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_has_its_code_and_cause(code: ErrorCode) -> None:
    reply = messages.error("0" * 32, Refused(code, "Because."))
    assert (reply.code, reply.cause, reply.hint) == (code.value, "Because.", code.hint)


def test_the_layers_of_all_formats_have_the_row_bytes_of_the_client() -> None:
    from harmonize_client import LayerFormat

    for layout in ("Y", "YA", "RGB", "RGBA", "BGR", "BGRA"):
        for depth in ("u8", "u16", "f16", "f32"):
            ours = msgspec.convert({"width": 7, "height": 3, "layout": layout, "depth": depth}, messages.Layer)
            assert ours.row_bytes == LayerFormat(7, 3, layout, depth).row_bytes  # type: ignore[arg-type]
