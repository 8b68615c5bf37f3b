"""Which networks can be used, and which one without being named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harmonize_daemon.worker.catalogue import default_network, usable_networks
from harmonize_models import checkpoints
from harmonize_models.baselines import Baseline
from harmonize_models.weight_files import save_weights


def test_shipped_networks_and_baselines_are_usable(tmp_path: Path) -> None:
    usable = usable_networks(tmp_path)
    assert set(usable) == {weights.key for weights in checkpoints.shipped()} | {baseline.value for baseline in Baseline}


def test_default_is_the_shipped_network_that_did_best() -> None:
    usable = usable_networks(Path("nowhere"))
    best = max((weights for weights in checkpoints.shipped()), key=lambda weights: weights.card.metrics["psnr"])
    assert default_network(usable) == best.key


def test_trained_weights_of_the_default_network_stay_the_default(tmp_path: Path) -> None:
    key = default_network(usable_networks(tmp_path))
    file = tmp_path / "best.safetensors"
    save_weights(file, checkpoints.load(key).state_dict())
    checkpoints.import_checkpoint(file, tmp_path / "mine")
    usable = usable_networks(tmp_path / "mine")
    assert usable[key].info.summary == "Imported from best.safetensors"
    assert default_network(usable) == key


def test_a_network_that_nobody_has_measured_goes_before_a_baseline() -> None:
    unmeasured = {key: replace(entry, rank=0.0) for key, entry in usable_networks(Path("nowhere")).items()}
    assert unmeasured[default_network(unmeasured)].weights_dir is not None


def test_without_any_network_a_baseline_is_the_default() -> None:
    baselines = {key: entry for key, entry in usable_networks(Path("nowhere")).items() if entry.weights_dir is None}
    assert default_network(baselines) in {baseline.value for baseline in Baseline}
