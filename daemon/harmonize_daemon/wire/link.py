"""The inner link: small typed messages between front and worker over a socket pair.

A socket pair can be polled together with ZeroMQ sockets on every system, nobody else can reach it, and either end sees
at once when the other process is gone. Pixels of layers do not pass here; they lie in `slots`.
"""

from __future__ import annotations

import socket
import threading
from collections import deque

import msgspec
from msgspec import Struct

from harmonize_daemon.wire.messages import Layer, Look, NetworkInfo, Size


class Message(Struct, frozen=True, tag=True, array_like=True):
    """What goes over the inner link."""


# From the front to the worker -----------------------------------------------------------------------------------------


class PredictTask(Message, frozen=True):
    """Predict an adjustment: one of `PredictTasks`.

    `thumbnail`, `mask`, `reference` are the payload frames of `predict`.
    """

    job: int
    network: str
    size: Size
    thumbnail: bytes
    mask: bytes
    reference_size: Size | None
    reference: bytes
    foreground_class: str | None
    force_cpu: bool = False


class PredictTasks(Message, frozen=True):
    """Predict, for the same network and on the same device: in one pass if there are several and they fit."""

    tasks: list[PredictTask]


class OpenTask(Message, frozen=True):
    """Get ready to render a layer's bands."""

    job: int
    layer: Layer
    rows: int
    masked: bool
    place: tuple[float, float, float, float]
    look: Look
    adjustment: bytes


class BandTask(Message, frozen=True):
    """Render the band that lies in a slot, in place."""

    job: int
    slot: int
    row: int
    rows: int


class CloseTask(Message, frozen=True):
    """A render has ended, or has been cancelled; its bands that have not begun need not be rendered."""

    job: int


class ExportTask(Message, frozen=True):
    """Write an adjustment in a host's own format."""

    job: int
    format: str
    look: Look
    adjustment: bytes


class Rest(Message, frozen=True):
    """Nobody has asked for a while: give memory back."""


class Stop(Message, frozen=True):
    """End the process."""


# From the worker to the front -----------------------------------------------------------------------------------------


class Beat(Message, frozen=True):
    """Still alive."""


class RenderingReady(Message, frozen=True):
    """Renders and exports can be sent."""


class RenderingFailed(Message, frozen=True):
    """Renders and exports cannot be made; predictions perhaps can."""

    cause: str


class NetworksReady(Message, frozen=True):
    """Predictions can be sent. Also sent again when a network has been measured."""

    device: str
    networks: list[NetworkInfo]
    default_network: str


class NetworksFailed(Message, frozen=True):
    """Networks cannot be used (torch cannot be imported, weights are missing); renders still can."""

    cause: str


class PredictedTask(Message, frozen=True):
    job: int
    adjustment: bytes
    network: str
    device: str
    milliseconds: float
    notes: list[str]
    confidence: float | None


class OpenedTask(Message, frozen=True):
    job: int
    notes: list[str]


class BandDone(Message, frozen=True):
    """The worker will not touch the slot again. `rendered` is false if the job was closed before."""

    job: int
    slot: int
    rendered: bool


class ExportedTask(Message, frozen=True):
    job: int
    text: bytes
    exact: bool


class TaskFailed(Message, frozen=True):
    """`code` is one of errors.ErrorCode's values; an empty hint leaves it to the code's own."""

    job: int
    code: str
    cause: str
    hint: str = ""


class DeviceLost(Message, frozen=True):
    """The device does not answer any more; the process ends now. A fresh one should try what was not answered."""

    cause: str


class Hung(Message, frozen=True):
    """The networks have been at one task for far too long; the process ends now."""

    device: str
    """Where they ran; empty if that was still being found out."""


FromFront = PredictTasks | OpenTask | BandTask | CloseTask | ExportTask | Rest | Stop
FromWorker = (
    Beat
    | RenderingReady
    | RenderingFailed
    | NetworksReady
    | NetworksFailed
    | PredictedTask
    | OpenedTask
    | BandDone
    | ExportedTask
    | TaskFailed
    | DeviceLost
    | Hung
)

_PREFIX = 4
_CHUNK = 1 << 18
_decoder = msgspec.msgpack.Decoder(FromFront | FromWorker)
_encoder = msgspec.msgpack.Encoder()


class LinkClosed(Exception):
    """The other process is gone."""


def encode(message: Message) -> bytes:
    """Length prefix and message."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_PREFIX, "little") + body


class Splitter:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[FromFront | FromWorker]:
        """Take in bytes and return the messages that are complete now."""
        self._buffer += data
        messages = []
        start = 0
        while len(self._buffer) - start >= _PREFIX:
            end = start + _PREFIX + int.from_bytes(self._buffer[start : start + _PREFIX], "little")
            if len(self._buffer) < end:
                break
            messages.append(_decoder.decode(memoryview(self._buffer)[start + _PREFIX : end]))
            start = end
        if start:
            del self._buffer[:start]
        return messages


class FrontLink:
    """The front's end: never waits."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self._splitter = Splitter()
        self._unsent: deque[memoryview] = deque()

    @property
    def wants_to_write(self) -> bool:
        """Whether `flush` should be called once the socket can be written to."""
        return bool(self._unsent)

    def send(self, message: FromFront) -> None:
        """Send, or keep until the worker takes it. Raises LinkClosed."""
        self._unsent.append(memoryview(encode(message)))
        self.flush()

    def flush(self) -> None:
        """Send what can be sent now. Raises LinkClosed."""
        while self._unsent:
            try:
                sent = self.socket.send(self._unsent[0])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                raise LinkClosed from error
            if sent == len(self._unsent[0]):
                self._unsent.popleft()
            else:
                self._unsent[0] = self._unsent[0][sent:]

    def receive(self) -> list[FromFront | FromWorker]:
        """The messages that have arrived. Raises LinkClosed."""
        messages: list[FromFront | FromWorker] = []
        while True:
            try:
                data = self.socket.recv(_CHUNK)
            except (BlockingIOError, InterruptedError):
                return messages
            except OSError:  # such as a reset, where the worker had not read everything
                data = b""
            if not data:
                if messages:
                    return messages
                raise LinkClosed
            messages += self._splitter.feed(data)

    def close(self) -> None:
        """Close the socket; the worker ends when it sees that."""
        self.socket.close()


class WorkerLink:
    """The worker's end: waits; several threads may send."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        self._socket = connection
        self._splitter = Splitter()
        self._lock = threading.Lock()

    def send(self, message: FromWorker) -> None:
        """Raises LinkClosed if the front is gone."""
        data = encode(message)
        try:
            with self._lock:
                self._socket.sendall(data)
        except OSError as error:
            raise LinkClosed from error

    def receive(self) -> list[FromFront | FromWorker]:
        """Wait for messages. Raises LinkClosed if the front is gone."""
        while True:
            try:
                data = self._socket.recv(_CHUNK)
            except OSError as error:
                raise LinkClosed from error
            if not data:
                raise LinkClosed
            if messages := self._splitter.feed(data):
                return messages
