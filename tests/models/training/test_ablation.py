"""Variants of SceneFit that lack one thing each."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from harmonize_models.networks.scenefit import SceneFit
from harmonize_models.training.ablation import VARIANTS, Variant, main

BY_NAME = {variant.name: variant for variant in VARIANTS}


def composite() -> tuple[torch.Tensor, torch.Tensor]:
    picture = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., 10:30, 10:40] = 1
    return picture, mask


def plan_of(variant: Variant) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    network = variant.build()
    for head in (network.curve_head, network.affine_head, network.local_head):
        torch.nn.init.normal_(head.weight, std=0.02)
    for block in network.deeper:
        torch.nn.init.normal_(block.wide.weight, std=0.02)
    variant.lacks(network)
    plan = network.eval().plan(*composite())
    return plan.curves, plan.grid


@pytest.mark.parametrize("name", [v.name for v in VARIANTS if v.lacks is not VARIANTS[0].lacks or v.build != SceneFit])
def test_what_a_variant_lacks_makes_a_difference(name: str) -> None:
    curves, grid = plan_of(BY_NAME[name])
    whole_curves, whole_grid = plan_of(VARIANTS[0])
    assert not (torch.equal(curves, whole_curves) and torch.equal(grid, whole_grid))


def test_without_curves_they_stay_straight() -> None:
    curves, _ = plan_of(BY_NAME["without curves"])
    assert torch.allclose(curves, torch.linspace(0, 1, curves.shape[-1]).expand_as(curves), atol=1e-6)


def test_without_a_local_grid_every_cell_is_the_same() -> None:
    _, grid = plan_of(BY_NAME["without the local grid"])
    assert torch.allclose(grid, grid[:, :1, :1, :1].expand_as(grid))


def test_command_prints_a_row_for_each_variant_and_goes_on_where_it_stopped(
    shard_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--data", str(shard_folder), "--output", str(tmp_path / "runs"), "--steps", "2", "--size", "64"]
    names = ["as it is", "loss: MSE alone"]
    assert main([*flags, "--only", *names]) == 0
    first = capsys.readouterr().out.splitlines()[-4:]
    assert [line.split(" | ")[0] for line in first[2:]] == [f"| {name}" for name in names]
    assert main([*flags, "--only", *names]) == 0
    assert capsys.readouterr().out.splitlines()[-4:] == first


def test_photos_that_are_not_there_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--data", str(tmp_path / "nowhere")])
    assert caught.value.code == 2
    assert "nowhere is neither a folder nor a tar file" in capsys.readouterr().err
