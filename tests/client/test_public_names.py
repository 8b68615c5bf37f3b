"""What the package promises, and what it may use."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType

import harmonize_client

SOURCES = sorted(Path(harmonize_client.__file__).parent.glob("*.py"))


def test_all_lists_exactly_the_public_names() -> None:
    public = {
        name
        for name, value in vars(harmonize_client).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(harmonize_client.__all__) == public | {"__version__"}


def test_every_public_name_is_documented() -> None:
    undocumented = [
        name
        for name in harmonize_client.__all__
        if not isinstance(getattr(harmonize_client, name), (int, str)) and not getattr(harmonize_client, name).__doc__
    ]
    assert undocumented == []


def test_every_error_class_is_public() -> None:
    errors = {name for name, value in vars(harmonize_client.errors).items() if isinstance(value, type)}
    assert errors <= set(harmonize_client.__all__)


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
    assert "typing_extensions" not in vars(harmonize_client.session)
    assert "Buffer" not in vars(harmonize_client.values)
