"""The plug-in's modules are imported as Krita imports them: as the package `harmonize_selection` in its folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .docker import Docker

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins" / "krita"))


@pytest.fixture
def docker() -> Docker:
    from .docker import Docker

    return Docker()
