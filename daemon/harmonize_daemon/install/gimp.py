"""GIMP: where its plug-ins live, and what the plug-in's folder holds.

GIMP keeps a configuration folder for each minor version, made when that version is first started. It starts
`plug-ins/NAME/NAME.py` if that is executable.
"""

from __future__ import annotations

import re
from pathlib import Path

from .common import Location, Program, System, compile_catalogs, copy_client, copy_tree, sources

FOLDER = "harmonize_selection"
DOMAIN = "harmonize-selection"
_VERSION = re.compile(r"3\.\d+")


def find(system: System) -> list[Location]:
    """The plug-in folder of every GIMP 3 that this user has started: native, Flatpak, Snap."""
    own = system.environment.get("GIMP3_DIRECTORY")
    if own:
        return [Location(Path(own) / "plug-ins", "GIMP 3 (GIMP3_DIRECTORY)")]
    return [
        Location(version / "plug-ins", f"GIMP {version.name}{kind}")
        for base, kind in _bases(system)
        if base.is_dir()
        for version in sorted(base.iterdir())
        if _VERSION.fullmatch(version.name) and version.is_dir()
    ]


def _bases(system: System) -> list[tuple[Path, str]]:
    home = system.home
    if system.platform == "win32":
        return [(system.folder("APPDATA", home / "AppData" / "Roaming") / "GIMP", "")]
    if system.platform == "darwin":
        return [(home / "Library" / "Application Support" / "GIMP", "")]
    return [
        (system.folder("XDG_CONFIG_HOME", home / ".config") / "GIMP", ""),
        (home / ".var/app/org.gimp.GIMP/config/GIMP", " (Flatpak)"),
        (home / "snap/gimp/current/.config/GIMP", " (Snap)"),
    ]


def build(folder: Path) -> None:
    """The plug-in with its client and translations, as FOLDER in `folder`."""
    source = sources("gimp", FOLDER)
    target = folder / FOLDER
    copy_tree(source / FOLDER, target)
    copy_client(target)
    compile_catalogs(source / "po", target / "locale", DOMAIN)
    (target / f"{FOLDER}.py").chmod(0o755)


PROGRAM = Program(
    key="gimp",
    title="GIMP",
    folder=FOLDER,
    files=(),
    find=find,
    build=build,
    none_found="start GIMP 3 once, so that it makes its configuration folder, or name its plug-ins folder (--folder)",
)
