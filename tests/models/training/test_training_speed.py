"""The measurement of training speed runs steps as a run does."""

from __future__ import annotations

from pathlib import Path

import pytest
from harmonize_models.training.speed import main


@pytest.mark.parametrize("network", ["scenefit", "s2crnet-c"])
def test_a_row_with_three_rates_for_every_size(
    network: str, photo_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(photo_folder), "--sizes", "128", "--batch", "4", "--repeats", "1"]
    assert main([network, *arguments]) == 0
    row = capsys.readouterr().out.splitlines()[-1].split("|")[1:-1]
    assert int(row[0]) == 128
    assert all(int(rate) > 0 for rate in row[1:])


def test_what_is_wrong_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["scenefit", "--data", "nowhere"])
    assert left.value.code == 2
    assert "neither a folder nor" in capsys.readouterr().err
