"""What it takes to start a program from within a host that brings its own world: AppImage, Flatpak, an own Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from .errors import CannotStart

FLATPAK_INFO = Path("/.flatpak-info")

_OF_PYTHON = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONPLATLIBDIR",
    "PYTHONEXECUTABLE",
    "__PYVENV_LAUNCHER__",
)
_OF_LOADER = ("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH")


def inside_flatpak() -> bool:
    return sys.platform == "linux" and FLATPAK_INFO.exists()


def outside(command: Sequence[str]) -> list[str]:
    """The command that runs the given one on the host system. Raises `CannotStart` if the sandbox forbids that."""
    if not inside_flatpak():
        return list(command)
    info = _flatpak_info()
    if info.get("Session Bus Policy", "org.freedesktop.Flatpak", fallback="none") not in ("talk", "own"):
        name = info.get("Application", "name", fallback="APPLICATION")
        raise CannotStart(
            "this program runs in a Flatpak that may not start others",
            "run `harmonize daemon start` in a terminal, or permit it once with "
            f"`flatpak override --user --talk-name=org.freedesktop.Flatpak {name}` and restart this program",
        )
    home = os.environ.get("HARMONIZE_HOME")
    forwarded = [f"--env=HARMONIZE_HOME={os.path.abspath(home)}"] if home else []
    return ["flatpak-spawn", "--host", *forwarded, *command]


def without_network() -> str:
    """The name of the Flatpak in which this runs, if it may not reach 127.0.0.1 of the host system; else empty."""
    if not inside_flatpak():
        return ""
    info = _flatpak_info()
    shared = info.get("Context", "shared", fallback="").split(";")
    return "" if "network" in shared else info.get("Application", "name", fallback="APPLICATION")


def clean_environment(environ: Mapping[str, str], command: Sequence[str]) -> dict[str, str]:
    """The environment for another program: without what is meant for the host's own Python and libraries only.

    A command that is this very Python keeps it all.
    """
    if command and command[0] == sys.executable:
        return dict(environ)
    cleaned = {name: value for name, value in environ.items() if name not in _OF_PYTHON}
    image = environ.get("APPDIR", "")
    if image:
        for name, value in environ.items():
            if name not in cleaned or image not in value:
                continue
            # AppImages prepend their own folders to lists of paths, and point other variables into themselves.
            kept = [part for part in value.split(os.pathsep) if not part.startswith(image)]
            if any(kept):
                cleaned[name] = os.pathsep.join(kept)
            else:
                del cleaned[name]
    for name in _OF_LOADER:
        before = environ.get(f"{name}_ORIG", environ.get(f"APPIMAGE_ORIGINAL_{name}"))
        if before is None:
            continue
        cleaned.pop(name, None)
        if before:
            cleaned[name] = before
    return cleaned


def _flatpak_info() -> ConfigParser:
    info = ConfigParser(interpolation=None, strict=False)
    try:
        info.read(FLATPAK_INFO, "utf-8")
    except (ConfigError, UnicodeDecodeError):
        return ConfigParser()
    return info
