"""What computing libraries find in the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harmonize_daemon.environment import set_environment, usable_cores


def test_a_core_is_left_to_others_and_what_the_user_has_set_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_CACHE_DIR", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "anything")  # so that it is put back afterwards as it was
        monkeypatch.delenv(name)
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    monkeypatch.setenv("NUMBA_NUM_THREADS", "7")
    set_environment()
    assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == str(max(1, usable_cores() - 1))
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert os.environ["NUMBA_NUM_THREADS"] == "7"
    assert Path(os.environ["NUMBA_CACHE_DIR"]).is_relative_to(tmp_path)


@pytest.mark.parametrize("_time", ["first", "second"])
def test_what_one_test_sets_does_not_reach_the_next(_time: str) -> None:
    """`harmonize batch` and others set variables for their process, and tests run them in their own."""
    assert "HARMONIZE_SET_BY_A_TEST" not in os.environ
    os.environ["HARMONIZE_SET_BY_A_TEST"] = "1"
