"""Machine code that is kept on disk is of use where it can be, and never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harmonize_models.render.kernels import kernel
from numba.core import config
from numba.core.caching import IndexDataCacheFile


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    # By the environment: numba's compiler reads it again as soon as any of its variables has changed.
    with pytest.MonkeyPatch.context() as changes:
        changes.setenv("NUMBA_CACHE_DIR", str(tmp_path))
        config.reload_config()
        yield tmp_path
    config.reload_config()


def double(number: int) -> int:
    return number * 2


def compiled() -> Any:
    """As another start of the program would get it."""
    return kernel(double)


def was_kept(function: Any) -> bool:
    return bool(function.stats.cache_hits)


def test_what_was_compiled_is_found_again() -> None:
    for kept in (False, True):
        function = compiled()
        assert function(21) == 42
        assert was_kept(function) is kept


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("bytes_left", [0, 20])
def test_files_that_were_cut_short_are_made_anew(folder: Path, suffix: str, bytes_left: int) -> None:
    compiled()(21)
    (cut,) = folder.rglob(f"*.{suffix}")
    cut.write_bytes(cut.read_bytes()[:bytes_left])
    for kept in (False, True):
        function = compiled()
        assert function(21) == 42
        assert was_kept(function) is kept


def test_a_full_disk_keeps_nothing_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def save(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "save", save)
    assert compiled()(21) == 42
