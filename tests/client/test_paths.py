"""The folder, the connection file, and whom they are trusted from."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest
from harmonize_client import UntrustedConnectionFile, VersionMismatch, paths
from harmonize_client.paths import Connection, read_connection, read_pid, write_connection

CONNECTION = Connection(40_000, "0a" * 32, 123, "0.1.0")


def test_what_is_written_is_read(folder: Path) -> None:
    write_connection(folder, CONNECTION)
    assert read_connection(folder) == CONNECTION
    assert CONNECTION.endpoint == "tcp://127.0.0.1:40000"


def test_the_file_has_the_fields_of_the_protocol(folder: Path) -> None:
    write_connection(folder, CONNECTION)
    assert json.loads((folder / "connection.json").read_text()) == {
        "endpoint": "tcp://127.0.0.1:40000",
        "token": "0a" * 32,
        "pid": 123,
        "version": "0.1.0",
        "protocol": 1,
    }


def test_file_and_folder_are_created_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    mask = os.umask(0)
    try:
        write_connection(folder, CONNECTION)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "connection.json").stat().st_mode) == 0o600
    assert os.listdir(folder) == ["connection.json"]


def test_a_client_that_reads_the_old_file_does_not_keep_it_from_being_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows nobody can replace a file while it is open."""
    open_elsewhere = [True, True, False]
    replace = Path.replace

    def replace_if_closed(beside: Path, file: Path) -> Path:
        if open_elsewhere.pop(0):
            raise PermissionError(errno.EACCES, "Access is denied")
        return replace(beside, file)

    monkeypatch.setattr(Path, "replace", replace_if_closed)
    write_connection(folder, CONNECTION)
    assert read_connection(folder) == CONNECTION
    monkeypatch.setattr(paths, "_REPLACE_SECONDS", 0)
    open_elsewhere.extend([True] * 100)
    with pytest.raises(PermissionError):
        write_connection(folder, CONNECTION)
    assert [file.name for file in folder.iterdir()] == [paths.CONNECTION_FILE]


def test_no_file_or_no_folder_is_no_connection(folder: Path) -> None:
    assert read_connection(folder) is None
    assert read_connection(folder / "missing") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_can_read_or_write_is_not_trusted(folder: Path, mode: int) -> None:
    write_connection(folder, CONNECTION)
    (folder / "connection.json").chmod(mode)
    with pytest.raises(UntrustedConnectionFile, match="others can read or write"):
        read_connection(folder)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_a_folder_that_others_can_read_or_write_is_not_trusted(folder: Path, mode: int) -> None:
    write_connection(folder, CONNECTION)
    folder.chmod(mode)
    with pytest.raises(UntrustedConnectionFile, match="others can read or write"):
        read_connection(folder)
    with pytest.raises(UntrustedConnectionFile):
        write_connection(folder, CONNECTION)


def test_a_file_of_another_user_is_not_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_connection(folder, CONNECTION)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(UntrustedConnectionFile, match="another user"):
        read_connection(folder)


def test_a_link_in_place_of_the_file_is_not_trusted(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    write_connection(elsewhere, CONNECTION)
    (folder / "connection.json").symlink_to(elsewhere / "connection.json")
    with pytest.raises(UntrustedConnectionFile, match="cannot be read"):
        read_connection(folder)


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_not_trusted_and_does_not_block(folder: Path, kind: str) -> None:
    path = folder / "connection.json"
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    else:
        path.mkdir(mode=0o700)
    with pytest.raises(UntrustedConnectionFile, match="not what it should be"):
        read_connection(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "tcp://192.168.0.7:80"},
        {"endpoint": "tcp://0.0.0.0:80"},
        {"endpoint": "ipc:///tmp/socket"},
        {"endpoint": None},
        {"token": "short"},
        {"token": 7},
        {"pid": "1"},
        {"pid": 0},
        {"version": None},
    ],
)
def test_a_file_with_wrong_fields_is_no_connection(folder: Path, change: dict[str, object]) -> None:
    write_connection(folder, CONNECTION)
    path = folder / "connection.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert read_connection(folder) is None


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b" " * 5000, b"[" * 4000])
def test_a_file_of_garbage_is_no_connection(folder: Path, text: bytes) -> None:
    path = folder / "connection.json"
    path.write_bytes(text)
    path.chmod(0o600)
    assert read_connection(folder) is None


def test_another_protocol_is_named(folder: Path) -> None:
    write_connection(folder, Connection(40_000, "0a" * 32, 123, "9.0", protocol=2))
    with pytest.raises(VersionMismatch, match=r"version 9\.0.*speaks protocol 2"):
        read_connection(folder)
    assert read_pid(folder) == 123


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"pid": "7"}', b'{"pid": 0}', b'{"pid": 1}', b'{"pid": -1}']
)
def test_a_file_of_other_things_names_no_process(folder: Path, text: bytes) -> None:
    assert read_pid(folder) is None
    path = folder / "connection.json"
    path.write_bytes(text)
    path.chmod(0o600)
    assert read_pid(folder) is None


def test_the_token_is_not_shown(folder: Path) -> None:
    assert CONNECTION.token not in repr(CONNECTION)


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        (
            "linux",
            {"HOME": "/home/a", "XDG_DATA_HOME": "/home/a/.var/app/x"},
            "/home/a/.local/share/harmonize-selection",
        ),
        ("darwin", {"HOME": "/Users/a"}, "/Users/a/Library/Application Support/harmonize-selection"),
        ("win32", {"LOCALAPPDATA": "/c/local", "HOME": "/home/a"}, "/c/local/harmonize-selection"),
        ("linux", {"HARMONIZE_HOME": "/elsewhere"}, "/elsewhere"),
    ],
)
def test_the_folder_of_each_system(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("HARMONIZE_HOME", raising=False)
    monkeypatch.setattr(paths.sys, "platform", platform)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert paths.home() == Path(expected)
