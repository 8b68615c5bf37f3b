"""The benchmark of predictions, on a small network: its figures mean what their names say."""

from __future__ import annotations

from pathlib import Path

import pytest
from harmonize_daemon.bench import inference as inference_bench


def test_a_prediction_is_compared_with_the_plain_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    inference = inference_bench.run("s2crnet-c", repeats=2)
    parts = {part.name: part for part in inference.parts}
    assert list(parts) == ["plain pass", "prediction", "each of 4 together"]
    assert parts["plain pass"].ratio == 1
    for part in inference.parts:
        assert part.ratio == pytest.approx(part.milliseconds / parts["plain pass"].milliseconds)


def test_networks_that_answer_in_pixels_need_a_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    parts = {part.name: part.milliseconds for part in inference_bench.run("issam", repeats=1).parts}
    assert 0 < parts["fitting a color grid"] < parts["prediction"]
