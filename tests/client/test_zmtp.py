"""The codec alone, fed by hand; test_link.py is about real peers."""

from __future__ import annotations

import pytest
from harmonize_client import zmtp
from harmonize_client.wire import MAX_DAEMON_HEADER, MAX_FRAME, ProtocolError
from harmonize_client.zmtp import Command, Decoder, Frame, Greeting

from tests.client.raw_peer import new_memory


def feed(decoder: Decoder, data: bytes, at_most: int = 1 << 30) -> list[Greeting | Command | Frame]:
    """All that a decoder gives for these bytes, received in pieces of at most that size."""
    items: list[Greeting | Command | Frame] = []
    while data:
        buffer = decoder.buffer()
        count = min(len(buffer), len(data), at_most)
        assert count > 0
        buffer[:count] = data[:count]
        items += decoder.advance(count)
        data = data[count:]
    return items


def encoded(*frames: bytes) -> bytes:
    return b"".join(zmtp.message([memoryview(frame) for frame in frames]))


def bodies(items: list[Greeting | Command | Frame]) -> list[bytes]:
    return [bytes(item.body) for item in items if isinstance(item, Frame)]


def greeted() -> Decoder:
    decoder = Decoder(new_memory)
    feed(decoder, zmtp.greeting())
    return decoder


def test_the_greeting_is_the_64_bytes_of_the_specification() -> None:
    expected = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL" + bytes(16) + b"\x00" + bytes(31)
    assert zmtp.greeting() == expected
    assert feed(Decoder(new_memory), expected) == [Greeting(3, 0, "NULL")]


def test_ready_is_encoded_as_in_the_specification() -> None:
    body = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x02me"
    assert zmtp.ready("DEALER", b"me") == b"\x04" + bytes([len(body)]) + body
    assert zmtp.read_ready(body[6:]) == {"socket-type": b"DEALER", "identity": b"me"}


@pytest.mark.parametrize("cut", range(1, 27))
def test_a_ready_that_is_cut_short_is_refused(cut: int) -> None:
    data = b"\x0bSocket-Type\x00\x00\x00\x06ROUTER" + b"\x08Identity\x00\x00\x00\x02me"
    if cut == 15:  # exactly one property
        cut = 14
    with pytest.raises(ProtocolError):
        zmtp.read_ready(data[:-cut])


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x00\x00"),
        (1, b"\x00\x01"),
        (255, b"\x00\xff"),
        (256, b"\x02\x00\x00\x00\x00\x00\x00\x01\x00"),
        (1 << 20, b"\x02\x00\x00\x00\x00\x00\x10\x00\x00"),
    ],
)
def test_frames_are_short_up_to_255_bytes_and_long_beyond(size: int, head: bytes) -> None:
    assert encoded(bytes(size))[: len(head)] == head
    assert bodies(feed(greeted(), encoded(bytes(size)))) == [bytes(size)]


def test_a_short_size_in_long_form_is_understood() -> None:
    assert bodies(feed(greeted(), b"\x02" + (3).to_bytes(8, "big") + b"abc")) == [b"abc"]


@pytest.mark.parametrize("at_most", [1, 2, 7, 64, 4095, 1 << 30])
def test_any_fragmentation_gives_the_same_items(at_most: int) -> None:
    payload = bytes(range(256)) * 40
    stream = zmtp.greeting() + zmtp.ready("ROUTER") + encoded(b"header", payload, b"", b"x" * 255) + encoded(b"next")
    items = feed(Decoder(new_memory), stream, at_most)
    assert items[0] == Greeting(3, 0, "NULL")
    assert isinstance(items[1], Command)
    assert items[1].name == "READY"
    assert bodies(items) == [b"header", payload, b"", b"x" * 255, b"next"]
    frames = [item for item in items if isinstance(item, Frame)]
    assert [(frame.index, frame.more) for frame in frames] == [(0, True), (1, True), (2, True), (3, False), (0, False)]


def test_payload_is_received_straight_into_the_memory_it_is_for() -> None:
    target = bytearray(100_000)
    asked: list[tuple[int, int]] = []

    def place(index: int, size: int) -> memoryview:
        asked.append((index, size))
        return memoryview(target)

    decoder = Decoder(place)
    feed(decoder, zmtp.greeting() + encoded(b"header", bytes(100_000))[:-90_000])
    buffer = decoder.buffer()
    assert asked == [(1, 100_000)]
    assert len(buffer) == 90_000
    buffer[0] = 7
    assert target[10_000] == 7


