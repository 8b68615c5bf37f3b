from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from harmonize_daemon.install import dist


@pytest.mark.parametrize("key", ["gimp", "krita"])
def test_the_same_sources_give_the_same_zip(tmp_path: Path, key: str) -> None:
    one, other = (dist.build_zip(key, tmp_path / name) for name in ("one", "other"))
    assert one.name == f"harmonize-{key}.zip"
    assert one.read_bytes() == other.read_bytes()
    assert [path.name for path in one.parent.iterdir()] == [one.name]


def test_the_script_can_be_executed_once_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(dist.build_zip("gimp", tmp_path)) as archive:
        entry = archive.getinfo("harmonize_selection/harmonize_selection.py")
        assert entry.external_attr >> 16 & 0o111 == 0o111
        assert "harmonize_selection/harmonize_client/_vendor/msgpack/fallback.py" in archive.namelist()
        assert "harmonize_selection/locale/de/LC_MESSAGES/harmonize-selection.mo" in archive.namelist()
