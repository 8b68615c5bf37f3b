"""FAULTS 1 to 6: what can come in over the socket before it is a request."""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import msgpack
import pytest

from tests.daemon.conftest import Start
from tests.daemon.rig import GREETING, READY, Daemon, RawClient, connected, descriptors, greeted, memory_mb, until

TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(193)


def packed(value: object, **options: bool) -> bytes:
    return bytes(msgpack.packb(value, **options))


def is_closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def test_fault_1_random_bytes_http_and_tls_on_the_port_leave_nothing_behind(
    shared_daemon: Daemon, client: RawClient
) -> None:
    client.status()
    before = descriptors(shared_daemon.process.pid)
    garbage = [os.urandom(300), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", TLS_HELLO, b"", GREETING + os.urandom(200)]
    for _ in range(60):
        for data in garbage:
            with connected(shared_daemon) as connection:
                connection.sendall(data)
    until(lambda: descriptors(shared_daemon.process.pid) <= before + 2)
    assert client.status()["state"] == "ready"


def test_fault_1_a_connection_without_a_handshake_is_not_in_the_way(shared_daemon: Daemon, client: RawClient) -> None:
    with connected(shared_daemon), connected(shared_daemon) as half:
        half.sendall(GREETING[:20])
        assert client.status()["kind"] == "status"


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process can be set on Linux only")
def test_fault_1_connections_without_a_token_do_not_use_up_the_descriptors(start: Start) -> None:
    import resource  # other systems have no such module

    daemon = start().ready()
    few = 200
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (few, few))
    with daemon.raw() as old, ExitStack() as strangers:
        old.status()
        for _ in range(few + 50):  # the system answers for those that the daemon has not accepted yet
            connection = strangers.enter_context(connected(daemon))
            connection.sendall(GREETING + READY)  # or else libzmq itself closes them, after ten seconds
        with daemon.raw() as client:
            assert client.status()["state"] == "ready"
        assert old.status()["state"] == "ready"  # the same connection as before
        until(lambda: descriptors(daemon.process.pid) < few - 50)


@pytest.mark.parametrize("size", [(4 << 20) + 1, 8 << 30, 1 << 40, 1 << 62, (1 << 64) - 1])
def test_fault_2_a_frame_declared_too_large_closes_the_connection(
    shared_daemon: Daemon, client: RawClient, size: int
) -> None:
    before = memory_mb(shared_daemon.process.pid)
    with greeted(shared_daemon) as connection:
        connection.sendall(b"\x02" + struct.pack(">Q", size))
        assert is_closed(connection)
    assert memory_mb(shared_daemon.process.pid) < before + 20


