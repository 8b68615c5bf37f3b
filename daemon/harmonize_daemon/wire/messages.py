"""The protocol's messages (docs/protocol.md) as typed, validated values.

`parse` is the only way in: it checks size, shape, token and version of a header before it looks at anything else, and
returns one of the request classes. Replies are the other classes; `encode` writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from harmonize_client.version import PROTOCOL_VERSION as PROTOCOL
from msgspec import Meta, Struct

from harmonize_daemon.wire.errors import ErrorCode, Refused

Id = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Side = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Gain = Annotated[float, Meta(ge=0.0, le=2.0)]
Shift = Annotated[float, Meta(ge=-1.0, le=1.0)]
# The bounds exist to refuse NaN and infinity; a layer may reach far beyond the scene.
Fraction = Annotated[float, Meta(ge=-1e6, le=1e6)]
LEAST_SPAN = 1e-9
"""Of a layer in its scene, as in `harmonize_models.layer`, which this process does not import."""

CHANNELS = {"Y": 1, "YA": 2, "RGB": 3, "RGBA": 4, "BGR": 3, "BGRA": 4}
DEPTH_BYTES = {"u8": 1, "u16": 2, "f16": 2, "f32": 4}


class Size(Struct, frozen=True, forbid_unknown_fields=True):
    """Width and height in pixels."""

    width: Side
    height: Side


class Layer(Struct, frozen=True, forbid_unknown_fields=True):
    """How a layer's pixels are laid out."""

    width: Side
    height: Side
    layout: Literal["Y", "YA", "RGB", "RGBA", "BGR", "BGRA"]
    depth: Literal["u8", "u16", "f16", "f32"]

    @property
    def row_bytes(self) -> int:
        """Bytes of one tightly packed row."""
        return self.width * CHANNELS[self.layout] * DEPTH_BYTES[self.depth]


class Look(Struct, frozen=True, forbid_unknown_fields=True):
    """The artist's sliders."""

    strength: Share = 1.0
    light: Gain = 1.0
    color: Gain = 1.0
    warmth: Shift = 0.0
    tint: Shift = 0.0
    saturation: Shift = 0.0
    contrast: Shift = 0.0
    protect_highlights: bool = False
    color_only: bool = False
    clean_edges: bool = False


