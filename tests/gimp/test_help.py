"""The help that GIMP opens is the guide's."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "plugins/gimp/help_pages.py"


@pytest.fixture(scope="module")
def help_pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("help_pages", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_help_pages_are_up_to_date(help_pages: ModuleType) -> None:
    for path, text in help_pages.files().items():
        assert path.read_text("utf-8") == text, "run python plugins/gimp/help_pages.py"


def test_every_id_leads_to_an_anchor(help_pages: ModuleType) -> None:
    page = (help_pages.HELP / "errors.html").read_text("utf-8")
    codes = help_pages.codes(help_pages.GUIDE.read_text("utf-8"))
    assert len(codes) > 20
    assert all(f'<h3 id="{code}"><code>{code}</code></h3>' in page for code in codes)


def test_the_guides_signs_cannot_break_the_page(help_pages: ModuleType) -> None:
    assert "<p>a &lt;b&gt; <code>c &amp; d</code></p>" in help_pages.page("a <b> `c & d`", "")