BOMBS = {
    "array32": b"\xdd\xff\xff\xff\xff",
    "map32": b"\xdf\xff\xff\xff\xff",
    "map32 inside": b"\x81\xa1v\xdf\xff\xff\xff\xff",
    "array32 inside": b"\x81\xa1v\xdd\xff\xff\xff\xff",
    "nested arrays": b"\x81\xa1v" + b"\x91" * 60_000,
    "nested maps": b"\x81\xa1v" * 15_000,
    "deep from the start": b"\x91" * 60_000,
    "many items": b"\x81\xa1v\xdc\xea\x60" + b"\xc0" * 60_000,
    "str32": b"\x81\xa1v\xdb\xff\xff\xff\xff",
    "bin32": b"\x81\xa1v\xc6\xff\xff\xff\xff",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_fault_3_bombs_are_bad_requests_in_milliseconds(client: RawClient, bomb: bytes) -> None:
    def seconds() -> float:
        begun = time.perf_counter()
        client.send_header(bomb)
        assert client.error() in ("bad_request", "unauthorized")
        return time.perf_counter() - begun

    client.status()
    assert any(seconds() < 0.25 for _ in range(10))


@pytest.mark.parametrize("name", ["network", "thumbnail", "reference", "foreground_class", "live"])
def test_fault_3_bombs_in_a_known_field_are_bad_requests(client: RawClient, name: str) -> None:
    header = client.header("predict", thumbnail={"width": 4, "height": 4})
    header.pop(name, None)
    body = msgpack.packb(header)
    assert body[0] & 0xF0 == 0x80
    for bomb in (b"\x91" * 10_000, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x81\xa5width" * 5_000):
        client.send_header(bytes([body[0] + 1]) + body[1:] + msgpack.packb(name) + bomb)
        assert client.error() == "bad_request"


MALFORMED: dict[str, Callable[[dict[str, object]], bytes]] = {
    "bad UTF-8 in a key": lambda good: b"\x81\xa2\xff\xfe\x01",
    "bad UTF-8 in a value": lambda good: packed({**good, "kind": "hello", "client": b"\xff\xfe"}, use_bin_type=False),
    "truncated": lambda good: packed(good)[:-3],
    "trailing bytes": lambda good: packed(good) + b"\x00",
    "integer key": lambda good: packed({**good, 7: 7}),
    "empty": lambda good: b"",
    "not a map": lambda good: packed([1, 2, 3]),
    "reserved byte": lambda good: b"\xc1",
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
def test_fault_4_malformed_headers_are_bad_requests_and_the_connection_lives(
    client: RawClient, malformed: Callable[[dict[str, object]], bytes]
) -> None:
    client.send_header(malformed(client.header("status")))
    assert client.error() == "bad_request"
    assert client.status()["state"] == "ready"


def test_fault_5_a_key_that_appears_twice_is_refused(client: RawClient) -> None:
    body = msgpack.packb(client.header("status"))
    client.send_header(bytes([body[0] + 1]) + body[1:] + msgpack.packb("kind") + msgpack.packb("shutdown"))
    assert client.error() == "bad_request"
    inner = b"\x83" + msgpack.packb({"width": 4, "height": 4})[1:] + msgpack.packb("width") + b"\x05"
    body = msgpack.packb(client.header("predict"))
    client.send_header(bytes([body[0] + 1]) + body[1:] + msgpack.packb("thumbnail") + inner, bytes(48), bytes(16))
    assert client.error() == "bad_request"


WRONG = [msgpack.ExtType(1, b"x"), msgpack.Timestamp(1), b"binary", (1 << 64) - 1, float("nan"), 1e400, [1], {"a": 1}]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("field", ["v", "id", "client", "kind", "more"])
def test_fault_5_other_types_are_refused_in_every_field(client: RawClient, field: str, value: object) -> None:
    header = {**client.header("hello", client="test/1"), field: value}
    client.send_header(msgpack.packb(header))
    assert client.error() in ("bad_request", "version_mismatch")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), (1 << 64) - 1, 1 << 63, True, "1", None])
def test_fault_5_nan_and_infinity_and_bigints_are_refused_in_numbers(client: RawClient, value: object) -> None:
    client.render(look={"strength": value})
    assert client.error() == "bad_request"
    client.render(place=[0.0, 0.0, 1.0, value])
    assert client.error() == "bad_request"


def test_fault_6_a_header_over_64_kib_is_refused_unread(client: RawClient) -> None:
    header = client.header("hello", client="x" * 70_000)
    client.send_header(msgpack.packb(header))
    reply = client.receive()[0]
    assert (reply["kind"], reply["code"], reply["id"]) == ("error", "too_large", "")


def test_a_message_of_too_many_frames_is_refused(client: RawClient) -> None:
    client.send("status", *[b"x"] * 50)
    assert client.error() == "bad_request"
    client.send("status", b"payload")
    assert client.error() == "bad_request"


def test_a_message_that_never_ends_is_cut_off_and_its_memory_comes_back(start: Start) -> None:
    """Whoever can reach the port could fill the memory with it: libzmq bounds frames, not their number."""
    daemon = start(limits={"front_bytes": 150 << 20}).ready()
    part = b"\x03" + struct.pack(">Q", 4 << 20) + bytes(4 << 20)  # 4 MB, and more to come

    def send_on(endless: socket.socket) -> None:
        for _ in range(1000):
            endless.sendall(part)

    with daemon.raw() as client, greeted(daemon) as endless:
        client.status()
        with pytest.raises(ConnectionError):
            send_on(endless)
        assert client.status()["state"] == "ready"  # the same connection as before
        until(lambda: memory_mb(daemon.process.pid) < 100)
    assert "closing connections that sent no token" in daemon.log()
