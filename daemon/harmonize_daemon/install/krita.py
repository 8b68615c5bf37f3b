"""Krita: where its Python plug-ins live, and what the plug-in's folder holds.

Krita reads `pykrita/NAME.desktop` and imports the package NAME beside it, once the user has ticked it in
Settings › Configure Krita › Python Plugin Manager.
"""

from __future__ import annotations

from pathlib import Path

from .common import Location, Program, System, compile_catalogs, copy_client, copy_tree, sources

FOLDER = "harmonize_selection"
DOMAIN = "harmonize-selection"


def find(system: System) -> list[Location]:
    """The plug-in folder of every Krita that this user has started: native or AppImage, Flatpak, Snap."""
    return [Location(base / "pykrita", f"Krita{kind}") for base, kind in _bases(system) if base.is_dir()]


def _bases(system: System) -> list[tuple[Path, str]]:
    home = system.home
    if system.platform == "win32":
        return [
            (system.folder("APPDATA", home / "AppData" / "Roaming") / "krita", ""),
            *_windows_store(system),
        ]
    if system.platform == "darwin":
        return [(home / "Library" / "Application Support" / "Krita", "")]
    return [
        (system.folder("XDG_DATA_HOME", home / ".local" / "share") / "krita", ""),
        (home / ".var/app/org.kde.krita/data/krita", " (Flatpak)"),
        (home / "snap/krita/current/.local/share/krita", " (Snap)"),
    ]


def _windows_store(system: System) -> list[tuple[Path, str]]:
    """The Store's Krita sees a private copy of the user's folders."""
    packages = system.folder("LOCALAPPDATA", system.home / "AppData" / "Local") / "Packages"
    return [(base, " (Store)") for base in sorted(packages.glob("*.Krita_*/LocalCache/Roaming/krita"))]


def build(folder: Path) -> None:
    """FOLDER.desktop, and beside it the package with its client and translations."""
    source = sources("krita", FOLDER)
    target = folder / FOLDER
    copy_tree(source / FOLDER, target)
    copy_client(target)
    compile_catalogs(source / "po", target / "locale", DOMAIN)
    desktop = f"{FOLDER}.desktop"
    (folder / desktop).write_bytes((source / desktop).read_bytes())


PROGRAM = Program(
    key="krita",
    title="Krita",
    folder=FOLDER,
    files=(f"{FOLDER}.desktop",),
    find=find,
    build=build,
    none_found="start Krita once, so that it makes its folders, or name its pykrita folder (--folder)",
)
