"""Folders that only this user can read."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private folder, as HARMONIZE_HOME."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("HARMONIZE_HOME", str(path))
    monkeypatch.delenv("HARMONIZE_DAEMON", raising=False)
    return path
