"""What an installation of the project consists of."""

from __future__ import annotations

import configparser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_of_the_tree_is_installed() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    named = set(setup["options"]["packages"].split())
    homes = [ROOT / "daemon", ROOT / "models", ROOT / "plugins"]
    there = {
        ".".join(file.parent.relative_to(home).parts)
        for home in homes
        for name in ("harmonize_client", "harmonize_daemon", "harmonize_models")
        for file in (home / name).rglob("__init__.py")
    }
    assert there <= named
