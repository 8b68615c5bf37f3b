"""The mean of runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from harmonize_models.errors import BadSettings
from harmonize_models.training.average import average, main, mean_of
from harmonize_models.training.history import Leg, read_history, write_history
from harmonize_models.weight_files import load_weights, save_weights


def test_mean_weights_come_with_the_last_runs_history(tmp_path: Path) -> None:
    for name, value in (("first", 1.0), ("second", 4.0)):
        (tmp_path / name).mkdir()
        save_weights(
            tmp_path / name / "best.safetensors", {"w": torch.full((2,), value), "n": torch.tensor(int(value))}
        )
        (tmp_path / name / "config.json").write_text("{}")
        write_history(tmp_path / name, [Leg(f"train {name}", 10, 80, 1.0, 128, "cpu")])
    average([tmp_path / "first", tmp_path / "second"], tmp_path / "mean")
    weights = load_weights(tmp_path / "mean/best.safetensors")
    assert weights["w"].tolist() == [2.5, 2.5]
    assert int(weights["n"]) == 4
    first, second = read_history(tmp_path / "mean")
    assert first.command == "train second"
    assert "training.average" in second.command
    assert (second.steps, second.images) == (0, 0)


def test_different_networks_have_no_mean() -> None:
    with pytest.raises(BadSettings, match="same network"):
        mean_of([{"w": torch.zeros(2)}, {"w": torch.zeros(3)}])


def test_a_folder_without_weights_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "nowhere"), "--output", str(tmp_path / "mean")])
    assert ended.value.code == 2
    assert "nowhere" in capsys.readouterr().err
