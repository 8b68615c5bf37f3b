"""Sheets of real composites, to be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from harmonize_models.checkpoints import load
from harmonize_models.evaluation.gallery import main
from harmonize_models.weight_files import save_weights
from PIL import Image

from tests.models.rendered_photos import write_photos


def test_every_column_is_there_also_of_one_network_with_several_weights(tmp_path: Path) -> None:
    write_photos(tmp_path / "composites", 3)
    own = tmp_path / "own.safetensors"
    save_weights(own, load("scenefit").state_dict())
    flags = ["--composites", str(tmp_path / "composites"), "--output", str(tmp_path / "sheets"), "--height", "40"]
    assert main(["mkl", "scenefit", f"scenefit={own}", *flags, "--rows", "2"]) == 0
    sizes = []
    for file in sorted((tmp_path / "sheets").iterdir()):
        with Image.open(file) as sheet:
            sizes.append(sheet.size)
    width = (2 + 3) * 48  # composite and mask come first
    assert sizes == [(width, 2 * 54), (width, 54)]


def test_a_mask_without_its_picture_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_photos(tmp_path, 2)
    (tmp_path / "p001.png").unlink()
    with pytest.raises(SystemExit):
        main(["mkl", "--composites", str(tmp_path), "--output", str(tmp_path / "sheets")])
    assert "p001.mask.png has no p001.jpg" in capsys.readouterr().err
