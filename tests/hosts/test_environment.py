"""A host shows what is inside its folder, and leaves nothing behind."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from . import environment


def test_it_has_the_versions_that_it_is_named_after(host: environment.Host, tmp_path: Path) -> None:
    names = [name for name in ("gimp", "krita") if getattr(host, name)]
    outcome = environment.enter(host, tmp_path, ["dpkg-query", "--show", "--showformat", "${Version}\\n", *names])
    assert outcome.code == 0, outcome.output
    for name, version in zip(names, outcome.output.split(), strict=True):
        assert version.split(":")[-1].startswith(getattr(host, name))


def test_the_shared_folder_is_seen_inside_and_written_back(host: environment.Host, tmp_path: Path) -> None:
    (tmp_path / "question").write_text("here?")
    outcome = environment.enter(host, tmp_path, ["sh", "-c", "cp /w/question /w/answer"])
    assert (outcome.code, outcome.output) == (0, "")
    assert (tmp_path / "answer").read_text() == "here?"


def test_a_command_past_its_time_is_stopped_with_its_children(host: environment.Host, tmp_path: Path) -> None:
    started = time.monotonic()
    outcome = environment.enter(host, tmp_path, ["sh", "-c", "sleep 60 & echo started; wait"], timeout=5)
    assert outcome.code is None
    assert outcome.output == "started\n"
    assert time.monotonic() - started < 50


def test_two_runs_at_a_time_have_a_screen_each(host: environment.Host, tmp_path: Path) -> None:
    script = environment.with_screen("800x600") + "touch /w/$1; until [ -e /w/$2 ]; do sleep 0.1; done; echo $DISPLAY"
    with ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(environment.enter, host, tmp_path, ["sh", "-c", script, "sh", *names])
            for names in (("one", "other"), ("other", "one"))
        ]
    ended = [run.result() for run in runs]
    assert [outcome.code for outcome in ended] == [0, 0]
    assert ended[0].output != ended[1].output


def test_the_environment_is_what_was_asked_for(host: environment.Host, tmp_path: Path) -> None:
    outcome = environment.enter(host, tmp_path, ["sh", "-c", 'echo "$COLOUR $HOME"'], environment={"COLOUR": "amber"})
    assert outcome.output == "amber /root\n"


def test_a_missing_host_without_the_means_to_build_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONIZE_HOSTS_DIR", str(tmp_path))
    monkeypatch.setattr(environment.shutil, "which", lambda name: "/bin/unshare" if name == "unshare" else None)
    monkeypatch.setattr(environment.os, "geteuid", lambda: 0)
    assert "needs mmdebstrap" in str(environment.why_unavailable(environment.TRIXIE))
