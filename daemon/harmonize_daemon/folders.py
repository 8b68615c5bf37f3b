"""Where the daemon keeps files of its own. `HARMONIZE_HOME` moves them all below one folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
from harmonize_client import paths

APPLICATION = "harmonize-selection"


def imported_weights_folder() -> Path:
    """Weights that the user imported; made if missing."""
    return _folder("weights", Path(platformdirs.user_data_dir(APPLICATION, appauthor=False), "weights"))


def cache_folder() -> Path:
    """What can be made again, such as compiled kernels; made if missing."""
    return _folder("cache", Path(platformdirs.user_cache_dir(APPLICATION, appauthor=False)))


def log_folder() -> Path:
    """The daemon's rotating logs; made if missing."""
    return _folder("log", Path(platformdirs.user_log_dir(APPLICATION, appauthor=False)))


def _folder(name: str, usual: Path) -> Path:
    # `mkdir` makes parents with the usual rights, and a home that others can read is refused: that comes first.
    paths.home().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = paths.home() / name if os.environ.get("HARMONIZE_HOME") else usual
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
