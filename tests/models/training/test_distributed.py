"""Several processes train one network: after a few steps on batches of their own they hold the same weights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from harmonize_models.training.distributed import join

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path

import torch
from harmonize_models.evaluation.cases import build_cases
from harmonize_models.networks import registry
from harmonize_models.data.composites import CompositeMaker, Recipe
from harmonize_models.training.config import preset
from harmonize_models.training.distributed import join
from harmonize_models.data.photos import load_photos
from harmonize_models.data.sources import Skipped
from harmonize_models.training.trainers import trainer_for

torch.set_num_threads(1)
key, data, results = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
worker = join("cpu")
torch.manual_seed(worker.rank)  # weights that differ at first: the leader's are taken
photos = load_photos([data], "train", 144, Skipped())
config = replace(preset(key), size=128, batch=8, steps=100, warm_up=0, learning_rate=1e-3)
maker, spec = CompositeMaker(photos, Recipe()), registry.get(key)
network = spec.build()
trainer = trainer_for(key)(config, network, maker, build_cases(photos, 128).some(2), results, worker, spec.semantic)
for _ in range(2):
    trainer.train_step()
torch.save(dict(network.named_parameters()), results / f"{worker.rank}.pt")
worker.close()
"""


@pytest.mark.parametrize("key", ["scenefit", "s2crnet-cs"])
def test_all_processes_hold_the_same_weights_after_every_step(key: str, photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = [str(tmp_path / "script.py"), key, str(photo_folder), str(tmp_path)]
    done = subprocess.run([*launch, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_by_itself_training_takes_no_device_that_cannot_make_composites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert join("auto").device.type == "cpu"
