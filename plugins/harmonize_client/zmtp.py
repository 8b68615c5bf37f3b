"""ZMTP 3.0 as pure encode and decode: no socket here (https://rfc.zeromq.org/spec/23/).

```
greeting = FF 00*8 7F  major  minor  mechanism[20]  as-server  00*31            64 bytes, from both sides at once
frame    = flags  size  body           flags: 1 more frames follow, 2 the size has 8 bytes, 4 a command
command  = length name data            READY, then at any time PING, PONG, ERROR
```

`Decoder` takes bytes where the caller received them: a large body is received straight into its final place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .wire import MAX_DAEMON_HEADER, MAX_FRAME, ProtocolError

MORE, LONG, COMMAND = 1, 2, 4

GREETING_BYTES = 64
MAX_COMMAND = 4096
MAX_FRAMES = 16
"""Frames that a message may have."""

_SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
_MECHANISM = slice(12, 32)
_STAGE_BYTES = 4096


@dataclass(frozen=True)
class Greeting:
    major: int
    minor: int
    mechanism: str


@dataclass(frozen=True)
class Command:
    name: str
    data: bytes


@dataclass(frozen=True)
class Frame:
    """A whole frame of a message; `index` is its place in the message."""

    index: int
    more: bool
    body: memoryview


def greeting() -> bytes:
    return (_SIGNATURE + b"\x03\x00" + b"NULL".ljust(20, b"\0")).ljust(GREETING_BYTES, b"\0")


def frame_head(size: int, *, more: bool = False, command: bool = False) -> bytes:
    flags = (MORE if more else 0) | (COMMAND if command else 0)
    if size < 256:
        return bytes((flags, size))
    return bytes((flags | LONG,)) + size.to_bytes(8, "big")


def command(name: str, data: bytes = b"") -> bytes:
    body = bytes((len(name),)) + name.encode("ascii") + data
    return frame_head(len(body), command=True) + body


def ready(socket_type: str, identity: bytes = b"") -> bytes:
    """The READY command of the NULL mechanism."""
    properties = {"Socket-Type": socket_type.encode("ascii"), "Identity": identity}
    data = b"".join(
        bytes((len(name),)) + name.encode("ascii") + len(value).to_bytes(4, "big") + value
        for name, value in properties.items()
        if value
    )
    return command("READY", data)


def read_ready(data: bytes) -> dict[str, bytes]:
    """The properties of a READY command, names in lower case (they do not depend on case)."""
    properties = {}
    position = 0
    while position < len(data):
        name_end = position + 1 + data[position]
        value_start = name_end + 4
        value_end = value_start + int.from_bytes(data[name_end:value_start], "big")
        if value_end > len(data) or value_start > len(data):
            raise ProtocolError("a READY command is cut short")
        properties[data[position + 1 : name_end].decode("latin-1").lower()] = data[value_start:value_end]
        position = value_end
    return properties


def pong(ping: bytes) -> bytes:
    """The answer to a PING with that data: two bytes of time to live, then a context to send back."""
    if not 2 <= len(ping) <= 2 + 16:
        raise ProtocolError("a PING command is malformed")
    return command("PONG", ping[2:])


def message(frames: Sequence[memoryview]) -> list[memoryview]:
    """The pieces to send for a message, in order; the frames themselves are not copied."""
    pieces = []
    for index, frame in enumerate(frames):
        pieces.append(memoryview(frame_head(frame.nbytes, more=index + 1 < len(frames))))
        if frame.nbytes:
            pieces.append(frame)
    return pieces


class Decoder:
    """Takes what a peer sends and gives greetings, commands and frames.

    Receive into `buffer()`, then go through `advance(count)`. Before each frame of a message but its first, `place` is
    asked for exactly that many bytes of memory for its body: when it is called, all earlier frames have been given.
    Everything malformed or too large raises `ProtocolError`, before any memory is set aside for it.
    """

    def __init__(self, place: Callable[[int, int], memoryview]) -> None:
        """`place(index, size)` gives the memory for a frame of a message."""
        self._place = place
        self._stage = memoryview(bytearray(_STAGE_BYTES))
        self._start = self._end = 0  # of what is staged and not yet looked at
        self._greeted = False
        self._flags = 0
        self._index = 0
        self._body: memoryview | None = None
        self._filled = 0

    def buffer(self) -> memoryview:
        """Where the next bytes belong; never empty."""
        if self._body is not None:
            return self._body[self._filled :]
        staged = bytes(self._stage[self._start : self._end])
        self._stage[: len(staged)] = staged
        self._start, self._end = 0, len(staged)
        return self._stage[self._end :]

    def advance(self, count: int) -> Iterator[Greeting | Command | Frame]:
        """`count` bytes were put into `buffer()`. Go through all that this gives before the next call."""
        if self._body is not None:
            self._filled += count
        else:
            self._end += count
        while True:
            item = self._next()
            if item is None:
                return
            yield item

    def divert(self) -> None:
        """Put the rest of the frame under way elsewhere: its place is no longer ours."""
        if self._body is not None:
            self._body = memoryview(bytearray(self._body.nbytes))

    def _next(self) -> Greeting | Command | Frame | None:
        if not self._greeted:
            return self._next_greeting()
        if self._body is None:
            size = self._next_head()
            if size is None:
                return None
            self._body, self._filled = self._memory(size), 0
        missing = self._body.nbytes - self._filled
        count = min(missing, self._end - self._start)
        self._body[self._filled : self._filled + count] = self._stage[self._start : self._start + count]
        self._start += count
        self._filled += count
        if count < missing:
            return None
        return self._finish(self._body)

    def _next_greeting(self) -> Greeting | None:
        staged = bytes(self._stage[: self._end])
        # Looked at as far as it has come: another protocol's peer may wait for us after a few bytes. The eight bytes in
        # the middle mean nothing; libzmq puts there what ZMTP 1 expects.
        if staged[:1] not in (b"", b"\xff") or staged[9:10] not in (b"", b"\x7f"):
            raise ProtocolError("it does not speak ZMTP")
        if len(staged) > 10 and staged[10] < 3:
            raise ProtocolError("it speaks a version of ZMTP before 3.0")
        if len(staged) < GREETING_BYTES:
            return None
        self._greeted = True
        self._start = GREETING_BYTES
        mechanism = staged[_MECHANISM].rstrip(b"\0").decode("latin-1")
        return Greeting(staged[10], staged[11], mechanism)

    def _next_head(self) -> int | None:
        """Take a frame's flags and size from the stage; None if they are not all there."""
        staged = self._end - self._start
        if staged < 1:
            return None
        flags = self._stage[self._start]
        if flags & ~(MORE | LONG | COMMAND) or (flags & COMMAND and flags & MORE):
            raise ProtocolError(f"a frame has the flags {flags:#04x}")
        head = 9 if flags & LONG else 2
        if staged < head:
            return None
        size = int.from_bytes(self._stage[self._start + 1 : self._start + head], "big")
        most = MAX_COMMAND if flags & COMMAND else MAX_FRAME if self._index else MAX_DAEMON_HEADER
        if size > most:
            raise ProtocolError(f"a frame has {size} bytes, more than {most}")
        if self._index >= MAX_FRAMES:
            raise ProtocolError(f"a message has more than {MAX_FRAMES} frames")
        self._flags = flags
        self._start += head
        return size

    def _memory(self, size: int) -> memoryview:
        if self._flags & COMMAND or not self._index:
            return memoryview(bytearray(size))
        return self._place(self._index, size)

    def _finish(self, body: memoryview) -> Command | Frame:
        self._body = None
        if self._flags & COMMAND:
            name_end = 1 + body[0] if body.nbytes else 0
            if not 1 < name_end <= body.nbytes:
                raise ProtocolError("a command is malformed")
            return Command(bytes(body[1:name_end]).decode("latin-1"), bytes(body[name_end:]))
        frame = Frame(self._index, bool(self._flags & MORE), body)
        self._index = self._index + 1 if frame.more else 0
        return frame
