"""Where Krita's plug-in goes, and that what is put there can run on its own."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from harmonize_daemon.install import common, dist, krita


def found(home: Path, platform: str, environment: dict[str, str] | None = None) -> list[str]:
    system = common.System(home, platform, environment or {})
    return [location.folder.relative_to(home).as_posix() for location in krita.find(system)]


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".local/share/krita"),
        ("linux", ".var/app/org.kde.krita/data/krita"),
        ("linux", "snap/krita/current/.local/share/krita"),
        ("darwin", "Library/Application Support/Krita"),
        ("win32", "AppData/Roaming/krita"),
        ("win32", "AppData/Local/Packages/49800Krita.Krita_x/LocalCache/Roaming/krita"),
    ],
)
def test_every_kind_of_krita_is_found(tmp_path: Path, platform: str, folder: str) -> None:
    assert found(tmp_path, platform) == []
    (tmp_path / folder).mkdir(parents=True)
    assert found(tmp_path, platform) == [f"{folder}/pykrita"]


def test_a_data_folder_of_ones_own_is_found(tmp_path: Path) -> None:
    (tmp_path / "data" / "krita").mkdir(parents=True)
    assert found(tmp_path, "linux", {"XDG_DATA_HOME": str(tmp_path / "data")}) == ["data/krita/pykrita"]


def test_the_installed_plug_in_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    common.install(krita.PROGRAM, common.Location(tmp_path, "Krita"), ["harmonize"])
    code = (
        "import harmonize_selection.presenter, harmonize_selection.live, sys; "
        "assert 'msgpack' not in sys.modules, 'the copy beside the plug-in is to be used'; "
        "print(harmonize_selection.client.__version__)"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],  # -S: without what is installed for this Python
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_uninstalling_leaves_nothing(tmp_path: Path) -> None:
    location = common.Location(tmp_path, "Krita")
    common.install(krita.PROGRAM, location, ["harmonize"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["harmonize_selection", "harmonize_selection.desktop"]
    common.uninstall(krita.PROGRAM, location)
    assert list(tmp_path.iterdir()) == []


def test_the_zip_is_one_that_kritas_importer_takes(tmp_path: Path) -> None:
    """It wants NAME.desktop and NAME/__init__.py, and takes NAME.action from anywhere."""
    with zipfile.ZipFile(dist.build_zip("krita", tmp_path)) as archive:
        names = set(archive.namelist())
    assert {
        "harmonize_selection.desktop",
        "harmonize_selection/__init__.py",
        "harmonize_selection/Manual.html",
        "harmonize_selection/harmonize_selection.action",
        "harmonize_selection/harmonize_client/__init__.py",
        "harmonize_selection/locale/de/LC_MESSAGES/harmonize-selection.mo",
    } <= names
