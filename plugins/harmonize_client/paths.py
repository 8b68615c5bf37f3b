"""The folder that the daemon and its clients share, and the connection file in it. The daemon uses this module too.

```
connection.json     who may speak to the daemon, and where (`docs/protocol.md`, The connection file)
start.log           what the daemon's command printed when a client started it last
```
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import UntrustedConnectionFile, VersionMismatch
from .version import PROTOCOL_VERSION

APPLICATION = "harmonize-selection"
CONNECTION_FILE = "connection.json"
START_LOG_FILE = "start.log"

_MOST_BYTES = 4096
_REPLACE_SECONDS = 1.0
_ENDPOINT = re.compile(r"tcp://127\.0\.0\.1:([0-9]{1,5})")
_TOKEN = re.compile(r"[0-9a-f]{64}")


def home() -> Path:
    """The folder of this user; `HARMONIZE_HOME` overrides it. It need not exist.

    On Linux this is below the real home and not below XDG_DATA_HOME, which a Flatpak points into its sandbox.
    """
    override = os.environ.get("HARMONIZE_HOME")
    if override:
        return Path(override).absolute()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / APPLICATION
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / APPLICATION
    return Path.home() / ".local" / "share" / APPLICATION


@dataclass(frozen=True)
class Connection:
    """What the connection file says."""

    port: int
    token: str = field(repr=False)
    pid: int
    version: str
    protocol: int = PROTOCOL_VERSION

    @property
    def endpoint(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"


def read_connection(folder: Path) -> Connection | None:
    """The running daemon's connection; None when there is no file, or it is not a connection file at all.

    Raises `UntrustedConnectionFile` when the file or its folder is not this user's alone, and `VersionMismatch` when
    the daemon speaks another protocol.
    """
    text = _read(folder)
    return None if text is None else _parse(text)


def read_pid(folder: Path) -> int | None:
    """The process that the connection file names, whatever protocol it speaks; None where it names none.

    Raises `UntrustedConnectionFile`.
    """
    fields = _fields(_read(folder) or b"")
    pid = fields.get("pid") if fields else None
    return pid if isinstance(pid, int) and pid > 1 else None


def _read(folder: Path) -> bytes | None:
    """The connection file, a little more than its most bytes; None if there is none."""
    path = folder / CONNECTION_FILE
    try:
        check_private(folder)
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UntrustedConnectionFile(f"{path} cannot be read ({error.strerror})") from None
    try:
        _check_private(path, os.fstat(handle), stat.S_ISREG)
        return os.read(handle, _MOST_BYTES + 1)
    finally:
        os.close(handle)


def write_connection(folder: Path, connection: Connection) -> None:
    """Create the folder (0700) if need be and put the file (0600) there in one step. Raises OSError, and as above."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_private(folder)
    fields = asdict(connection)
    del fields["port"]
    text = json.dumps({"endpoint": connection.endpoint, **fields}, indent=1).encode()
    beside = folder / f"{CONNECTION_FILE}.{os.getpid()}"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        _replace(folder / CONNECTION_FILE, beside)
    finally:
        beside.unlink(missing_ok=True)


def _replace(file: Path, new: Path) -> None:
    """Windows refuses it while anybody reads the file, as clients that wait for a daemon do again and again."""
    until = time.monotonic() + _REPLACE_SECONDS
    while True:
        try:
            new.replace(file)
            return
        except PermissionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.001)


def check_private(folder: Path) -> None:
    """Raises `UntrustedConnectionFile` unless the folder is this user's alone, FileNotFoundError if there is none."""
    _check_private(folder, folder.stat(), stat.S_ISDIR)


def _check_private(path: Path, status: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    # On Windows the mode bits say nothing; %LOCALAPPDATA% is the user's alone by its access-control list, which the
    # standard library cannot read.
    if sys.platform == "win32":
        return
    if not is_kind(status.st_mode):
        raise UntrustedConnectionFile(f"{path} is not what it should be")
    if status.st_uid != os.getuid():
        raise UntrustedConnectionFile(f"{path} belongs to another user")
    if status.st_mode & 0o077:
        raise UntrustedConnectionFile(f"others can read or write {path}")


def _fields(text: bytes) -> dict[str, object] | None:
    """None for what is not a connection file."""
    try:
        fields = json.loads(text) if len(text) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _parse(text: bytes) -> Connection | None:
    """None for what is not a connection file: a newer daemon will replace it."""
    fields = _fields(text)
    if fields is None:
        return None
    protocol = fields.get("protocol")
    if isinstance(protocol, int) and protocol != PROTOCOL_VERSION:
        daemon = f"the daemon (version {fields.get('version')}, process {fields.get('pid')})"
        raise VersionMismatch(f"{daemon} speaks protocol {protocol}, this client protocol {PROTOCOL_VERSION}")
    endpoint = _ENDPOINT.fullmatch(str(fields.get("endpoint")))
    token, pid, version = fields.get("token"), fields.get("pid"), fields.get("version")
    if not (endpoint and isinstance(token, str) and _TOKEN.fullmatch(token)):
        return None
    if not (isinstance(pid, int) and pid > 0 and isinstance(version, str)):
        return None
    return Connection(int(endpoint[1]), token, pid, version)
