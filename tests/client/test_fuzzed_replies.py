"""Whatever a peer sends, the client has one word for it; the seeds are fixed, so that a failure can be repeated."""

from __future__ import annotations

import copy
import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest
from harmonize_client import NoDaemon, Session, messages, zmtp
from harmonize_client.jobs import Job, RenderJob
from harmonize_client.paths import Connection, write_connection
from harmonize_client.values import LayerFormat, Look, Place
from harmonize_client.wire import ProtocolError, decode_header

from tests.client.fake_daemon import PATIENCE_SECONDS, STATUS, FakeDaemon, Message
from tests.client.raw_peer import RawPeer, new_memory, opening

REPLIES: list[dict[str, Any]] = [
    {"v": 1, "kind": "status", "id": "0" * 32, **STATUS},
    {"v": 1, "kind": "progress", "id": "0" * 32, "stage": "queued", "fraction": 0.5},
    {"v": 1, "kind": "accepted", "id": "0" * 32, "rows": 2, "window": 2},
    {"v": 1, "kind": "band", "id": "0" * 32, "row": 0},
    {"v": 1, "kind": "done", "id": "0" * 32, "milliseconds": 1.5, "notes": ["a"]},
    {"v": 1, "kind": "error", "id": "0" * 32, "code": "busy", "cause": "a", "hint": "b"},
    {"v": 1, "kind": "predicted", "id": "0" * 32, "network": "", "device": "", "milliseconds": 1, "notes": []},
]
ODD_VALUES = [None, True, -1, 0, 2**64 - 1, 1e300, float("nan"), "", "é" * 99, b"\xff", [], [[]], {}, {"a": {}}]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """With some bytes changed, cut out or doubled."""
    mutant = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(mutant))
        action = rng.randrange(3)
        if action == 0:
            mutant[at] = rng.randrange(256)
        elif action == 1:
            del mutant[at : at + rng.randint(1, 8)]
        else:
            mutant[at:at] = mutant[at : at + rng.randint(1, 8)]
        if not mutant:
            return b"\0"
    return bytes(mutant)


def changed(reply: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """With a field, or one inside of it, replaced by something odd or taken away."""
    mutant = copy.deepcopy(reply)
    inside: dict[str, Any] = mutant
    for _ in range(rng.randrange(3)):
        maps = [value for value in inside.values() if isinstance(value, dict) and value]
        maps += [
            item for value in inside.values() if isinstance(value, list) for item in value if isinstance(item, dict)
        ]
        inside = rng.choice(maps) if maps else inside
    name = rng.choice(list(inside))
    if rng.random() < 0.3:
        del inside[name]
    else:
        inside[name] = rng.choice(ODD_VALUES)
    return mutant


def jobs() -> Iterator[Job[Any]]:
    yield Job(messages.status(), "status", messages.read_status)
    yield Job(messages.status(), "predicted", messages.read_prediction)
    yield RenderJob("", LayerFormat(2, 4, "Y", "u8"), bytes(8), None, bytearray(8), Place(), Look(), False)


@pytest.mark.parametrize("seed", range(10))
def test_the_decoder_knows_only_protocol_errors(seed: int) -> None:
    rng = random.Random(seed)
    stream = opening() + b"".join(zmtp.message([memoryview(b"header"), memoryview(bytes(300))]))
    for _ in range(200):
        decoder = zmtp.Decoder(new_memory)
        data = mutated(stream, rng)
        with suppress(ProtocolError):
            while data:
                buffer = decoder.buffer()
                count = min(len(buffer), len(data), rng.randint(1, 100))
                buffer[:count] = data[:count]
                data = data[count:]
                for item in decoder.advance(count):
                    if isinstance(item, zmtp.Command):
                        zmtp.read_ready(item.data)


@pytest.mark.parametrize("seed", range(10))
def test_jobs_know_only_protocol_errors(seed: int) -> None:
    rng = random.Random(seed)
    taken = refused = 0
    for _ in range(300):
        header = changed(rng.choice(REPLIES), rng)
        if rng.random() < 0.2:
            header = {"mutated": mutated(msgpack.packb(header), rng)}
        for job in jobs():
            try:
                decoded = decode_header(header.get("mutated") or msgpack.packb(header))
                job.place(decoded, 1, 8)
                job.take(decoded, [memoryview(b"{}")])
                taken += 1
            except ProtocolError:
                refused += 1
    assert taken > 20
    assert refused > 100


@pytest.mark.parametrize("seed", range(8))
def test_a_session_never_raises_from_poll_and_ends_every_job(folder: Path, seed: int) -> None:
    rng = random.Random(seed)
    layer = LayerFormat(2, 4, "Y", "u8")

    def answer(daemon: FakeDaemon, message: Message) -> None:
        for _ in range(3):
            header = changed(rng.choice(REPLIES), rng)
            if rng.random() < 0.7:
                header["id"] = message["id"]
            header.setdefault("kind", "band")
            message.send(msgpack.packb(header), bytes(rng.choice((0, 2, 4))))

    daemon = FakeDaemon(folder, status=answer, render=answer, band=answer)
    with daemon, Session("test/1", start=False, silence_seconds=0.1) as session:
        for _ in range(6):
            jobs = [session.status(), session.render("", layer, bytes(8), None, into=bytearray(8))]
            end = time.monotonic() + PATIENCE_SECONDS
            while not all(job.done for job in jobs):
                session.poll()
                assert time.monotonic() < end


@pytest.mark.parametrize("seed", range(8))
def test_bytes_that_are_garbled_on_the_way_end_in_an_error(folder: Path, seed: int) -> None:
    rng = random.Random(seed)
    stream = opening() + b"".join(zmtp.message([memoryview(msgpack.packb(reply)) for reply in REPLIES]))
    with RawPeer(lambda connection: connection.sendall(mutated(stream, rng))) as peer:
        write_connection(folder, Connection(peer.port, "a" * 64, os.getpid(), "0.1.0"))
        with Session("test/1", start=False, hello_seconds=0.1) as session:
            job = session.status()
            end = time.monotonic() + PATIENCE_SECONDS
            while not job.done:
                session.poll()
                assert time.monotonic() < end
            assert isinstance(job.error, NoDaemon)
