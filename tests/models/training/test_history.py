"""The record of runs."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from harmonize_models.training import history
from harmonize_models.training.history import command_line, commit_of_this_code, read_history, write_history


def test_the_command_can_be_given_elsewhere() -> None:
    given = ["train", "idih", "--data", "/mnt/photos/data", "--output", "runs/a", "--batch-norm", r"\.squeeze$"]
    assert command_line(given) == r"harmonize train idih --data data --output runs/a --batch-norm '\.squeeze$'"


def test_several_processes_are_started_as_such() -> None:
    command = command_line(["idih", "--batch", "66"], processes=2)
    assert command == "torchrun --nproc-per-node 2 -m harmonize_models.training idih --batch 66"


def test_older_and_newer_records_can_be_read(tmp_path: Path) -> None:
    old = {"command": "c", "steps": 1, "images": 2, "minutes": 3.0, "size": 64, "device": "cpu", "start": "nothing"}
    (tmp_path / "history.json").write_text(json.dumps([old, {**old, "invented_later": 1}]))
    first, second = read_history(tmp_path)
    assert first == second
    assert (first.commit, first.given, first.recipe) == ("", "", {})
    assert first.facts() == "2 composites, 3 min"
    known = replace(first, commit="abc", given="scenefit 12ab", recipe={"crop": [0.5, 1.0]})
    write_history(tmp_path, [known])
    assert read_history(tmp_path) == (known,)
    assert known.facts() == "2 composites, 3 min, commit abc, scenefit 12ab"


def test_the_commit_is_known_in_a_checkout_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "__file__", str(tmp_path / "history.py"))
    (tmp_path / "history.py").write_text("")
    assert commit_of_this_code() == ""
    for words in (["init", "-q"], ["add", "history.py"], ["commit", "-qm", "first"]):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", *words], cwd=tmp_path, check=True)
    assert re.fullmatch("[0-9a-f]{10}", commit_of_this_code())
    (tmp_path / "history.py").write_text("changed")
    assert commit_of_this_code().endswith("-dirty")