def test_memory_is_asked_for_only_after_the_frames_before_were_given() -> None:
    events: list[object] = []

    def place(index: int, size: int) -> memoryview:
        events.append(("place", index))
        return memoryview(bytearray(size))

    decoder = Decoder(place)
    data = zmtp.greeting() + encoded(b"header", b"a", b"b")
    decoder.buffer()[: len(data)] = data
    for item in decoder.advance(len(data)):
        if isinstance(item, Frame):
            events.append(("frame", item.index))
    assert events == [("frame", 0), ("place", 1), ("frame", 1), ("place", 2), ("frame", 2)]


def test_the_rest_of_a_diverted_frame_does_not_reach_its_memory() -> None:
    target = bytearray(50_000)
    decoder = Decoder(lambda index, size: memoryview(target))
    stream = zmtp.greeting() + encoded(b"header", b"\x01" * 50_000) + encoded(b"next")
    cut = len(stream) - 30_000
    feed(decoder, stream[:cut])
    decoder.divert()
    before = bytes(target)
    assert bodies(feed(decoder, stream[cut:]))[-1] == b"next"
    assert target == before


def test_a_ping_is_answered_with_its_context() -> None:
    assert zmtp.pong(b"\x00\x0acontext") == b"\x04\x0c\x04PONGcontext"
    for malformed in (b"", b"\x00", bytes(19)):
        with pytest.raises(ProtocolError):
            zmtp.pong(malformed)


def test_a_header_beyond_its_limit_is_refused_before_memory_is_set_aside() -> None:
    with pytest.raises(ProtocolError, match="more than"):
        feed(greeted(), b"\x02" + (MAX_DAEMON_HEADER + 1).to_bytes(8, "big"))


@pytest.mark.parametrize("size", [MAX_FRAME + 1, 8 << 30, 1 << 62, (1 << 64) - 1])
def test_a_payload_frame_beyond_its_limit_is_refused_before_memory_is_asked_for(size: int) -> None:
    def place(index: int, size: int) -> memoryview:
        raise AssertionError("memory was asked for")

    decoder = Decoder(place)
    feed(decoder, zmtp.greeting() + b"\x01\x01h")
    with pytest.raises(ProtocolError, match="more than"):
        feed(decoder, b"\x02" + size.to_bytes(8, "big"))


def test_a_payload_frame_at_its_limit_is_taken() -> None:
    assert len(bodies(feed(greeted(), encoded(b"h", bytes(MAX_FRAME))))[1]) == MAX_FRAME


def test_a_message_of_endless_frames_is_refused() -> None:
    with pytest.raises(ProtocolError, match="frames"):
        feed(greeted(), b"\x01\x00" * 1000)


@pytest.mark.parametrize("flags", [0x08, 0x80, 0xFF, 0x05])
def test_reserved_flags_are_refused(flags: int) -> None:
    with pytest.raises(ProtocolError, match="flags"):
        feed(greeted(), bytes([flags, 1, 0]))


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x05PING"])
def test_a_command_without_a_whole_name_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="command"):
        feed(greeted(), b"\x04" + bytes([len(body)]) + body)


def test_a_huge_command_is_refused() -> None:
    with pytest.raises(ProtocolError, match="more than"):
        feed(greeted(), b"\x06" + (1 << 40).to_bytes(8, "big"))


@pytest.mark.parametrize(
    "garbage", [b"H", b"HTTP/1.1 400 Bad Request\r\n", b"\x16\x03\x01", b"\xff" + bytes(9), b"\x00"]
)
def test_what_is_not_zmtp_is_refused_at_its_first_wrong_byte(garbage: bytes) -> None:
    with pytest.raises(ProtocolError, match="does not speak ZMTP"):
        feed(Decoder(new_memory), garbage)


@pytest.mark.parametrize("major", [0, 1, 2])
def test_older_versions_are_refused(major: int) -> None:
    with pytest.raises(ProtocolError, match=r"before 3\.0"):
        feed(Decoder(new_memory), b"\xff" + bytes(8) + b"\x7f" + bytes([major]))


def test_newer_versions_are_welcome() -> None:
    """The newer side speaks the older one's version."""
    newer = bytearray(zmtp.greeting())
    newer[11] = 1
    assert feed(Decoder(new_memory), bytes(newer)) == [Greeting(3, 1, "NULL")]
