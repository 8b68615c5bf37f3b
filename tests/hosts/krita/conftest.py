from __future__ import annotations

import pytest

from .. import environment
from ..conftest import RunningDaemon
from .krita import Krita


@pytest.fixture(scope="session")
def krita(host: environment.Host, daemon: RunningDaemon) -> Krita:
    """The real Krita of each host, with the plug-in, beside a running daemon."""
    krita = Krita(host, daemon.shared)
    krita.set_up()
    return krita
