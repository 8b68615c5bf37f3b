"""What all tests share. Compiled kernels are kept from one run to the next, or every daemon would compile them anew."""

from __future__ import annotations

import getpass
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine may take its time.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Each checkout has a folder of its own: a test looks for what is compiled anew, and others' tests may run meanwhile.
CACHE = Path(tempfile.gettempdir(), f"harmonize-tests-{getpass.getuser()}", *Path(__file__).resolve().parts[1:-2])
os.environ.setdefault("NUMBA_CACHE_DIR", str(CACHE))


@pytest.fixture(autouse=True)
def kept_environment() -> Iterator[None]:
    """What a test sets in the environment ends with it: commands that it runs in this process set it for themselves."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


@pytest.fixture
def keyboard_interrupts() -> Iterator[None]:
    """Also where the tests run in the background of a shell, which has them ignore the keyboard."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
