from __future__ import annotations

import pytest

from .. import environment
from ..conftest import RunningDaemon
from .gimp import Gimp


@pytest.fixture(scope="session")
def gimp(host: environment.Host, daemon: RunningDaemon) -> Gimp:
    """The real GIMP of each host, with the plug-in, beside a running daemon."""
    gimp = Gimp(host, daemon.shared)
    gimp.set_up()
    return gimp
