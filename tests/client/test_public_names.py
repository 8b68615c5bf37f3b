"""What the package promises, and what it may use."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import harmonize_client
import pytest
from harmonize_client import errors, session, values

SOURCES = sorted(Path(harmonize_client.__file__).parent.glob("*.py"))


def test_all_lists_exactly_the_public_names() -> None:
    tree = ast.parse(Path(harmonize_client.__file__).read_text("utf-8"))
    relative = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    assert {alias.name for node in relative for alias in node.names} == set(harmonize_client.__all__)


def test_names_are_imported_when_they_are_asked_for() -> None:
    code = "import sys, harmonize_client; print([name for name in sys.modules if name.startswith('harmonize_client.')])"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES[0].parents[1])}
    output = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert output.stdout == "[]\n"
    with pytest.raises(AttributeError):
        harmonize_client.no_such_name  # noqa: B018 - the access is the test


def test_every_public_name_is_documented() -> None:
    undocumented = [
        name
        for name in harmonize_client.__all__
        if not isinstance(getattr(harmonize_client, name), (int, str)) and not getattr(harmonize_client, name).__doc__
    ]
    assert undocumented == []


def test_every_error_class_is_public() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert classes <= set(harmonize_client.__all__)


def test_the_package_imports_the_standard_library_and_itself_only() -> None:
    """msgpack is the exception, in one module, behind the vendored copy."""
    foreign = []
    for source in SOURCES:
        tree = ast.parse(source.read_text("utf-8"))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            foreign += [(source.name, name) for name in names if name.partition(".")[0] not in sys.stdlib_module_names]
    assert set(foreign) <= {("wire.py", "msgpack"), *((source.name, "typing_extensions") for source in SOURCES)}


def test_typing_extensions_are_for_type_checkers_only() -> None:
    assert "typing_extensions" not in vars(session)
    assert "Buffer" not in vars(values)
