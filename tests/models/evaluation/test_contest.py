"""The fixed cases, and how contestants are scored on them."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from harmonize_models.data.composites import KINDS
from harmonize_models.data.photos import load_photos
from harmonize_models.data.sources import Skipped
from harmonize_models.errors import BadSettings
from harmonize_models.evaluation import cli
from harmonize_models.evaluation.cases import Cases, build_cases
from harmonize_models.evaluation.contest import Contestant, hold, untouched
from harmonize_models.evaluation.cost import cost_of
from harmonize_models.evaluation.margin import margin_of
from harmonize_models.evaluation.report import read_json, results_page
from harmonize_models.networks import registry
from harmonize_models.networks.sides import UnsuitableSide
from harmonize_models.weight_files import save_weights

from tests.models.rendered_photos import png, rendered_photo


@pytest.fixture(scope="module")
def cases(shard_folder: Path) -> Cases:
    return build_cases(load_photos([shard_folder], "val", 64, Skipped()), 64, variants=2)


def test_cases_are_fixed_by_their_seed(cases: Cases, shard_folder: Path) -> None:
    photos = load_photos([shard_folder], "val", 64, Skipped())
    assert build_cases(photos, 64, variants=2).digest() == cases.digest()
    assert build_cases(photos, 64, seed=5, variants=2).digest() != cases.digest()


def test_there_are_two_cases_for_each_mask_and_all_of_them_need_a_change(cases: Cases) -> None:
    assert len(cases) == 12
    difference = (cases.composites.float() - cases.targets.float()).abs() * (cases.masks > 127)
    assert (difference.flatten(1).sum(dim=1) / (cases.masks > 127).flatten(1).sum(dim=1) > 1).all()


def test_each_case_says_which_photo_it_is_of_whatever_that_is_called(tmp_path: Path) -> None:
    photo, mask = rendered_photo(1)
    for name in ("2024.05.01 beach", "2024.05.02 hill"):
        (tmp_path / f"{name}.png").write_bytes(png(photo))
        for number in range(2):
            (tmp_path / f"{name}.mask{number}.png").write_bytes(png(mask))
    cases = build_cases(load_photos([tmp_path], "val", 64, Skipped(), whole=[tmp_path]), 64, variants=2)
    assert cases.photos.tolist() == [0, 0, 1, 1] * 2
    assert cases.pick(torch.tensor([3, 0])).photos.tolist() == [1, 0]


def test_outside_the_mask_composite_and_target_are_one(cases: Cases) -> None:
    outside = (cases.masks == 0).expand_as(cases.targets)
    assert torch.equal(cases.composites[outside], cases.targets[outside])


def test_perfect_beats_untouched_and_untouched_is_never_worse_than_itself(cases: Cases) -> None:
    perfect = hold(cases, Contestant("perfect", lambda batch: batch.target))
    nothing = hold(cases, untouched())
    assert perfect.mse < 1e-6 < nothing.mse
    assert perfect.psnr > nothing.psnr
    assert nothing.worse == 0
    assert nothing.outside == 0


def test_a_change_for_the_worse_is_counted_and_so_is_one_outside_the_mask(cases: Cases) -> None:
    inverted = hold(cases, Contestant("inverted", lambda batch: 1 - batch.composite))
    assert inverted.worse > 0.9
    assert inverted.outside > 100


def test_errors_are_told_apart_by_what_changed_the_foreground(cases: Cases) -> None:
    by_kind = hold(cases, untouched()).fmse_by_kind
    assert len(by_kind) == len(KINDS)
    assert math.isnan(by_kind[0])  # none of the cases needs no change
    there = [number for number, value in enumerate(by_kind) if not math.isnan(value)]
    assert there == sorted(set(cases.kinds.tolist()))
    assert len(there) >= 2


def test_shares_without_cases_have_no_value(cases: Cases) -> None:
    score = hold(cases, untouched())
    shares = cases.masks.float().mean(dim=(1, 2, 3)) / 255
    small = bool((shares < 0.05).any())
    assert math.isnan(score.fmse_by_share[0]) == (not small)
    assert score.fmse_by_share[2] > 0


def test_cost_counts_multiplications() -> None:
    spec = registry.get("s2crnet")
    assert cost_of(spec.build().eval(), spec, repeats=1).gmac == pytest.approx(0.606, abs=0.01)


def test_command_writes_a_page_with_every_row(shard_folder: Path, tmp_path: Path) -> None:
    weights = tmp_path / "mine.safetensors"
    save_weights(weights, registry.get("s2crnet").build().state_dict())
    page, figures, sheets = tmp_path / "results.md", tmp_path / "results.json", tmp_path / "sheets"
    words = [f"s2crnet={weights}", "--data", str(shard_folder), "--side", "64"]
    assert cli.main([*words, "--write", str(page), "--json", str(figures), "--sheets", str(sheets)]) == 0
    text = page.read_text()
    for row in (
        "| untouched composite |",
        "| Histogram matching |",
        "| s2crnet |",
        "| s2crnet, through the adjustment |",
    ):
        assert row in text
    assert "harmonize evaluate" in text
    assert "fixed by a seed" in text
    assert "| s2crnet | 256 |" in text
    assert str(tmp_path) not in text
    assert (sheets / "s2crnet.png").stat().st_size > 1000
    assert '"psnr"' in figures.read_text()


def test_weights_of_ones_own_beside_the_shipped_ones_have_a_row_of_their_own(
    shard_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, figures = tmp_path / "run" / "best.safetensors", tmp_path / "results.json"
    weights.parent.mkdir()
    torch.manual_seed(0)
    save_weights(weights, registry.get("s2crnet").build().state_dict())
    words = ["s2crnet", f"s2crnet={weights}", "--data", str(shard_folder), "--side", "64", "--raw-only"]
    sheets = tmp_path / "sheets"
    assert cli.main([*words, "--no-baselines", "--no-cost", "--json", str(figures), "--sheets", str(sheets)]) == 0
    _, shipped, own = read_json(figures).scores
    assert (shipped.name, own.name) == ("s2crnet", "s2crnet (run/best.safetensors)")
    assert shipped.psnr != own.psnr
    assert len(set(read_json(figures).weights.values())) == 2
    assert len(list(sheets.iterdir())) == 2


@pytest.mark.parametrize("option", ["--json", "--write"])
@pytest.mark.parametrize("place", ["file/figures.json", "."])
def test_where_figures_cannot_be_written_nothing_is_measured(
    photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, place: str
) -> None:
    monkeypatch.setattr(cli, "hold", lambda *_: pytest.fail("it was measured"))
    (tmp_path / "file").touch()
    words = ["--data", str(photo_folder), "--side", "64", "--no-baselines", "--no-cost", "--raw-only"]
    with pytest.raises(OSError, match=str(tmp_path)):
        cli.main([*words, "s2crnet", option, str(tmp_path / place)])


def test_figures_that_are_none_are_refused(photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_text("{")
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    words = ["s2crnet", "--data", str(photo_folder), "--side", "64", "--no-baselines", "--no-cost", "--raw-only"]
    with pytest.raises(BadSettings, match="holds no figures"):
        cli.run(parser.parse_args([*words, "--reuse", str(tmp_path / "figures.json")]))


@pytest.mark.parametrize("option", ["--threads", "--variants", "--side", "--limit"])
def test_numbers_that_make_no_sense_are_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--data", "photos", option, "0"])
    assert f"argument {option}: 0 is no number from 1 on" in capsys.readouterr().err


def test_a_side_that_a_network_cannot_take_is_refused_before_anything_is_measured(
    photo_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "dih.safetensors"
    save_weights(file, registry.get("dih").build().state_dict())
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    with pytest.raises(UnsuitableSide, match="--side 256") as caught:
        cli.run(parser.parse_args([f"dih={file}", "--data", str(photo_folder), "--side", "96"]))
    assert caught.value.code == "unsuitable_side"


def test_the_page_does_not_say_of_ready_made_composites_that_they_were_made_here(cases: Cases) -> None:
    ready = replace(cases, kinds=torch.full((len(cases),), -1))
    facts = {"side": 64, "count": 12, "photos": 6, "digest": "0"}
    page = results_page([hold(ready, untouched())], {}, facts, "harmonize evaluate", "a machine")
    assert "came with the data" in page
    for said in ("fixed by a seed", "other composites", "needs no change", "SceneFit's guard"):
        assert said not in page


def test_the_margin_of_a_mean_shrinks_with_the_number_of_photos_not_of_cases() -> None:
    values = torch.randn(400, generator=torch.Generator().manual_seed(0))
    margin = margin_of(values, torch.arange(400))
    assert margin == pytest.approx(1.96 / 400**0.5, rel=0.15)
    assert margin_of(values.repeat(4), torch.arange(400).repeat(4)) == pytest.approx(margin, rel=1e-6)
    assert margin_of(torch.ones(10), torch.arange(10) // 2) == 0


@pytest.mark.parametrize(("content", "reason"), [(None, "cannot be read"), ("s2crnet", "does not hold a idih")])
def test_weights_that_are_none_are_refused_without_a_trace(
    content: str | None, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "weights.safetensors"
    if content:
        save_weights(file, registry.get(content).build().state_dict())
    with pytest.raises(SystemExit):
        cli.main([f"idih={file}", "--data", "nowhere"])
    assert reason in capsys.readouterr().err
