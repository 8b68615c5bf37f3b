"""Finds the running daemon, or starts one. Nothing here waits: `Search.poll` takes one step."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from . import paths, sandbox
from .errors import CannotConnect, CannotStart, NotInstalled, VersionMismatch
from .paths import Connection

COMMAND_FILE = "daemon.json"
"""Beside this package, in a plug-in's folder: `{"command": ["/path/to/harmonize"]}`. `harmonize install` writes it."""
START_SECONDS = 30.0
"""A cold disk and a virus scanner can make a first start long; a daemon that is up answers after 0.1 s."""

_TAIL_LINES = 5
_TAIL_BYTES = 4096


class Search:
    """Looks for a daemon that can be talked to; starts one, once, if it may and there is none."""

    def __init__(self, folder: Path, *, start: bool, command: Sequence[str] | None = None) -> None:
        self._folder = folder
        self._may_start = start
        self._command = command
        self._rejected: Connection | None = None
        self._reason = "no daemon is running"
        self._start: Start | None = None
        self._tried_again = False

    @property
    def starting(self) -> bool:
        return self._start is not None

    def poll(self) -> Connection | None:
        """A connection to try, or None: wait. Raises `NoDaemon` and `VersionMismatch` when the search is over."""
        connection = mismatch = None
        try:
            connection = paths.read_connection(self._folder)
        except VersionMismatch as error:
            # Its daemon may be long gone: a new one finds out, as for every file that was left behind.
            mismatch = error
        if connection and connection != self._rejected:
            if is_running(connection.pid):
                return connection
            self.reject(connection, f"the daemon (process {connection.pid}) is gone")
        if not self._may_start:
            raise mismatch or CannotConnect(self._reason)
        try:
            if self._start is None:
                self._start = Start(self._command or find_command(), self._folder)
            if self._start.left_another_its_place and connection:
                if self._tried_again:
                    raise CannotConnect(self._reason, "end that process and try again")
                # The new one was answered: the old one was slow, we were, or it has only just come.
                self._tried_again = True
                self._rejected = None
            self._start.check()
        except (CannotStart, NotInstalled) as error:
            raise mismatch or error from None
        return None

    def reject(self, connection: Connection, reason: str) -> None:
        """This one does not answer: leave it, and whatever its file says, alone."""
        self._rejected, self._reason = connection, reason


class Start:
    """A daemon that is being started; it outlives this process."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        """Raises `CannotStart`."""
        self._deadline = time.monotonic() + START_SECONDS
        self._folder = folder
        self._name = shlex.join(command)
        environment = sandbox.clean_environment(os.environ, command)
        # Both may be relative to where we are, which is not where the daemon begins.
        if environment.get("HARMONIZE_HOME"):
            environment["HARMONIZE_HOME"] = str(paths.home())
        if os.path.dirname(command[0]):
            command = [os.path.abspath(command[0]), *command[1:]]
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            log = open(folder / paths.START_LOG_FILE, "wb")  # noqa: SIM115
        except OSError as error:
            cause = f"the daemon's folder {folder} cannot be written ({error.strerror})"
            raise CannotStart(cause, "check its permissions and the room on its disk") from None
        try:
            with log:
                self._process = subprocess.Popen(
                    [*sandbox.outside(command), "daemon", "run"],
                    env=environment,
                    # `python -m` looks for modules in the working folder first: one that holds nobody's else.
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # Its own group, so that Ctrl-C in a terminal, or the end of the host, does not end it.
                    start_new_session=sys.platform != "win32",
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
                    | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                )
        except OSError as error:
            raise CannotStart(f"the daemon's command `{self._name}` cannot be run ({error.strerror})") from None
        # Somebody must wait for the process, or it stays a zombie until the host ends.
        threading.Thread(target=self._process.wait, name="harmonize-reaper", daemon=True).start()

    @property
    def left_another_its_place(self) -> bool:
        """Whether the new daemon found that one runs, and ended."""
        return self._process.returncode == 0

    def check(self) -> None:
        """Raises `CannotStart` when the process failed or took too long."""
        code = self._process.returncode
        if code:
            raise CannotStart(f"the daemon's command `{self._name}` ended with status {code}{self._tail()}")
        if time.monotonic() > self._deadline:
            raise CannotStart(f"the daemon did not answer within {START_SECONDS:.0f} s of its start{self._tail()}")

    def _tail(self) -> str:
        """The last lines that the command printed."""
        try:
            with open(self._folder / paths.START_LOG_FILE, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").strip().splitlines()[-_TAIL_LINES:]
        except OSError:
            lines = []
        return "; it said:\n" + "\n".join(lines) + "\n" if lines else ""


def find_command() -> tuple[str, ...]:
    """The command whose `daemon run` is the daemon. Raises `NotInstalled`.

    In this order: HARMONIZE_DAEMON (a JSON list, or words as in a shell); `daemon.json` beside this package;
    `harmonize` on the path or where pip and pipx put it for one user; the package in this very Python.
    """
    told = os.environ.get("HARMONIZE_DAEMON")
    if told:
        command = _parse_command(told)
        if not command:
            raise NotInstalled(f"HARMONIZE_DAEMON is no command ({told!r})", "give it as words or as a JSON list")
        return command
    beside = Path(__file__).resolve().parent.parent / COMMAND_FILE
    if beside.is_file():
        return _read_command(beside)
    for_user = Path.home() / ".local" / "bin" / "harmonize"
    found = None if sandbox.inside_flatpak() else shutil.which("harmonize")
    if found or for_user.is_file():
        return (found or str(for_user),)
    # In a host that embeds Python, sys.executable can be the host.
    is_python = Path(sys.executable or "").name.startswith(("python", "pypy"))
    if is_python and importlib.util.find_spec("harmonize_daemon"):
        return (sys.executable, "-m", "harmonize_daemon")
    raise NotInstalled("the harmonize daemon is not installed, or not where it can be found")


def is_running(pid: int) -> bool:
    """False if there is surely no such process of this user."""
    # In a sandbox the host's processes cannot be seen; on Windows os.kill would end it. Connecting will tell.
    if sys.platform == "win32" or sandbox.inside_flatpak():
        return True
    try:
        os.kill(pid, 0)
    except OSError as error:
        # A process that this user may not signal is another user's, and so is, perhaps, whoever listens at the port
        # now: no picture may go there. What a sandbox forbids (EACCES) says nothing of the process.
        return error.errno not in (errno.ESRCH, errno.EPERM)
    return True


def _parse_command(text: str) -> tuple[str, ...]:
    try:
        words = json.loads(text) if text.lstrip().startswith("[") else shlex.split(text, posix=sys.platform != "win32")
    except ValueError:
        return ()
    return tuple(words) if all(isinstance(word, str) for word in words) else ()


def _read_command(path: Path) -> tuple[str, ...]:
    try:
        command = json.loads(path.read_text("utf-8"))["command"]
        if command and isinstance(command, list) and all(isinstance(word, str) for word in command):
            return tuple(command)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise NotInstalled(f"{path} does not name the daemon's command", "run `harmonize install` again")
