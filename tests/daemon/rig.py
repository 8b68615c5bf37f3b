"""Starts real daemons in folders of their own, and talks to them with bare pyzmq."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgpack
import zmq

ROOT = Path(__file__).parents[2]
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
READY_BODY = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
READY = b"\x04" + bytes([len(READY_BODY)]) + READY_BODY
PATIENCE_SECONDS = 25.0
"""So long a busy machine may take for anything; less than it takes until a band is late or a worker is silent, so that
nothing comes of these."""
FAKE_ENGINE = "tests.daemon.fake_engine:Engine"
_PATHS = [str(ROOT / name) for name in (".", "plugins", "daemon", "models")]
_RUN = """
import sys
sys.path.remove("")  # as the `harmonize` command has it
import signal
for number in (signal.SIGINT, signal.SIGHUP):  # a shell has what runs in its background ignore them
    signal.signal(number, signal.SIG_DFL)
import json
from harmonize_daemon.front.process import run
from harmonize_daemon.options import Limits, Options
settings = json.loads(sys.argv[1])
limits = Limits(**settings.pop("limits", {}))
sys.exit(run(Options(limits=limits, **settings)))
"""


def environment(home: Path, *packages: Path) -> dict[str, str]:
    """The environment of a daemon whose folder is `home`. Compiled kernels lie where those of all tests do.

    packages: folders in which packages are looked for before the usual ones.
    """
    given = os.environ.get("PYTHONPATH")
    folders = [*map(str, packages), *_PATHS]
    path = os.pathsep.join([*folders, given] if given else folders)  # an empty entry would be the current folder
    return {**os.environ, "HARMONIZE_HOME": str(home), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


class Daemon:
    """A daemon process. Settings are the fields of `Options`; `limits` those of `Limits`."""

    def __init__(self, home: Path, cwd: Path | None = None, packages: Sequence[Path] = (), **settings: Any) -> None:
        self.home = home
        self.begun = time.perf_counter()
        settings.setdefault("engine", FAKE_ENGINE)
        settings.setdefault("idle_exit_seconds", 120)
        command = [sys.executable, "-c", _RUN, json.dumps(settings)]
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment(home, *packages),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def connection(self, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """What the connection file says, as soon as it is this daemon's."""

        def read() -> dict[str, Any] | None:
            try:
                found: dict[str, Any] = json.loads((self.home / "connection.json").read_text())
            except (FileNotFoundError, ValueError):
                return None
            return found if isinstance(found, dict) and found.get("pid") == self.process.pid else None

        return until(read, seconds)

    def raw(self) -> RawClient:
        """A new connection."""
        connection = self.connection()
        return RawClient(connection["endpoint"], connection["token"])

    def ready(self, seconds: float = 60.0) -> Daemon:
        """Wait until networks can be used."""
        with self.raw() as client:
            until(lambda: client.status()["state"] == "ready", seconds)
        return self

    @property
    def port(self) -> int:
        return int(self.connection()["endpoint"].rpartition(":")[2])

    @property
    def worker(self) -> int:
        """The worker's process id."""
        return until(lambda: next((pid for pid in children(self.process.pid) if "spawn_main" in command_of(pid)), None))

    @contextmanager
    def paused_worker(self) -> Iterator[int]:
        """Meanwhile the worker, whose process id this gives, does nothing: what is asked for waits, however slow this
        machine is."""
        worker = self.worker
        os.kill(worker, signal.SIGSTOP)
        try:
            yield worker
        finally:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)

    def output(self) -> str:
        """Wait for the end; what it printed."""
        return self.process.communicate(timeout=30)[0]

    def log(self) -> str:
        """The front's log."""
        return (self.home / "log" / "daemon.log").read_text()

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


