"""What the docker takes of Krita's time while nobody does anything.

pytest -s tests/hosts/krita/test_at_rest.py
"""

from __future__ import annotations

import pytest

from ..said import Said
from .krita import Krita


@pytest.fixture(scope="module")
def said(krita: Krita) -> Said:
    return krita.run("at_rest", opengl=False)


@pytest.mark.parametrize("size", ["600 x 400", "6000 x 4000"])
def test_it_leaves_the_window_its_time(said: Said, krita: Krita, size: str) -> None:
    """Time of the processor: it hardly depends on what else the machine does."""
    line = said[size]
    print(f"\nKrita {krita.host.krita}, {size} pixels, nobody does anything: the window's thread takes of a core")
    print(f"  docker hidden {line['hidden']:6.1%}")
    print(f"  docker shown  {line['shown']:6.1%}")
    print(f"  Live on       {line['live']:6.1%}")
    assert max(line["shown"], line["live"]) - line["hidden"] < 0.08
