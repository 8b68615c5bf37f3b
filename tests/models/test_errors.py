"""The page of errors has every code that people can meet."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = re.compile(r'^    (?:default_)?code(?:: ClassVar\[str\])? = "(\w+)"', re.MULTILINE)
NEVER_SHOWN = {
    *("unknown", "model_error", "bad_checkpoint"),  # of classes that others are made from
    "unrecognised_network",  # becomes unknown_checkpoint
}


def sources(*folders: str) -> str:
    return "\n".join(path.read_text("utf-8") for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


def explained() -> set[str]:
    return set(re.findall(r"^### `(\w+)`", (ROOT / "docs/errors.md").read_text("utf-8"), re.MULTILINE))


def test_every_code_of_daemon_networks_and_client_is_explained() -> None:
    codes = set(CODE.findall(sources("daemon", "models", "plugins/harmonize_client")))
    assert len(codes) > 30
    assert codes - NEVER_SHOWN - explained() == set()


def test_every_explained_code_exists() -> None:
    words = set(re.findall(r'"(\w+)"', sources("daemon", "models", "plugins")))
    assert explained() - words == set()