class Request(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What every header from a client holds."""

    v: int
    token: str
    id: Id


class Hello(Request, frozen=True, tag="hello"):
    client: Annotated[str, Meta(max_length=64)]


class Status(Request, frozen=True, tag="status"):
    pass


class Predict(Request, frozen=True, tag="predict"):
    thumbnail: Size
    network: Annotated[str, Meta(max_length=64)] = ""
    reference: Size | None = None
    foreground_class: Literal["person", "vehicle", "animal", "food", "other"] | None = None
    live: bool = False


class Render(Request, frozen=True, tag="render"):
    layer: Layer
    masked: bool
    place: tuple[Fraction, Fraction, Fraction, Fraction] = (0.0, 0.0, 1.0, 1.0)
    look: Look = Look()
    live: bool = False

    def __post_init__(self) -> None:
        left, top, right, bottom = self.place
        if min(right - left, bottom - top) < LEAST_SPAN:
            raise ValueError("place is empty")


class Band(Request, frozen=True, tag="band"):
    row: Annotated[int, Meta(ge=0)]


class Export(Request, frozen=True, tag="export"):
    format: Literal["gimp-curves", "krita-curves", "cube"]
    look: Look = Look()


class Cancel(Request, frozen=True, tag="cancel"):
    target: Id


class Shutdown(Request, frozen=True, tag="shutdown"):
    pass


AnyRequest = Hello | Status | Predict | Render | Band | Export | Cancel | Shutdown


class Reply(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every header to a client holds."""

    id: str
    v: int = PROTOCOL


class NetworkInfo(Struct, frozen=True):
    """A usable network, as `status` lists it."""

    key: str
    title: str
    kind: str
    paper: str
    parameters: int
    license: str
    summary: str
    milliseconds: float = 0.0


class JobCounts(Struct, frozen=True):
    running: int
    queued: int


class PublicLimits(Struct, frozen=True):
    pixels: int
    side: int
    frame_bytes: int
    window: int
    thumbnail_side: int


class StatusReply(Reply, frozen=True, tag="status"):
    version: str
    pid: int
    state: str
    detail: str
    device: str
    networks: list[NetworkInfo]
    default_network: str
    jobs: JobCounts
    limits: PublicLimits
    idle_exit_seconds: int
    protocol: int = PROTOCOL


class Progress(Reply, frozen=True, tag="progress"):
    stage: Literal["queued", "loading", "predicting", "rendering"]
    fraction: float | None = None


class Predicted(Reply, frozen=True, tag="predicted"):
    network: str
    device: str
    milliseconds: float
    notes: list[str]
    confidence: float | None


class Accepted(Reply, frozen=True, tag="accepted"):
    rows: int
    window: int


class BandReply(Reply, frozen=True, tag="band"):
    row: int


class Done(Reply, frozen=True, tag="done"):
    milliseconds: float
    notes: list[str]


class Exported(Reply, frozen=True, tag="exported"):
    exact: bool


class Cancelled(Reply, frozen=True, tag="cancelled"):
    pass


class Bye(Reply, frozen=True, tag="bye"):
    pass


class ErrorReply(Reply, frozen=True, tag="error"):
    code: str
    cause: str
    hint: str


_requests = msgspec.msgpack.Decoder(AnyRequest)
_maps = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
_strings = msgspec.msgpack.Decoder(str)
_integers = msgspec.msgpack.Decoder(int)
_encoder = msgspec.msgpack.Encoder()


def error(id: str, refusal: Refused) -> ErrorReply:
    """The `error` that a refusal is answered by."""
    return ErrorReply(id=id, code=refusal.code.value, cause=refusal.cause, hint=refusal.hint)


def encode(reply: Reply) -> bytes:
    """The reply's header frame."""
    return _encoder.encode(reply)


def parse(header: memoryview, limit: int, authorized: Callable[[str], bool]) -> AnyRequest:
    """Check a header and return its request.

    limit: bytes; a longer header is refused unread. authorized: says whether a token is the right one.
    Raises Refused with `bad_request`, `too_large`, `unauthorized` or `version_mismatch`.
    """
    if len(header) > limit:
        raise Refused(ErrorCode.TOO_LARGE, f"The header has {len(header)} bytes; the limit header_bytes is {limit}.")
    try:
        fields = _unique_fields(header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Refused(ErrorCode.BAD_REQUEST, f"The header is not a valid msgpack map: {error}.") from None
    id = _readable_id(fields)
    if not authorized(_string(fields.get("token"))):
        raise Refused(ErrorCode.UNAUTHORIZED, "The token is missing or wrong.", id)
    if "v" in fields and _integer(fields["v"]) not in (PROTOCOL, None):
        cause = f"The client speaks protocol version {_integer(fields['v'])}, this daemon version {PROTOCOL}."
        raise Refused(ErrorCode.VERSION_MISMATCH, cause, id)
    try:
        for value in fields.values():
            if _map_length(value) is not None:
                _unique_fields(value)
        request: AnyRequest = _requests.decode(header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Refused(ErrorCode.BAD_REQUEST, f"The header breaks the protocol: {error}.", id) from None
    return request


def _map_length(raw: msgspec.Raw | memoryview) -> int | None:
    """How many pairs a msgpack map says it holds; None if it is no map."""
    start = bytes(memoryview(raw)[:5])
    if start and start[0] & 0xF0 == 0x80:
        return start[0] & 0x0F
    if start and start[0] == 0xDE:
        return int.from_bytes(start[1:3], "big")
    if start and start[0] == 0xDF:
        return int.from_bytes(start[1:5], "big")
    return None


def _unique_fields(raw: msgspec.Raw | memoryview) -> dict[str, msgspec.Raw]:
    """The map's fields, still encoded. msgspec would let the last of two equal keys win."""
    fields = _maps.decode(raw)
    if len(fields) != _map_length(raw):
        raise ValueError("a key appears twice")
    return fields


def _string(raw: msgspec.Raw | None) -> str:
    try:
        return "" if raw is None else _strings.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _integer(raw: msgspec.Raw) -> int | None:
    try:
        return _integers.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _readable_id(fields: dict[str, msgspec.Raw]) -> str:
    id = _string(fields.get("id"))
    return id if len(id) == 32 and set(id) <= set("0123456789abcdef") else ""
