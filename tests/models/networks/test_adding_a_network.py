"""The walk-through in docs/adding-a-network.md works as it is written."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from harmonize_models.networks.exact import shapes_of

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-network.md"
NAME = "harmonize_models.networks.gain"


@pytest.fixture
def blocks() -> Iterator[tuple[ModuleType, dict[str, object]]]:
    """The page's module, under its name, and the names that its test defines."""
    module_text, test_text = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    module = ModuleType(NAME)
    sys.modules[NAME] = module
    exec(compile(module_text, str(PAGE), "exec"), module.__dict__)
    names: dict[str, object] = {}
    exec(compile(test_text, str(PAGE), "exec"), names)
    yield module, names
    del sys.modules[NAME]


def test_the_pages_own_tests_pass(blocks: tuple[ModuleType, dict[str, object]]) -> None:
    tests: list[Callable[[], None]] = [test for name, test in blocks[1].items() if name.startswith("test_")]  # type: ignore[misc]
    assert len(tests) == 3
    for test in tests:
        test()


def test_the_pages_network_is_recognised_by_its_parameters(blocks: tuple[ModuleType, dict[str, object]]) -> None:
    (spec,) = blocks[0].SPECS
    assert spec.recognises(shapes_of(spec.build))
    assert not spec.recognises({})
