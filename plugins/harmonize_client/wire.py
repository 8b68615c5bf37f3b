"""Headers: msgpack maps (`docs/protocol.md`, Transport).

The codec is msgpack's own pure-Python fallback, copied beside this module at install time (`vendor_msgpack`), because a
host's Python need not have msgpack. Without that copy, the installed msgpack is used.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from msgpack import packb, unpackb  # type: ignore[import-untyped]
else:
    try:
        from ._vendor.msgpack import packb, unpackb
    except ImportError:
        from msgpack import packb, unpackb

MAX_CLIENT_HEADER = 64 << 10
"""Bytes that the header of a message from a client may have."""
MAX_DAEMON_HEADER = 1 << 20
"""Bytes that the header of a message from the daemon may have."""
MAX_FRAME = 4 << 20
"""Bytes that a payload frame may have."""

Header = dict[str, Any]
T = TypeVar("T")


class ProtocolError(Exception):
    """The peer sent what the protocol does not allow; the connection is of no more use."""


def encode_header(header: Mapping[str, object]) -> bytes:
    data: bytes = packb(header)
    if len(data) > MAX_CLIENT_HEADER:
        raise ValueError(f"the header has {len(data)} bytes, more than {MAX_CLIENT_HEADER}")
    return data


def decode_header(data: bytes | bytearray | memoryview) -> Header:
    """Raises `ProtocolError` for anything but one map with unique string keys and plain values."""
    try:
        header = unpackb(data, raw=False, strict_map_key=True, ext_hook=_refuse, object_pairs_hook=_unique)
    except Exception as error:  # msgpack's own errors, and whatever else bad bytes make it raise
        raise ProtocolError(f"a header is not valid msgpack ({error or type(error).__name__})") from None
    if not isinstance(header, dict):
        raise ProtocolError("a header is not a map")
    return header


def take(header: Mapping[str, object], name: str, kind: type[T]) -> T:
    """The field of that name. Raises `ProtocolError` if there is none of that type; an int is a float too."""
    value = header.get(name)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise ProtocolError(f"the field {name!r} is not {kind.__name__}")
    return value


def _refuse(code: int, data: bytes) -> object:
    raise ValueError("extension type")


def _unique(pairs: Iterable[tuple[object, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in pairs:
        if not isinstance(key, str) or key in result:
            raise ValueError("map keys must be unique strings")
        result[key] = value
    return result


def vendor_msgpack(target: Path) -> Path:
    """Copy the pure-Python part of the installed msgpack and its license to `target`/_vendor/msgpack.

    `target` is a copy of this package, such as a plug-in carries. Returns the new folder; an old one is replaced.
    Raises FileNotFoundError if the installed msgpack is not complete, OSError if it cannot be written.
    """
    from importlib.metadata import distribution

    files = distribution("msgpack").files or []
    # All modules, because their number has changed between versions; without the compiled one, the fallback is used.
    modules = [file for file in files if file.parent.as_posix() == "msgpack" and file.suffix == ".py"]
    licenses = [file for file in files if file.name in ("COPYING", "LICENSE")]
    if not {"__init__.py", "fallback.py"} <= {file.name for file in modules} or not licenses:
        raise FileNotFoundError("the installed msgpack lacks files: reinstall it")
    folder = target / "_vendor" / "msgpack"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text('"""The work of others, copied here at install time."""\n')
    for file in [*modules, *licenses[:1]]:
        shutil.copyfile(str(file.locate()), folder / file.name)
    return folder
