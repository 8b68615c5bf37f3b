"""The daemon's own folders."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from harmonize_client import paths
from harmonize_daemon import folders


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_a_home_that_is_made_on_the_way_is_private_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HARMONIZE_HOME", str(home))
    assert folders.cache_folder() == home / "cache"
    assert folders.log_folder() == home / "log"
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (home, home / "cache", home / "log")} == {0o700}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_whatever_makes_the_folders_first_the_daemon_may_put_its_connection_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HARMONIZE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    weights = folders.imported_weights_folder()
    assert weights.is_relative_to(tmp_path)
    paths.check_private(paths.home())
