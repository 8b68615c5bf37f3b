"""What all commands share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harmonize_models.commands import check_writable


def test_where_a_file_can_be_written_nothing_is_made_by_looking(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"kept")
    for name in ("old", "new", "folder/new", "one/folder/in/another/new"):
        check_writable(tmp_path / name)
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("old", b"kept")]


@pytest.mark.parametrize(
    ("name", "error"),
    [(".", IsADirectoryError), ("old/new", NotADirectoryError), ("old/folder/new", NotADirectoryError)],
)
def test_where_none_can_be_written_the_system_s_own_words_say_why(
    tmp_path: Path, name: str, error: type[OSError]
) -> None:
    (tmp_path / "old").touch()
    with pytest.raises(error):
        check_writable(tmp_path / name)


@pytest.mark.parametrize("name", ["old", "new", "folder/new"])
def test_what_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "old").touch()
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    with pytest.raises(PermissionError):
        check_writable(tmp_path / name)


def test_a_drive_that_is_not_there_is_no_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda place: False)
    with pytest.raises(FileNotFoundError):
        check_writable(tmp_path / "new")
