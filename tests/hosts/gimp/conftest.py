from __future__ import annotations

import pytest

from .. import environment
from ..conftest import RunningDaemon, prepared
from .gimp import Gimp


@pytest.fixture(scope="session", params=[host for host in environment.HOSTS if host.gimp], ids=lambda host: host.name)
def host(request: pytest.FixtureRequest) -> environment.Host:
    """Each of the hosts that have a GIMP."""
    return prepared(request.param)


@pytest.fixture(scope="session")
def gimp(host: environment.Host, daemon: RunningDaemon) -> Gimp:
    """The real GIMP of the host, with the plug-in, beside a running daemon."""
    gimp = Gimp(host, daemon.shared)
    gimp.set_up()
    return gimp
