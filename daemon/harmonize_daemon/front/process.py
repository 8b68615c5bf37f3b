"""The front process: binds the socket, answers at once, hands work to the worker, never computes.

Nothing here waits for a client but in `poll`. Imports stay few: the first `hello` is answered before torch is even
looked for.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep

import zmq
from harmonize_client import paths
from harmonize_client.errors import CannotStart, NoDaemon
from harmonize_client.version import __version__

from harmonize_daemon.allocator import give_freed_memory_back, keep_freed_memory
from harmonize_daemon.front.auth import SeenIds, Token
from harmonize_daemon.front.connections import Connections, MemoryGuard
from harmonize_daemon.front.dispatcher import Dispatcher
from harmonize_daemon.front.lifetime import (
    AlreadyRunning,
    address_of_running,
    check_leftovers,
    installation,
    only_daemon,
    published,
)
from harmonize_daemon.front.outbox import SEND_HIGH_WATER, Delivery, Outbox
from harmonize_daemon.front.peers import Peer
from harmonize_daemon.front.supervisor import State, Supervisor
from harmonize_daemon.front.wakeup import Wakeup
from harmonize_daemon.log import start_log
from harmonize_daemon.options import Options
from harmonize_daemon.wire import messages
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import Rest
from harmonize_daemon.wire.messages import Reply

log = logging.getLogger(__name__)

HANDSHAKE_MS = 10_000
RECEIVE_HIGH_WATER = 8
"""Messages that wait unread from one connection."""
MESSAGES_AT_A_TIME = 32
"""Messages that are read before timers and the worker get their turn."""
LOG_FILE = "daemon.log"
FRAMES = 4
"""Header and the payload frames of the longest request."""
LOCK_SECONDS = 5.0
"""So long a daemon waits for another one to answer, or to end."""
START_SECONDS = 0.05
"""The worker starts after the first message, or after so long: starting it must not delay the first answer."""


def run(options: Options) -> int:
    """Run a daemon until it is stopped or has been idle for long; the exit status.

    If one runs already, print its address and return 0. Raises UntrustedConnectionFile if others can read the folder or
    the connection file, CannotStart if the folder cannot be written or the port is taken.
    """
    home = paths.home()
    deadline = monotonic() + LOCK_SECONDS
    while True:
        try:
            with only_daemon(home):
                check_leftovers(home)
                _move_into(home)
                with Front(options, home) as front:
                    front.serve()
            return 0
        except AlreadyRunning:
            # The other one may have just begun, and answer in a moment, or be just ending, and let go of the lock.
            try:
                print(f"A daemon runs already: {address_of_running(home)}")
                return 0
            except NoDaemon:
                if monotonic() > deadline:
                    raise
            sleep(0.05)
        except (OSError, zmq.ZMQError) as error:
            raise CannotStart(f"the daemon cannot start ({error})") from error


def _move_into(home: Path) -> None:
    """Work in the daemon's own folder: a Python that is started, as the worker's is, looks there for modules first."""
    if os.environ.get("HARMONIZE_HOME"):
        os.environ["HARMONIZE_HOME"] = str(home)  # it may be relative to where we came from
    os.chdir(home)


class Front:
    """The socket, and everything that answers on it."""

    def __init__(self, options: Options, home: Path) -> None:
        self._options = options
        self._home = home
        self._installation = installation()
        self._secret = secrets.token_hex(32)
        self._token = Token(self._secret)
        self._seen = SeenIds()
        self._stopping = False
        self._active = monotonic()
        self._worked = monotonic()
        self._rested = True
        self._last_complaint = -60.0
        self._stack = ExitStack()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._outbox = Outbox(self._socket)
        self._dispatcher = Dispatcher(options, self._outbox.send)
        self._supervisor = Supervisor(options, self._dispatcher.hear, self._dispatcher.worker_died)
        self._dispatcher.worker = self._supervisor

    def __enter__(self) -> Front:
        with ExitStack() as stack:
            self._wakeup = stack.enter_context(Wakeup())
            stack.callback(self._context.term)
            # The socket is closed before, at once: a client so learns that this daemon ends before it asks for more.
            stack.callback(self._supervisor.stop)
            stack.enter_context(self._socket)
            self._port = self._bind()
            self._connections = Connections(self._socket, self._options.limits.strangers)
            stack.callback(self._connections.close)
            self._guard = MemoryGuard(self._connections, self._options.limits.front_bytes)
            connection = paths.Connection(self._port, self._secret, os.getpid(), __version__)
            stack.enter_context(published(self._home, connection))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        log.info("the daemon has ended")

    def _bind(self) -> int:
        socket = self._socket
        socket.setsockopt(zmq.MAXMSGSIZE, self._options.limits.frame_bytes)
        socket.setsockopt(zmq.RCVHWM, RECEIVE_HIGH_WATER)
        socket.setsockopt(zmq.SNDHWM, SEND_HIGH_WATER)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        socket.setsockopt(zmq.LINGER, 0)
        socket.bind(f"tcp://127.0.0.1:{self._options.port or '*'}")
        endpoint: bytes = socket.getsockopt(zmq.LAST_ENDPOINT)  # type: ignore[assignment]
        return int(endpoint.rstrip(b"\0").rpartition(b":")[2])

    # The loop ---------------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Answer until told to stop, or until idle for long."""
        begun = monotonic()
        started = False
        next_tick = 0.0
        try:
            while not self._stopping and not self._is_idle():
                heard = self._wait(next_tick - monotonic() if started else START_SECONDS)
                self._outbox.send_kept()
                if self._stopping:
                    break
                if not started and (heard or monotonic() - begun > START_SECONDS):
                    self._begin_work()
                    started = True
                if monotonic() >= next_tick:
                    self._tick()
                    next_tick = monotonic() + (0.1 if len(self._dispatcher.jobs) else 0.25)
        finally:
            self._end()

    def _begin_work(self) -> None:
        from harmonize_daemon.folders import log_folder

        keep_freed_memory()
        with suppress(OSError):
            start_log(log_folder() / LOG_FILE)
        log.info("daemon %s listens on port %d", __version__, self._port)
        self._supervisor.start()

    def _wait(self, seconds: float) -> bool:
        """Wait for something to happen and handle it; whether a client said something."""
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._connections.monitor, zmq.POLLIN)
        poller.register(self._wakeup.reader, zmq.POLLIN)
        link = self._supervisor.link
        if link is not None:
            poller.register(link.socket, zmq.POLLIN | (zmq.POLLOUT if link.wants_to_write else 0))
        events = dict(poller.poll(max(0, math.ceil(seconds * 1000))))
        if self._connections.monitor in events:
            self._connections.read()
        if self._wakeup.reader.fileno() in events:
            log.info("a signal asks the daemon to end")
            self._stopping = True
        if link is not None and link is self._supervisor.link and link.socket.fileno() in events:
            self._supervisor.receive()
        heard = False
        if self._socket in events:
            for _ in range(MESSAGES_AT_A_TIME):
                try:
                    frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
                except zmq.Again:
                    break
                self._take(frames)
                heard = True
                if self._stopping:  # who comes now is to find the next daemon
                    break
        return heard

    def _tick(self) -> None:
        self._supervisor.tick()
        self._dispatcher.tick()
        self._check_wanted()
        self._connections.tick()
        if self._guard.check():
            give_freed_memory_back()
        if len(self._dispatcher.jobs):
            self._active = self._worked = monotonic()
            self._rested = False
        elif not self._rested and monotonic() - self._worked > self._options.rest_seconds:
            self._supervisor.send(Rest())
            give_freed_memory_back()
            self._rested = True

    def _check_wanted(self) -> None:
        """End once nobody can find this daemon any more, because its folder was removed or moved away; and once the
        program was updated or removed: what is yet to be imported would be of another version, or missing."""
        if len(self._dispatcher.jobs):
            return
        if not (self._home / paths.CONNECTION_FILE).exists():
            log.warning("the connection file is gone, so nobody can find this daemon: it ends")
            self._stopping = True
        elif installation() != self._installation:
            log.info("the program was updated or removed: the daemon ends")
            self._stopping = True

    def _is_idle(self) -> bool:
        failed = self._supervisor.state is State.FAILED
        limit = self._options.failed_exit_seconds if failed else self._options.idle_exit_seconds
        idle = limit > 0 and monotonic() - self._active > limit and not len(self._dispatcher.jobs)
        if idle:
            log.info("idle for %d s: the daemon ends", limit)
        return idle

    def _end(self) -> None:
        self._dispatcher.end_all(Refused(ErrorCode.SHUTTING_DOWN, "The daemon is stopping."))
        # What was said last should arrive, but not at any price.
        self._socket.setsockopt(zmq.LINGER, 300)

    # Messages ---------------------------------------------------------------------------------------------------------

    def _take(self, frames: Sequence[zmq.Frame]) -> None:
        """Answer one message. Whatever is in it, the loop goes on."""
        peer = Peer.of(frames[-1], frames[0].bytes)
        id = ""
        try:
            if not 2 <= len(frames) <= FRAMES + 1:
                raise Refused(ErrorCode.BAD_REQUEST, f"The message has {len(frames) - 1} frames.")
            request = messages.parse(frames[1].buffer, self._options.limits.header_bytes, self._token.matches)
            id = request.id
            self._connections.trust(peer)
            self._active = monotonic()
            if isinstance(request, messages.Band):
                if id not in self._seen:
                    raise Refused(ErrorCode.BAD_REQUEST, "A band came without its render.", id)
                self._dispatcher.band(peer, request, [frame.buffer for frame in frames[2:]])
            elif not self._seen.add(id):
                raise Refused(ErrorCode.REPLAYED, "The id was used before.", id)
            else:
                self._answer(peer, request, [frame.buffer for frame in frames[2:]])
        except Refused as refusal:
            self._complain(refusal)
            self._say(peer, messages.error(refusal.id or id, refusal))
        except Exception:
            log.exception("a message could not be answered")
            self._say(peer, messages.error(id, Refused(ErrorCode.INTERNAL, "The daemon has a defect.")))

    def _answer(self, peer: Peer, request: messages.AnyRequest, payload: list[memoryview]) -> None:
        if isinstance(request, (messages.Predict, messages.Render, messages.Export)):
            self._worked = monotonic()
            self._rested = False
        if isinstance(request, messages.Predict):
            self._dispatcher.predict(peer, request, payload)
        elif isinstance(request, messages.Render):
            self._dispatcher.render(peer, request, payload)
        elif isinstance(request, messages.Export):
            self._dispatcher.export(peer, request, payload)
        elif payload:
            raise Refused(ErrorCode.BAD_REQUEST, "This kind of request has no payload.", request.id)
        elif isinstance(request, messages.Cancel):
            self._dispatcher.cancel(peer, request.target)
            self._say(peer, messages.Cancelled(id=request.id))
        elif isinstance(request, messages.Shutdown):
            log.info("a client asks the daemon to end")
            self._say(peer, messages.Bye(id=request.id))
            self._stopping = True
        else:
            self._say(peer, self._status(request.id))

    def _status(self, id: str) -> messages.StatusReply:
        worker, jobs, limits = self._supervisor, self._dispatcher.jobs, self._options.limits
        running = jobs.running
        is_busy = worker.state is State.READY and running
        return messages.StatusReply(
            id=id,
            version=__version__,
            pid=os.getpid(),
            state="busy" if is_busy else worker.state.value,
            detail=worker.detail,
            device=worker.device,
            networks=worker.networks,
            default_network=worker.default_network,
            jobs=messages.JobCounts(running, len(jobs) - running),
            limits=messages.PublicLimits(
                limits.pixels, limits.side, limits.frame_bytes, limits.window, limits.thumbnail_side
            ),
            idle_exit_seconds=self._options.idle_exit_seconds,
        )

    def _say(self, peer: Peer, reply: Reply) -> None:
        """Reply where no job depends on it."""
        delivery = self._outbox.send(peer, reply, [])
        if delivery is Delivery.FULL:
            peer.disconnect()
        if delivery is not Delivery.SENT:
            self._dispatcher.forget(peer)

    def _complain(self, refusal: Refused) -> None:
        """Log refused tokens, but not as often as somebody may try them."""
        if refusal.code is ErrorCode.UNAUTHORIZED and monotonic() - self._last_complaint > 60:
            self._last_complaint = monotonic()
            log.warning("a request without the right token was refused (said once a minute)")
