"""`--help` of every command is there at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from harmonize_daemon.cli import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_torch(command: str) -> None:
    program = f"""
import sys
from harmonize_daemon.cli import main
try:
    main([{command!r}, "--help"])
except SystemExit as end:
    assert end.code == 0
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: harmonize " + command)
