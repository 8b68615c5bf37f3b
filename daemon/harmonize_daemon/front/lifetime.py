"""One daemon per user: the lock, and the connection file that goes with it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from harmonize_client import paths, version
from harmonize_client.errors import CannotConnect, HarmonizeError, VersionMismatch

LOCK_FILE = "daemon.lock"


class AlreadyRunning(Exception):
    """Another daemon holds the lock."""


@contextmanager
def only_daemon(home: Path) -> Iterator[None]:
    """Hold the user's lock. The system lets go of it when the process ends, in whatever way: it is never stale.

    Creates the folder (0700). Raises AlreadyRunning, UntrustedConnectionFile if others can read the folder, OSError.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths.check_private(home)
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        if not _try_lock(file):
            raise AlreadyRunning
        yield


def daemon_runs(home: Path) -> bool:
    """Whether a daemon holds the lock. A connection file says less: a crash leaves it behind. Raises OSError."""
    try:
        with open(home / LOCK_FILE, "r+b") as file:
            return not _try_lock(file)
    except FileNotFoundError:
        return False


def end_other_version(home: Path) -> int | None:
    """Ask the running daemon to end by a signal: one that speaks another protocol understands no request to do so.

    Returns its process id; None where it cannot be told, or not be signalled. The connection file may have been left
    behind by a crash, and its number be another process's now: only one that was started as a daemon is signalled.
    """
    pid = paths.read_pid(home)
    if sys.platform == "win32" or pid is None or not _is_daemon(_words_of(pid)):
        return None
    try:
        os.kill(pid, signal.SIGTERM)
    except OSError:
        return None
    return pid


def _is_daemon(words: Sequence[str]) -> bool:
    """Whether a command starts a daemon, such as `harmonize daemon run` and `python -m harmonize_daemon daemon run`."""
    starts = any(pair == ("daemon", "run") for pair in pairwise(words))
    return starts and any("harmonize" in Path(word).name for word in words[:3])


def _words_of(pid: int) -> list[str]:
    """How a process of this computer was started; nothing where that is not known."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    from subprocess import run  # macOS has no such files

    with suppress(OSError):
        said = run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return said.stdout.split()
    return []


def check_leftovers(home: Path) -> None:
    """Raise UntrustedConnectionFile if others can read the connection file that an earlier daemon left behind."""
    with suppress(VersionMismatch):
        paths.read_connection(home)


def address_of_running(home: Path) -> str:
    """Where the daemon that holds the lock answers. Raises CannotConnect if it does not."""
    from harmonize_client import connect

    with connect("daemon", start=False, folder=home):
        connection = paths.read_connection(home)
    if connection is None:
        raise CannotConnect("the daemon that runs is just ending")
    return connection.endpoint


def installation() -> int | None:
    """What changes when another version of this program is installed, and is None once it is removed."""
    try:
        return os.stat(version.__file__).st_mtime_ns
    except OSError:
        return None


@contextmanager
def published(home: Path, connection: paths.Connection) -> Iterator[None]:
    """Keep the connection file in place; a file that an earlier daemon left behind is replaced."""
    paths.write_connection(home, connection)
    try:
        yield
    finally:
        # Only our own: somebody may have moved the folder away and started another daemon.
        with suppress(HarmonizeError, OSError):
            if paths.read_connection(home) == connection:
                (home / paths.CONNECTION_FILE).unlink(missing_ok=True)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
