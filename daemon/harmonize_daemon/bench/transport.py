"""How fast the wire alone is: a layer and its mask to a peer that sends the layer back, as a ratio to memcpy.

The client is the real one; the peer is a pyzmq ROUTER in a process of its own that looks at nothing but the headers.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
import zmq
from harmonize_client import Client, LayerFormat, connect
from harmonize_client.paths import Connection, write_connection

from harmonize_daemon.wire.messages import (
    Accepted,
    BandReply,
    Bye,
    Done,
    JobCounts,
    PublicLimits,
    Reply,
    StatusReply,
    encode,
)

FRAME_BYTES = 1 << 20
WINDOW = 8


@dataclass(frozen=True)
class Transport:
    """Medians over the repetitions."""

    megabytes: float
    """The layer and the mask there and the layer back."""
    milliseconds: float
    ratio: float
    """To a memcpy of the same bytes in the same run."""
    client_ratio: float
    """Processor time of the client alone, to that of the memcpy: what remains comparable on a busy machine."""


def run(width: int = 6000, height: int = 4000, repeats: int = 9) -> Transport:
    """Measure with an RGBA layer of 8 bit. Raises HarmonizeError if the peer cannot be reached."""
    layer = LayerFormat(width, height, "RGBA", "u8")
    pixels = np.frombuffer(secrets.token_bytes(layer.nbytes), np.uint8)
    mask = np.full(width * height, 255, np.uint8)
    into = np.ones(layer.nbytes, np.uint8)
    mask_copy = np.ones_like(mask)
    copying, sending = _Clock(), _Clock()
    with tempfile.TemporaryDirectory() as folder:
        peer = multiprocessing.get_context("spawn").Process(target=_echo, args=(Path(folder), layer.row_bytes, height))
        peer.start()
        try:
            with _patient_connect(Path(folder)) as client:
                client.render("{}", layer, pixels, mask, into=into)
                for _ in range(repeats):
                    with copying.running():
                        np.copyto(into, pixels)
                        np.copyto(mask_copy, mask)
                        np.copyto(into, pixels)
                    with sending.running():
                        client.render("{}", layer, pixels, mask, into=into)
                client.shutdown()
        finally:
            peer.join(2)
            peer.kill()
    if not np.array_equal(into, pixels):
        raise AssertionError("what came back is not what was sent")
    megabytes = (2 * layer.nbytes + mask.nbytes) / 1e6
    seconds, processor_seconds = sending.medians()
    copy_seconds, copy_processor_seconds = copying.medians()
    return Transport(megabytes, 1000 * seconds, seconds / copy_seconds, processor_seconds / copy_processor_seconds)


class _Clock:
    """Takes the time of something done again and again."""

    def __init__(self) -> None:
        self._times: list[tuple[float, float]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        start = time.perf_counter(), time.process_time()
        yield
        self._times.append((time.perf_counter() - start[0], time.process_time() - start[1]))

    def medians(self) -> tuple[float, float]:
        """By the clock on the wall, and of this process's processor time; seconds."""
        return median(wall for wall, _ in self._times), median(processor for _, processor in self._times)


def _patient_connect(folder: Path) -> Client:
    while not (folder / "connection.json").exists():
        time.sleep(0.01)
    return connect("transport-bench", start=False, folder=folder)


def _echo(folder: Path, row_bytes: int, height: int) -> None:
    """The peer: answers each band with its own pixels."""
    rows = max(1, FRAME_BYTES // row_bytes)
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        socket.linger = 1000
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        write_connection(folder, Connection(port, secrets.token_hex(32), os.getpid(), "bench"))
        going = True
        while going:
            peer, header_frame, *payload = socket.recv_multipart(copy=False)
            header = msgspec.msgpack.decode(header_frame.buffer)
            kind, id = header["kind"], header["id"]
            reply: Reply = _status(id)
            if kind == "render":
                reply = Accepted(id=id, rows=rows, window=WINDOW)
            elif kind == "band":
                reply = BandReply(id=id, row=header["row"])
            elif kind == "shutdown":
                reply, going = Bye(id=id), False
            socket.send_multipart([peer, encode(reply), *(payload[:1] if kind == "band" else [])], copy=False)
            if kind == "band" and header["row"] + rows >= height:
                socket.send_multipart([peer, encode(Done(id=id, milliseconds=0.0, notes=[]))], copy=False)


def _status(id: str) -> StatusReply:
    return StatusReply(
        id=id,
        version="bench",
        pid=os.getpid(),
        state="ready",
        detail="",
        device="",
        networks=[],
        default_network="",
        jobs=JobCounts(0, 0),
        limits=PublicLimits(0, 0, FRAME_BYTES, WINDOW, 0),
        idle_exit_seconds=0,
    )


if __name__ == "__main__":
    print(run())