class RawClient:
    """A DEALER that sends what it is told, right or wrong."""

    def __init__(self, endpoint: str, token: str, **options: int) -> None:
        self.token = token
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        for name, value in options.items():
            self.socket.setsockopt(getattr(zmq, name), value)
        self.socket.connect(endpoint)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._context.destroy(0)

    def header(self, kind: str, **fields: Any) -> dict[str, Any]:
        """A good header, with fields added or replaced."""
        return {"v": 1, "kind": kind, "token": self.token, "id": secrets.token_hex(16), **fields}

    def send(self, kind: str, *payload: bytes, **fields: Any) -> str:
        """Send a message; its id."""
        header = self.header(kind, **fields)
        self.socket.send_multipart([msgpack.packb(header), *payload])
        return str(header["id"])

    def send_header(self, header: bytes, *payload: bytes) -> None:
        """Send a header as it is."""
        self.socket.send_multipart([header, *payload])

    def receive(self, seconds: float = PATIENCE_SECONDS) -> tuple[dict[str, Any], list[bytes]]:
        """The next message that is not `progress`."""
        deadline = time.monotonic() + seconds
        while True:
            left = max(0, int((deadline - time.monotonic()) * 1000))
            if not self.socket.poll(left):
                raise TimeoutError("no reply")
            header, *payload = self.socket.recv_multipart()
            reply = msgpack.unpackb(header)
            if reply["kind"] != "progress":
                return reply, payload

    def ask(self, kind: str, *payload: bytes, **fields: Any) -> dict[str, Any]:
        """Send, and return the reply's header."""
        self.send(kind, *payload, **fields)
        return self.receive()[0]

    def status(self) -> dict[str, Any]:
        reply = self.ask("status")
        assert reply["kind"] == "status", reply
        return reply

    def predict(self, width: int = 4, height: int = 4, fill: int = 0, **fields: Any) -> str:
        """Send a good `predict`; `fill` is every byte of its thumbnail."""
        fields = {"thumbnail": {"width": width, "height": height}, **fields}
        return self.send("predict", bytes([fill]) * (width * height * 3), bytes(width * height), **fields)

    def render(self, width: int = 8, height: int = 8, does: str = "invert", masked: bool = False, **fields: Any) -> str:
        """Send a good `render`."""
        layer = {"width": width, "height": height, "layout": "RGBA", "depth": "u8"}
        return self.send("render", adjustment(does), **{"layer": layer, "masked": masked, **fields})

    def bands(
        self, id: str, width: int, height: int, pixels: bytes, mask: bytes | None = None, pixel_bytes: int = 4
    ) -> bytes:
        """Go on with a render that was sent: its bands there and back."""
        accepted = self.expect("accepted", id, seconds=60)[0]  # kernels may have to be compiled
        rows, window = accepted["rows"], accepted["window"]
        result = []
        sent = answered = 0
        starts = list(range(0, height, rows))
        while answered < len(starts):
            while sent < len(starts) and sent - answered < window:
                part = slice(starts[sent] * width * pixel_bytes, (starts[sent] + rows) * width * pixel_bytes)
                masks = [] if mask is None else [mask[starts[sent] * width : (starts[sent] + rows) * width]]
                self.send("band", pixels[part], *masks, id=id, row=starts[sent])
                sent += 1
            header, payload = self.expect("band", id)
            assert header["row"] == starts[answered]
            result.append(payload[0])
            answered += 1
        self.expect("done", id)
        return b"".join(result)

    def expect(
        self, kind: str, id: str | None = None, seconds: float = PATIENCE_SECONDS
    ) -> tuple[dict[str, Any], list[bytes]]:
        """The next reply, which must be of a kind."""
        header, payload = self.receive(seconds)
        assert (header["kind"], header["id"]) == (kind, id or header["id"]), header
        return header, payload

    def error(self, id: str | None = None, seconds: float = PATIENCE_SECONDS) -> str:
        """The code of the next reply, which must be an error."""
        return str(self.expect("error", id, seconds)[0]["code"])


def zmtp_message(*frames: bytes) -> bytes:
    """The bytes of a message on a connection that has shaken hands."""
    more = [*[1] * (len(frames) - 1), 0]
    return b"".join(
        bytes([2 | flag]) + struct.pack(">Q", len(frame)) + frame for flag, frame in zip(more, frames, strict=True)
    )


@contextmanager
def connected(daemon: Daemon) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE_SECONDS) as connection:
        yield connection


@contextmanager
def greeted(daemon: Daemon) -> Iterator[socket.socket]:
    """A connection that has shaken hands as ZMTP asks."""
    with connected(daemon) as connection:
        connection.sendall(GREETING)
        until(lambda: len(connection.recv(64, socket.MSG_PEEK)) >= 64)
        connection.recv(64)
        connection.sendall(READY)
        connection.recv(1000)
        yield connection


def adjustment(does: str = "invert") -> bytes:
    """What the fake engine understands."""
    return json.dumps({"does": does}).encode()


def until(found: Any, seconds: float = PATIENCE_SECONDS) -> Any:
    """Ask again and again until the answer is something."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen")
        time.sleep(0.005)
    return answer


def children(pid: int) -> list[int]:
    """Process ids of a process's children (Linux)."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def forget_peak(pid: int) -> None:
    """Let the peak of a process's memory begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory_mb(pid: int, peak: bool = False) -> float:
    """Resident memory of a process, now or at its peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM" if peak else "VmRSS"):
            return int(line.split()[1]) / 1024
    raise ValueError("no such process")
