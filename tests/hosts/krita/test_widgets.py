"""The docker's widgets (`tests/krita/test_panel.py`) with the Python and the PyQt of each host, without Krita."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

from harmonize_client.wire import vendor_msgpack

from .. import environment
from ..conftest import REPOSITORY

_PYTEST = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
"""Pure Python: what works here works in the hosts, which have no pytest."""


def test_the_widgets_in_the_python_of_the_host(host: environment.Host, tmp_path: Path) -> None:
    for part in ("plugins/harmonize_client", "plugins/krita/harmonize_selection", "tests/krita"):
        shutil.copytree(REPOSITORY / part, tmp_path / part)
    vendor_msgpack(tmp_path / "plugins/harmonize_client")
    for distribution in _PYTEST:
        _copy(distribution, tmp_path / "packages")
    outcome = environment.enter(
        host,
        tmp_path,
        [
            "sh",
            "-c",
            "cd /w && exec python3 -m pytest -q -p no:cacheprovider --import-mode=importlib -c /dev/null "
            "--rootdir=/w tests/krita/test_panel.py",
        ],
        environment={"PYTHONPATH": "/w/packages:/w/plugins", "QT_QPA_PLATFORM": "offscreen"},
    )
    assert outcome.code == 0, outcome.output[-6000:]
    assert "skipped" not in outcome.output


def _copy(distribution: str, target: Path) -> None:
    for file in metadata.files(distribution) or []:
        if ".." not in file.parts and file.suffix != ".pyc":
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target / file)
