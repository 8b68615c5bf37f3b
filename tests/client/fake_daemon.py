"""A daemon in a thread: real libzmq and the whole protocol, but its rendering only inverts every byte."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgpack
import zmq
from harmonize_client.paths import CONNECTION_FILE, Connection, write_connection

PATIENCE_SECONDS = 20.0
"""So long a busy machine may take for anything; less than it takes until a daemon that is silent is given up."""
ADJUSTMENT = '{"version": 1, "network": "s2crnet", "curves": {"values": [[0, 1], [0, 1], [0, 1]]}, "grid": null}'
INVERTED = bytes(range(256))[::-1]

NETWORK = {
    "key": "s2crnet",
    "title": "S²CRNet",
    "kind": "curves",
    "paper": "Liang 2021",
    "parameters": 920_000,
    "license": "MIT",
    "summary": "good",
    "milliseconds": 12,
}
STATUS = {
    "version": "0.1.0",
    "protocol": 1,
    "pid": os.getpid(),
    "state": "ready",
    "detail": "ready",
    "device": "cpu",
    "networks": [NETWORK],
    "default_network": "s2crnet",
    "jobs": {"running": 0, "queued": 0},
    "limits": {"pixels": 10**8, "side": 10**5, "frame_bytes": 4 << 20, "window": 4, "thumbnail_side": 1024},
    "idle_exit_seconds": 600,
}

Handler = Callable[["FakeDaemon", "Message"], object]


def pid_of_the_dead() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


class Message:
    """One request: `header`, `payload`, `reply` to answer it, and the `socket` that it came from."""

    def __init__(self, socket: zmq.Socket[bytes], frames: list[zmq.Frame]) -> None:
        self.socket = socket
        self.peer = frames[0].bytes
        self.header = msgpack.unpackb(frames[1].bytes)
        self.payload = frames[2:]

    def __getitem__(self, name: str) -> object:
        return self.header[name]

    def reply(self, kind: str, *payload: object, id: str = "", **fields: object) -> None:
        header = {"v": 1, "kind": kind, "id": id or self.header["id"], **fields}
        self.send(msgpack.packb(header), *payload)

    def send(self, *frames: object) -> None:
        """Send any frames at all to where this message came from."""
        self.socket.send_multipart([self.peer, *frames], copy=False)

    def error(self, code: str, cause: str = "a cause", hint: str = "a hint", **fields: str) -> None:
        self.reply("error", code=code, cause=cause, hint=hint, **fields)


class FakeDaemon:
    """Writes its connection file and answers; `handlers` by kind take the place of its own answers."""

    def __init__(self, folder: Path, *, band_rows: int = 16, window: int = 4, **handlers: Handler) -> None:
        self.folder = folder
        self.band_rows = band_rows
        self.window = window
        self.handlers = handlers
        self.requests: list[Message] = []
        self.heights: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-daemon")
        self._bound = threading.Event()

    def __enter__(self) -> FakeDaemon:
        self._thread.start()
        self._bound.wait()
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()
        (self.folder / CONNECTION_FILE).unlink(missing_ok=True)

    def kill(self) -> None:
        """End without a word, leaving the connection file behind. Any thread may, also several at once."""
        self._stop.set()
        self._thread.join()

    def kinds(self) -> list[object]:
        return [message["kind"] for message in self.requests]

    def wait_for(self, kind: str, count: int = 1) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while self.kinds().count(kind) < count:
            assert time.monotonic() < until, f"no {kind} came, only {self.kinds()}"
            time.sleep(0.005)

    def _run(self) -> None:
        # Both end in the thread that made them, and once: of two threads that end a context the second one waits for
        # ever, or libzmq aborts the process.
        with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
            self._serve(socket)

    def _serve(self, socket: zmq.Socket[bytes]) -> None:
        # From the start: what a socket says when it closes may not reach a connection that is just made, and the end
        # of the context would wait for that one for ever.
        socket.linger = 0
        socket.setsockopt(zmq.MAXMSGSIZE, 4 << 20)
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        self.token = secrets.token_hex(32)
        write_connection(self.folder, Connection(port, self.token, os.getpid(), "0.1.0"))
        self._bound.set()
        while not self._stop.is_set():
            if socket.poll(10):
                message = Message(socket, socket.recv_multipart(copy=False))
                self.requests.append(message)
                if message["token"] != self.token:
                    message.error("unauthorized")
                    continue
                handler = self.handlers.get(str(message["kind"])) or getattr(type(self), f"on_{message['kind']}")
                handler(self, message)

    def on_hello(self, message: Message) -> None:
        message.reply("status", **STATUS)

    on_status = on_hello

    def on_predict(self, message: Message) -> None:
        message.reply("progress", stage="predicting", fraction=None)
        message.reply(
            "predicted",
            ADJUSTMENT.encode(),
            network=message["network"] or "s2crnet",
            device="cpu",
            milliseconds=12.5,
            notes=["A note."],
            confidence=0.75,
        )

    def on_render(self, message: Message) -> None:
        self.heights[str(message["id"])] = message["layer"]["height"]
        message.reply("progress", stage="queued", fraction=None)
        message.reply("accepted", rows=self.band_rows, window=self.window)

    def on_band(self, message: Message) -> None:
        height = self.heights.get(str(message["id"]))
        if height is None:
            return
        message.reply("band", message.payload[0].bytes.translate(INVERTED), row=message["row"])
        if message["row"] + self.band_rows >= height:
            message.reply("done", milliseconds=3, notes=[])

    def on_export(self, message: Message) -> None:
        message.reply("exported", b"LUT_3D_SIZE 2", exact=False)

    def on_cancel(self, message: Message) -> None:
        if self.heights.pop(str(message["target"]), None):
            message.error("cancelled", id=str(message["target"]))
        message.reply("cancelled")

    def on_shutdown(self, message: Message) -> None:
        message.reply("bye")
        self._stop.set()
