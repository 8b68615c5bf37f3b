"""What builds on what."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOADED = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(*(name for name in sys.modules if name.startswith("harmonize_models.")))
"""


@pytest.mark.parametrize(
    ("package", "above"),
    [
        ("networks", ("data", "evaluation", "training")),
        ("data", ("evaluation", "training")),
        ("evaluation", ("training",)),
    ],
)
def test_a_package_knows_nothing_of_what_builds_on_it(package: str, above: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", _LOADED, f"harmonize_models.{package}"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert f"harmonize_models.{package}" in loaded
    assert not [name for name in loaded if name.split(".")[1] in above]
