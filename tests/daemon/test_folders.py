"""The daemon's own folders."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from harmonize_daemon import folders


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_a_home_that_is_made_on_the_way_is_private_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HARMONIZE_HOME", str(home))
    assert folders.cache_folder() == home / "cache"
    assert folders.log_folder() == home / "log"
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (home, home / "cache", home / "log")} == {0o700}
