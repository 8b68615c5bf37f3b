"""One TCP connection to the daemon that speaks ZMTP 3.0 as a DEALER, and never blocks."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from . import zmtp
from .wire import ProtocolError

_UNDER_WAY = {errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, getattr(errno, "WSAEINVAL", errno.EINPROGRESS)}
_MOST_PIECES = 16
_GATHERS = hasattr(socket.socket, "sendmsg")  # not on Windows
# In a host that embeds Python, nobody may have told the system to ignore SIGPIPE: it would end the host.
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_SO_NOSIGPIPE = 0x1022  # macOS; older Pythons do not name it


class LinkLost(Exception):
    """The connection cannot be used any more; says why."""


class Link:
    """`send` queues a message; `read` and `write` do what the socket can do now.

    `ready` is true after the handshake; messages may be queued before it. `received` counts bytes. Both raise
    `LinkLost` where there is no connection, `read` also when it has ended, and `ProtocolError`; after that, only
    `close` is of use.
    """

    def __init__(self, port: int, place: Callable[[int, int], memoryview]) -> None:
        """Begin to connect to 127.0.0.1; `place` as in `zmtp.Decoder`. Raises `LinkLost` if there can be no socket."""
        self.ready = False
        self.received = 0
        self._connected = False
        self._decoder = zmtp.Decoder(place)
        self._handshake = deque([memoryview(zmtp.greeting())])
        self._pieces: deque[memoryview] = deque()
        self._address = ("127.0.0.1", port)
        try:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        except OSError as error:
            raise LinkLost(_words(error)) from None
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "darwin":
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_NOSIGPIPE, 1)

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        return not self._connected or bool(self._handshake) or (self.ready and bool(self._pieces))

    @property
    def idle(self) -> bool:
        """Everything queued is sent."""
        return not self._pieces and not self._handshake

    def send(self, frames: Sequence[memoryview]) -> None:
        """Queue a message. Its frames are not copied: they must stay as they are until it is sent."""
        self._pieces.extend(zmtp.message(frames))

    def keep_unsent(self) -> None:
        """Copy what is queued: the caller's buffers are in use no more."""
        self._pieces = deque(memoryview(bytes(piece)) for piece in self._pieces)

    def divert(self) -> None:
        """Receive the rest of the frame under way elsewhere: its place is in use no more."""
        self._decoder.divert()

    def read(self) -> Iterator[zmtp.Frame]:
        """Receive once, and go through the frames that are complete with it. Ends at once if there is nothing.

        The next `read` begins after the caller went through all of this one.
        """
        count = self._receive()
        if not count:
            return
        self.received += count
        for item in self._decoder.advance(count):
            if isinstance(item, zmtp.Frame):
                if not self.ready:
                    raise ProtocolError("it sent a message before the handshake")
                yield item
            elif isinstance(item, zmtp.Command):
                self._take_command(item)
            else:
                self._take_greeting(item)

    def write(self) -> int:
        """Send once what the socket takes. Returns the number of bytes."""
        if not self._connect():
            return 0
        queue = self._handshake or (self._pieces if self.ready else self._handshake)
        if not queue:
            return 0
        try:
            if _GATHERS:
                sent = self._socket.sendmsg([queue[i] for i in range(min(len(queue), _MOST_PIECES))], [], _NO_SIGNAL)
            else:
                sent = self._socket.send(queue[0])
        except OSError:
            # Either there is no room, or nobody listens any more: `read` tells, after what the daemon said last.
            return 0
        left = sent
        while queue and left >= queue[0].nbytes:
            left -= queue.popleft().nbytes
        if left:
            queue[0] = queue[0][left:]
        return sent

    def close(self) -> None:
        self._socket.close()

    def _connect(self) -> bool:
        """Whether the TCP connection stands. A refusal is the socket's error: Windows would only try again."""
        if not self._connected:
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            code = code or self._socket.connect_ex(self._address)
            if code in _UNDER_WAY:
                return False
            if code not in (0, errno.EISCONN):
                raise LinkLost(os.strerror(code).lower())
            self._connected = True
        return True

    def _receive(self) -> int:
        if not self._connect():
            return 0
        try:
            count = self._socket.recv_into(self._decoder.buffer())
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise LinkLost(_words(error)) from None
        if not count:
            raise LinkLost("it closed the connection")
        return count

    def _take_greeting(self, greeting: zmtp.Greeting) -> None:
        if greeting.mechanism != "NULL":
            raise ProtocolError(f"it wants the security mechanism {greeting.mechanism!r}")
        self._handshake.append(memoryview(zmtp.ready("DEALER")))

    def _take_command(self, command: zmtp.Command) -> None:
        if command.name == "ERROR":
            raise ProtocolError(f"it refused the handshake: {command.data[1:].decode('latin-1')}")
        if command.name == "PING" and self.ready:
            self._pieces.append(memoryview(zmtp.pong(command.data)))
        elif command.name == "READY" and not self.ready:
            kind = zmtp.read_ready(command.data).get("socket-type", b"").decode("latin-1")
            if kind != "ROUTER":
                raise ProtocolError(f"it is a {kind or 'nameless'} socket, not a ROUTER")
            self.ready = True
        elif not self.ready:
            raise ProtocolError(f"it sent {command.name} before the handshake")


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
