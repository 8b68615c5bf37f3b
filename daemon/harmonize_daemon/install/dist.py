"""Zips for installing by hand: `python -m harmonize_daemon.install.dist` builds `dist/harmonize-gimp.zip` and the like.

They hold the plug-in with its client, and not the daemon's command: the client looks for `harmonize` on the path.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from . import common
from .programs import PROGRAMS, program_for

# The earliest time that a zip can hold: the same sources give the same bytes, whenever they are packed.
_TIME = (1980, 1, 1, 0, 0, 0)


def build_zip(key: str, folder: Path) -> Path:
    """Builds one program's zip in `folder`, beside and then renamed; its path."""
    program = program_for(key)
    target = folder / f"harmonize-{key}.zip"
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        program.build(root)
        common.write_marker(root / program.folder, program)
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(root.rglob("*")):
                name = path.relative_to(root).as_posix()
                if path.is_dir():
                    # Krita's importer finds a plug-in by the entry of its folder.
                    archive.writestr(zipfile.ZipInfo(f"{name}/", _TIME), b"")
                else:
                    _add(archive, path, name)
    beside.replace(target)
    return target


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    # The execute bit must come out of the zip again: GIMP on Linux starts nothing without it.
    entry.create_system = 3
    entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
    archive.writestr(entry, path.read_bytes())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="gimp, krita (default: both)")
    parser.add_argument("--folder", type=Path, default=Path("dist"))
    arguments = parser.parse_args(argv)
    for key in arguments.programs or PROGRAMS:
        print(build_zip(key, arguments.folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
