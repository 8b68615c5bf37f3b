"""From a run to shipped weights and their card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from harmonize_models.checkpoints import load, shipped
from harmonize_models.evaluation import cli as evaluation
from harmonize_models.evaluation.report import read_json
from harmonize_models.networks import registry
from harmonize_models.training.card import OWN_LIMITS, card_page
from harmonize_models.training.config import preset
from harmonize_models.training.history import Leg, write_history
from harmonize_models.training.ship import main, ship
from harmonize_models.weight_files import fingerprint, save_weights


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What a run of s2crnet-cs leaves."""
    folder = tmp_path / "run"
    folder.mkdir()
    torch.manual_seed(0)
    save_weights(folder / "best.safetensors", registry.get("s2crnet-cs").build().state_dict())
    (folder / "config.json").write_text(json.dumps(preset("s2crnet-cs").to_json()))
    write_history(
        folder,
        [
            Leg("harmonize train s2crnet-cs --data photos", 5, 40, 2.0, 64, "1 CPU thread(s)"),
            Leg(
                "harmonize train s2crnet-cs --init s2crnet",
                5,
                40,
                2.0,
                64,
                "1 CPU thread(s)",
                "",
                "0a1b",
                "s2crnet 2c3d",
                {"crop": [0.5, 1.0]},
            ),
        ],
    )
    return folder


def test_a_part_of_a_run_is_stored_with_a_card_of_its_own_figures(
    run: Path, shard_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a new folder" / "weights"
    assert ship(run, shard_folder, folder, "s2crnet").startswith("s2crnet: PSNR")
    (item,) = shipped(folder)
    page = (folder / "s2crnet.md").read_text()
    assert item.sha256 in page
    assert "harmonize train s2crnet-cs --data photos" in page
    assert "# 40 composites, 2 min, commit 0a1b, s2crnet 2c3d" in page
    assert "Composites from run 2 on (docs/training.md): crop [0.5, 1.0]." in page
    assert "| rendered | 24 | CC0 |" in page
    assert f"| s2crnet | {item.card.metrics['psnr']:.2f} |" in page


def test_figures_of_an_evaluation_are_taken_over_if_they_are_of_these_weights(
    run: Path, shard_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = tmp_path / "weights", tmp_path / "figures.json"
    folder.mkdir()
    assert (
        main([str(run), "--data", str(shard_folder), "--folder", str(folder), "--key", "s2crnet", "--store-only"]) == 0
    )
    words = ["s2crnet", "--weights", str(folder), "--data", str(shard_folder), "--no-baselines", "--no-cost"]
    assert evaluation.main([*words, "--json", str(file)]) == 0
    figures = read_json(file)
    assert figures.weights["s2crnet"] == fingerprint(load("s2crnet", weights_dir=folder).state_dict())
    again = tmp_path / "again.json"
    assert evaluation.main([*words, "--reuse", str(file), "--json", str(again)]) == 0
    assert read_json(again) == figures
    assert capsys.readouterr().out.count("(from before)") == 3
    ship(run, shard_folder, folder, "s2crnet", figures)
    assert "s2crnet, through the adjustment" in (folder / "s2crnet.md").read_text()
    save_weights(run / "best.safetensors", registry.get("s2crnet-cs").build().state_dict())
    words = [str(run), "--data", str(shard_folder), "--folder", str(folder), "--key", "s2crnet", "--figures", str(file)]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "other weights of s2crnet" in capsys.readouterr().err


def test_our_own_network_is_no_papers() -> None:
    page = card_page("scenefit", "SceneFit", "own", "0", [], [], [], {"count": 1, "side": 256, "digest": "0"})
    assert "After own" not in page
    assert "the paper used" not in page
    assert OWN_LIMITS in page


def test_what_is_missing_is_said_without_a_trace(
    run: Path, shard_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "empty").mkdir()
    for words, missing in (
        ([str(run), "--data", str(tmp_path)], "manifest.csv"),
        ([str(run / "empty"), "--data", str(shard_folder)], "config.json"),
    ):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--folder", str(tmp_path)])
        assert ended.value.code == 2
        assert missing in capsys.readouterr().err
    assert not list(tmp_path.glob("*.safetensors"))
