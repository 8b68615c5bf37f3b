"""Installing and removing a plug-in: the same for every program."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import harmonize_client
from harmonize_client.errors import HarmonizeError
from harmonize_client.launcher import COMMAND_FILE
from harmonize_client.version import __version__
from harmonize_client.wire import vendor_msgpack

from . import catalogs

MARKER = "harmonize-selection.json"
"""In a plug-in's folder: says that the folder is ours to replace and to remove."""
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.po", "*.pot", "_vendor", ".*_cache")


class InstallError(HarmonizeError):
    """A plug-in cannot be installed or removed."""

    default_code = "cannot_install"
    default_hint = "see the guide's page about installing"


class ForeignFolder(InstallError):
    """What is in the way was not put there by this installer."""

    default_code = "foreign_folder"
    default_hint = "move it away, or remove it, and try again"


@dataclass(frozen=True)
class System:
    """The user's system, as far as it matters for where programs keep their plug-ins."""

    home: Path = field(default_factory=Path.home)
    platform: str = sys.platform
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def folder(self, variable: str, default: Path) -> Path:
        """A folder that an environment variable can name."""
        value = self.environment.get(variable)
        return Path(value) if value else default


@dataclass(frozen=True)
class Location:
    """A folder in which one program looks for plug-ins."""

    folder: Path
    title: str
    """Whose it is, for people: "GIMP 3.2 (Flatpak)"."""


@dataclass(frozen=True)
class Program:
    """A program that plug-ins are installed into."""

    key: str
    """As in `harmonize install gimp`."""
    title: str
    folder: str
    """Name of the plug-in's folder in a location."""
    files: tuple[str, ...]
    """Names of single files beside that folder."""
    find: Callable[[System], Sequence[Location]]
    """The user's locations; those of versions that were never started need not be there yet."""
    build: Callable[[Path], None]
    """Writes the folder and the files, with the client, into an empty folder."""
    none_found: str
    """What to do when there is no location."""


def install(program: Program, location: Location, command: Sequence[str]) -> Path:
    """Puts the plug-in there, or replaces an older one; `command` starts `harmonize`. Returns the plug-in's folder.

    Raises ForeignFolder, and InstallError when it cannot be written. What was there stays as it was then.
    """
    target = location.folder / program.folder
    _refuse_foreign(program, location)
    beside = location.folder / f".{program.folder}.{os.getpid()}"
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        program.build(beside)
        write_json(beside / program.folder / COMMAND_FILE, {"command": list(command)})
        write_marker(beside / program.folder, program)
        with _moved_away(target):
            (beside / program.folder).rename(target)
            # After the folder, whose marker says that they are ours, should the computer stop in between.
            for name in program.files:
                (beside / name).replace(location.folder / name)
    except OSError as error:
        raise InstallError(
            f"the plug-in for {location.title} cannot be written to {location.folder} ({error.strerror or error})",
            "check that the folder can be written to",
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def uninstall(program: Program, location: Location) -> Path | None:
    """Removes the plug-in; None when there is none. Raises ForeignFolder, and InstallError when it cannot."""
    target = location.folder / program.folder
    if not target.exists():
        return None
    _refuse_foreign(program, location)
    try:
        for name in program.files:
            (location.folder / name).unlink(missing_ok=True)
        # Renamed first: a program that starts meanwhile sees all of it or nothing.
        beside = target.with_name(f".{program.folder}.{os.getpid()}")
        target.rename(beside)
        shutil.rmtree(beside)
    except OSError as error:
        raise InstallError(
            f"the plug-in for {location.title} cannot be removed from {target} ({error.strerror or error})",
            "end the program and try again",
        ) from error
    return target


def write_marker(folder: Path, program: Program) -> None:
    write_json(folder / MARKER, {"program": program.key, "version": __version__})


def write_json(path: Path, fields: Mapping[str, object]) -> None:
    path.write_text(json.dumps(fields, indent=1) + "\n", "utf-8")


def own_command() -> list[str]:
    """The command that starts `harmonize` in this installation."""
    return [sys.executable, "-m", "harmonize_daemon"]


def sources(key: str, plugin: str) -> Path:
    """The folder with the sources of that plug-in, in a checkout or an installed package. Raises InstallError."""
    spec = find_spec("harmonize_plugins")
    installed = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    for folder in (Path(harmonize_client.__file__).resolve().parent.parent, *installed):
        if (folder / key / plugin).is_dir():  # beside an installed client, `krita` is somebody else's package
            return folder / key
    raise InstallError(f"this installation lacks the plug-in for {key}", "reinstall harmonize-selection")


def copy_client(folder: Path) -> None:
    """The client, with the msgpack that it needs, into a folder of Python modules."""
    package = Path(harmonize_client.__file__).resolve().parent
    shutil.copytree(package, folder / package.name, ignore=_LEFT_OUT)
    vendor_msgpack(folder / package.name)


def copy_tree(source: Path, target: Path) -> None:
    """A plug-in's own files, without what only developers need."""
    shutil.copytree(source, target, ignore=_LEFT_OUT)


def compile_catalogs(po_folder: Path, locale_folder: Path, domain: str) -> None:
    """`po/de.po` to `locale/de/LC_MESSAGES/DOMAIN.mo`, and so on."""
    for po in sorted(po_folder.glob("*.po")):
        target = locale_folder / po.stem / "LC_MESSAGES" / f"{domain}.mo"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(catalogs.compile_po(po.read_text("utf-8")))


def _refuse_foreign(program: Program, location: Location) -> None:
    """Raises ForeignFolder unless everything in the way carries this installer's marker, for that program."""
    target, command = location.folder / program.folder, f"`harmonize install {program.key}`"
    if target.is_symlink():
        raise ForeignFolder(f"{target} is a link")
    ours = _installed_for(target) == program.key
    if target.exists() and not ours:
        raise ForeignFolder(f"{target} is not a plug-in that {command} has put there")
    for name in program.files:
        if (location.folder / name).exists() and not ours:
            raise ForeignFolder(f"{location.folder / name} is not a file that {command} has put there")


def _installed_for(target: Path) -> object:
    """The key of the program, as the folder's marker names it; None where there is no marker."""
    try:
        return json.loads((target / MARKER).read_text("utf-8"))["program"]
    except (OSError, ValueError, TypeError, LookupError):
        return None


@contextmanager
def _moved_away(target: Path) -> Iterator[None]:
    """The old folder is renamed for the time, comes back after an exception, and is removed after none."""
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    shutil.rmtree(old, ignore_errors=True)
    present = target.exists()
    if present:
        target.rename(old)
    try:
        yield
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        if present:
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
