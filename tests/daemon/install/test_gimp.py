"""Where GIMP's plug-ins live, and that what is put there works on its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from harmonize_daemon.install import gimp
from harmonize_daemon.install.common import System


def folders(system: System) -> list[tuple[str, str]]:
    home = system.home
    return [(location.folder.relative_to(home).as_posix(), location.title) for location in gimp.find(system)]


@pytest.mark.parametrize(
    ("platform", "environment", "base", "kind"),
    [
        ("linux", {}, ".config/GIMP", ""),
        ("linux", {"XDG_CONFIG_HOME": "{home}/settings"}, "settings/GIMP", ""),
        ("linux", {}, ".var/app/org.gimp.GIMP/config/GIMP", " (Flatpak)"),
        ("linux", {}, "snap/gimp/current/.config/GIMP", " (Snap)"),
        ("darwin", {}, "Library/Application Support/GIMP", ""),
        ("win32", {"APPDATA": "{home}/Roaming"}, "Roaming/GIMP", ""),
    ],
)
def test_every_minor_version_of_gimp_3_is_found(
    tmp_path: Path, platform: str, environment: dict[str, str], base: str, kind: str
) -> None:
    for version in ("2.10", "3.0", "3.2", "backup"):
        (tmp_path / base / version).mkdir(parents=True)
    variables = {name: value.format(home=tmp_path) for name, value in environment.items()}
    assert folders(System(tmp_path, platform, variables)) == [
        (f"{base}/3.0/plug-ins", f"GIMP 3.0{kind}"),
        (f"{base}/3.2/plug-ins", f"GIMP 3.2{kind}"),
    ]


def test_a_folder_of_ones_own_wins(tmp_path: Path) -> None:
    system = System(tmp_path, "linux", {"GIMP3_DIRECTORY": str(tmp_path / "own")})
    assert folders(system) == [("own/plug-ins", "GIMP 3 (GIMP3_DIRECTORY)")]


def test_the_plugin_can_be_started_and_is_translated(tmp_path: Path) -> None:
    gimp.build(tmp_path)
    script = tmp_path / "harmonize_selection" / "harmonize_selection.py"
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/usr/bin/env python3")
    languages = {path.parts[-3] for path in tmp_path.rglob("*.mo")}
    assert {"de", "fr"} <= languages
    assert not list(tmp_path.rglob("*.po"))
    assert not list(tmp_path.rglob("__pycache__"))


def test_the_plugin_brings_its_client_and_needs_nothing_installed(tmp_path: Path) -> None:
    gimp.build(tmp_path)
    code = "import harmonize_client.wire, harmonize_gimp.errors; print(harmonize_client.wire.packb.__module__)"
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / gimp.FOLDER)!r}); {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    assert run.stdout.startswith("harmonize_client._vendor")
