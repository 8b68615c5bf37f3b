"""One connection, against real libzmq sockets and against peers that misbehave."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import harmonize_client
import pytest
import zmq
from harmonize_client import zmtp
from harmonize_client.link import Link, LinkLost
from harmonize_client.wire import ProtocolError

from tests.client.raw_peer import RawPeer, drive, new_memory, opening


@pytest.fixture
def router() -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.rcvtimeo = 20_000
        yield router


def connect(server: zmq.Socket[bytes]) -> Link:
    return Link(server.bind_to_random_port("tcp://127.0.0.1"), new_memory)


def views(*frames: bytes) -> list[memoryview]:
    return [memoryview(frame) for frame in frames]


class TestAgainstLibzmq:
    @pytest.mark.parametrize("frames", [[b"a"], [b"", b""], [b"h", b"x" * 255, b"y" * 256, b"", b"z" * 70_000]])
    def test_messages_arrive_whole_both_ways(self, router: zmq.Socket[bytes], frames: list[bytes]) -> None:
        link = connect(router)
        link.send(views(*frames))
        drive(link, lambda _: router.poll(0))
        peer, *received = router.recv_multipart()
        assert received == frames
        router.send_multipart([peer, *frames])
        answered = drive(link, lambda answered: len(answered) == len(frames))
        assert [bytes(frame.body) for frame in answered] == frames
        assert [frame.more for frame in answered] == [True] * (len(frames) - 1) + [False]
        link.close()

    def test_frames_of_4_megabytes_go_both_ways_at_once(self, router: zmq.Socket[bytes]) -> None:
        link = connect(router)
        payload = os.urandom(4 << 20)
        count = 8

        def echo() -> None:
            for _ in range(count):
                router.send_multipart(router.recv_multipart(copy=False), copy=False)

        thread = threading.Thread(target=echo)
        thread.start()
        for _ in range(count):
            link.send(views(b"header", payload))
        frames = drive(link, lambda frames: len(frames) == 2 * count)
        thread.join()
        assert [bytes(frame.body) for frame in frames if frame.index] == [payload] * count
        link.close()

    def test_a_slow_reader_loses_nothing(self, router: zmq.Socket[bytes]) -> None:
        router.rcvhwm = 1
        router.setsockopt(zmq.RCVBUF, 4096)
        link = connect(router)
        messages = [bytes([i]) * 100_000 for i in range(30)]
        for message in messages:
            link.send(views(message))
        received: list[bytes] = []

        def read_one(_: object) -> bool:
            if router.poll(0):
                received.append(router.recv_multipart()[1])
            return len(received) == len(messages)

        drive(link, read_one)
        assert received == messages
        link.close()

    def test_heartbeats_are_answered(self, router: zmq.Socket[bytes]) -> None:
        router.heartbeat_ivl = 40
        router.heartbeat_ttl = 3000
        router.heartbeat_timeout = 1500
        link = connect(router)
        link.send(views(b"first"))
        drive(link, lambda _: link.ready)
        handshake = link.received
        until = time.monotonic() + 2
        drive(link, lambda _: time.monotonic() > until)
        ping = len(zmtp.command("PING", b"\0\0"))
        assert link.received - handshake >= 5 * ping
        peer, _ = router.recv_multipart()
        router.send_multipart([peer, b"still here"])
        frames = drive(link, lambda frames: frames)
        assert [bytes(frame.body) for frame in frames] == [b"still here"]
        link.close()

    def test_without_answers_to_heartbeats_libzmq_hangs_up(self, router: zmq.Socket[bytes]) -> None:
        """So the test above shows something."""
        router.heartbeat_ivl = 40
        router.heartbeat_timeout = 100
        link = connect(router)
        drive(link, lambda _: link.ready)
        time.sleep(1)
        with pytest.raises(LinkLost):
            drive(link)
        link.close()

    def test_a_frame_beyond_the_peers_limit_ends_the_connection(self, router: zmq.Socket[bytes]) -> None:
        router.maxmsgsize = 1000
        link = connect(router)
        link.send(views(b"h", bytes(1001)))
        with pytest.raises(LinkLost):
            drive(link)
        link.close()

    @pytest.mark.parametrize("kind", [zmq.PUB, zmq.PULL, zmq.PAIR, zmq.DEALER])
    def test_other_kinds_of_sockets_are_refused(self, kind: int) -> None:
        with zmq.Context() as context, context.socket(kind) as server:
            server.linger = 0
            link = connect(server)
            with pytest.raises((ProtocolError, LinkLost), match=r"not a ROUTER|closed|reset"):
                drive(link)
            link.close()

    def test_a_peer_that_wants_a_password_is_refused(self, router: zmq.Socket[bytes]) -> None:
        router.plain_server = True
        link = connect(router)
        with pytest.raises((ProtocolError, LinkLost), match=r"PLAIN|closed|reset"):
            drive(link)
        link.close()

    def test_a_peer_that_wants_keys_is_refused(self, router: zmq.Socket[bytes]) -> None:
        if not zmq.has("curve"):
            pytest.skip("this libzmq has no CURVE")
        _, secret = zmq.curve_keypair()
        router.curve_server = True
        router.curve_secretkey = secret
        link = connect(router)
        with pytest.raises((ProtocolError, LinkLost), match=r"CURVE|closed|reset"):
            drive(link)
        link.close()

    def test_many_links_are_many_peers(self, router: zmq.Socket[bytes]) -> None:
        port = router.bind_to_random_port("tcp://127.0.0.1")
        links = [Link(port, new_memory) for _ in range(10)]
        for link in links:
            link.send(views(b"hello"))
            drive(link, lambda _, link=link: link.idle)
        assert len({router.recv_multipart()[0] for _ in links}) == 10
        for link in links:
            link.close()


class TestAgainstMisbehavingPeers:
    def test_a_stream_that_comes_byte_by_byte_is_understood(self) -> None:
        stream = opening() + zmtp.frame_head(5, more=True) + b"hello" + zmtp.frame_head(300) + b"z" * 300

        def trickle(connection: socket.socket) -> None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for value in stream:
                connection.send(bytes([value]))

        with RawPeer(trickle) as peer:
            link = Link(peer.port, new_memory)
            frames = drive(link, lambda frames: len(frames) == 2)
            assert [bytes(frame.body) for frame in frames] == [b"hello", b"z" * 300]
            link.close()

    @pytest.mark.parametrize("step", range(len(opening()) + 20))
    def test_a_peer_that_closes_after_any_byte_is_noticed(self, step: int) -> None:
        stream = opening() + zmtp.frame_head(5, more=True) + b"hello" + zmtp.frame_head(300) + b"z" * 300

        def cut(connection: socket.socket) -> None:
            connection.sendall(stream[:step])
            connection.shutdown(socket.SHUT_WR)

        with RawPeer(cut) as peer:
            link = Link(peer.port, new_memory)
            with pytest.raises(LinkLost, match="closed the connection"):
                drive(link)
            assert link.ready == (step >= len(opening()))
            link.close()

    def test_what_a_peer_said_last_is_heard_although_nothing_could_be_sent_any_more(self) -> None:
        asked, closed = threading.Event(), threading.Event()

        def take_leave(connection: socket.socket) -> None:
            connection.sendall(opening())
            asked.wait()
            connection.sendall(b"\x00\x03bye")
            connection.close()
            closed.set()

        with RawPeer(take_leave) as peer:
            link = Link(peer.port, new_memory)
            drive(link, lambda _: link.ready)
            asked.set()
            closed.wait()
            link.send(views(bytes(1 << 20)))
            for _ in range(9):
                link.write()
                time.sleep(0.01)
            assert [bytes(frame.body) for frame in link.read()] == [b"bye"]
            with pytest.raises(LinkLost):
                drive(link)
            link.close()

    def test_a_peer_that_resets_the_connection_is_noticed(self) -> None:
        def reset(connection: socket.socket) -> None:
            connection.recv(64)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            connection.close()

        with RawPeer(reset) as peer:
            link = Link(peer.port, new_memory)
            with pytest.raises(LinkLost):
                drive(link)
            link.close()

    def test_nobody_listening_is_noticed(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        link = Link(port, new_memory)
        with pytest.raises(LinkLost, match="refused"):
            drive(link)
        link.close()

    @pytest.mark.parametrize(
        ("stream", "says"),
        [
            pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak ZMTP", id="HTTP"),
            pytest.param(b"\x15\x03\x01\x00\x02\x02\x46", "does not speak ZMTP", id="TLS"),
            pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak ZMTP", id="SSH"),
            pytest.param(b"\x01\x00", "does not speak ZMTP", id="ZMTP 1.0"),
            pytest.param(b"\xff" + bytes(8) + b"\x7f\x01\x06", r"before 3\.0", id="ZMTP 2.0"),
            pytest.param(opening("PUB"), "PUB socket, not a ROUTER", id="PUB"),
            pytest.param(zmtp.greeting() + zmtp.command("READY"), "nameless", id="READY without a type"),
            pytest.param(zmtp.greeting() + zmtp.command("READY", b"\x0bSock"), "cut short", id="READY cut short"),
            pytest.param(zmtp.greeting() + zmtp.command("ERROR", b"\x03400"), "refused the handshake: 400", id="ERROR"),
            pytest.param(zmtp.greeting() + zmtp.command("PING", b"\0\0"), "before the handshake", id="early PING"),
            pytest.param(zmtp.greeting() + b"\x00\x01x", "before the handshake", id="early message"),
            pytest.param(opening() + b"\x02" + b"\x40" + bytes(7), "more than", id="frame of 2^62 bytes"),
            pytest.param(opening() + b"\x01\x00" * 99, "frames", id="endless message"),
            pytest.param(opening() + zmtp.command("PING", b"\0"), "malformed", id="malformed PING"),
            pytest.param(bytes(zmtp.greeting()[:12]) + b"PLAIN".ljust(52, b"\0"), "'PLAIN'", id="PLAIN"),
        ],
    )
    def test_what_a_peer_must_not_send_is_refused(self, stream: bytes, says: str) -> None:
        with RawPeer(lambda connection: connection.sendall(stream)) as peer:
            link = Link(peer.port, new_memory)
            with pytest.raises(ProtocolError, match=says):
                drive(link)
            link.close()

    def test_a_peer_of_zmtp_3_1_with_unknown_commands_is_fine(self) -> None:
        newer = bytearray(zmtp.greeting())
        newer[11] = 1
        stream = bytes(newer) + zmtp.ready("ROUTER") + zmtp.command("FUTURE", b"\x01\x02") + b"\x00\x02ok"
        with RawPeer(lambda connection: connection.sendall(stream)) as peer:
            link = Link(peer.port, new_memory)
            frames = drive(link, lambda frames: frames)
            assert [bytes(frame.body) for frame in frames] == [b"ok"]
            link.close()

    def test_a_pong_never_comes_in_the_middle_of_a_message(self) -> None:
        """The peer reads nothing until it has sent its PING: most of the message still waits on our side."""
        received = bytearray()
        size = 3 << 20

        def script(connection: socket.socket) -> None:
            connection.sendall(opening() + zmtp.command("PING", b"\x00\x0aabc"))
            time.sleep(0.1)
            while len(received) < 64 + size:
                received.extend(connection.recv(1 << 16))
            while piece := connection.recv(1 << 16):
                received.extend(piece)

        with RawPeer(script) as peer:
            link = Link(peer.port, new_memory)
            link.send(views(b"head", b"\xaa" * size))
            until = time.monotonic() + 0.3
            drive(link, lambda _: link.idle and time.monotonic() > until)
            link.close()
        assert bytes(received[-9:]) == zmtp.command("PONG", b"abc")[-9:]
        assert received.count(b"\xaa" * 1000) == size // 1000

    def test_a_peer_that_is_gone_does_not_end_the_host_by_a_signal(self) -> None:
        """As in a host that embeds Python without its signal handlers: SIGPIPE has its deadly default."""
        program = (
            "import signal, socket, time\n"
            "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
            "from harmonize_client.link import Link, LinkLost\n"
            "server = socket.create_server(('127.0.0.1', 0))\n"
            "link = Link(server.getsockname()[1], None)\n"
            "link.write()\n"
            "server.accept()[0].close()\n"
            "try:\n"
            "    for _ in range(9):\n"
            "        link._handshake.append(memoryview(bytes(9)))\n"
            "        link.write()\n"
            "        time.sleep(0.01)\n"
            "    list(link.read())\n"
            "except LinkLost:\n"
            "    print('lost')\n"
            "link.close()\n"
        )
        environment = {**os.environ, "PYTHONPATH": str(Path(harmonize_client.__file__).parents[1])}
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
        assert (result.returncode, result.stdout) == (0, "lost\n")
