"""Losses, schedules, folding, and the loop itself: that it learns, resumes exactly, and leaves what it should."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from harmonize_models.checkpoints import SHIPPED_DIR
from harmonize_models.data.composites import CompositeMaker, Recipe, seeded
from harmonize_models.data.photos import PhotoSet, load_photos
from harmonize_models.data.sources import Skipped
from harmonize_models.evaluation.cases import Cases, build_cases
from harmonize_models.networks.base import Prediction
from harmonize_models.networks.folding import calibrate, folded, freeze_norms, insert_norms, settle
from harmonize_models.networks.s2crnet import S2CRNet
from harmonize_models.networks.sides import UnsuitableSide
from harmonize_models.training import cli
from harmonize_models.training.checkpoint import load_checkpoint, save_checkpoint
from harmonize_models.training.choices import Discriminator, Schedule
from harmonize_models.training.config import TrainConfig, override, preset
from harmonize_models.training.discriminators import PatchDiscriminator, build_discriminator, judge
from harmonize_models.training.distributed import Worker, join
from harmonize_models.training.history import command_line, read_history
from harmonize_models.training.loop import Trainer
from harmonize_models.training.losses import LossWeights, discriminator_loss, parse_loss, pixel_loss
from harmonize_models.training.optim import MovingAverage, build_optimizer, rate_factor
from harmonize_models.training.report import LogRow, append_row, drop_rows_after
from harmonize_models.weight_files import fingerprint, load_weights
from safetensors import safe_open

ALONE = Worker(0, 1, torch.device("cpu"))
QUICK = TrainConfig(
    network="s2crnet",
    steps=6,
    size=48,
    batch=8,
    learning_rate=2e-3,
    ema=0.9,
    loss=LossWeights(relative_l1=1, rmse=1),
    validation_cases=6,
    bf16=False,
)


@pytest.fixture(scope="module")
def photos(photo_folder: Path) -> PhotoSet:
    return load_photos([photo_folder], "train", 54, Skipped())


@pytest.fixture(scope="module")
def cases(photo_folder: Path) -> Cases:
    return build_cases(load_photos([photo_folder], "val", 48, Skipped()), 48)


def trainer(config: TrainConfig, photos: PhotoSet, cases: Cases, folder: Path, norms: bool = False) -> Trainer:
    torch.manual_seed(0)
    network = S2CRNet(cascaded=True)
    if norms:
        insert_norms(network, r"\.squeeze$")
    lines: list[str] = []
    return Trainer(config, network, CompositeMaker(photos), cases, folder, ALONE, report=lines.append)


# -- losses ---------------------------------------------------------------------------------------------------------


def test_losses_are_those_computed_by_hand() -> None:
    target = torch.zeros(1, 3, 10, 20)
    mask = torch.zeros(1, 1, 10, 20)
    mask[:, :, :, :5] = 1
    off = Prediction(target + 0.1 * mask)
    values = {
        name: float(pixel_loss(parse_loss(name), off, target, mask)) for name in ("relative_l1", "l1", "l2", "rmse")
    }
    assert values == pytest.approx({"relative_l1": 0.3, "l1": 0.025, "l2": 0.0025, "rmse": 0.1}, rel=1e-3)
    inverse = sum(1 / std**2 for std in (0.229, 0.224, 0.225))
    of_small_mask = float(pixel_loss(LossWeights(fn_mse=1, least_area=100), off, target, mask))
    assert of_small_mask == pytest.approx(0.01 * 50 * inverse / (3 * 100), rel=1e-3)
    of_its_own = float(pixel_loss(LossWeights(fn_mse=1, least_area=10), off, target, mask))
    assert of_its_own == pytest.approx(2 * of_small_mask, rel=1e-3)


def test_every_stage_of_a_cascade_counts() -> None:
    target, mask = torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 4, 4)
    one = pixel_loss(LossWeights(l1=1), Prediction(target + 1), target, mask)
    two = pixel_loss(LossWeights(l1=1), Prediction(target + 1, stages=(target + 1,)), target, mask)
    assert float(two) == pytest.approx(2 * float(one))


def test_unknown_losses_and_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="no loss named 'foo'"):
        parse_loss("foo=1")
    for values, reason in (({"learning": 1}, "no setting named learning"), ({"optimizer": "sgd"}, "sgd")):
        with pytest.raises(cli.BadSettings, match=reason):
            override(preset("s2crnet"), values)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("steps", 0),
        ("batch", 0),
        ("minutes", -1.0),
        ("learning_rate", float("nan")),
        ("ema", 2),
        ("warm_up", "many"),
        ("batch_norm", "("),
        ("freeze_norms", "["),
    ],
)
def test_settings_that_no_run_can_have_are_refused(setting: str, value: object) -> None:
    with pytest.raises(cli.BadSettings, match="cannot be taken"):
        override(preset("s2crnet"), {setting: value})


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(cli.BadSettings, match=device):
        join(device)


def test_nobody_is_advised_to_run_what_is_in_a_file_that_holds_no_weights(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"no weights")
    with pytest.raises(cli.BadSettings) as refusal:
        load_weights(tmp_path / "weights.pt")
    assert "weights_only" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 cut", b"no checkpoint"])
def test_a_run_whose_checkpoint_is_damaged_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(cli.BadSettings, match="is damaged"):
        load_checkpoint(tmp_path / "checkpoint.pt", torch.device("cpu"))


def test_a_checkpoint_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, fsync = tmp_path / "checkpoint.pt", os.fsync
    on_disk = []

    def recorded(number: int) -> None:
        fsync(number)
        on_disk.append((os.fstat(number).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", recorded)
    save_checkpoint(path, {"step": 1})
    assert on_disk == [(path.stat().st_size, False)]


def test_a_file_that_names_one_part_of_the_recipe_leaves_the_others_to_the_preset() -> None:
    config = override(preset("scenefit"), {"recipe": {"identity_share": 0.3, "crop": [0.8, 1.0]}})
    assert config.recipe == replace(preset("scenefit").recipe, identity_share=0.3, crop=(0.8, 1.0))


@pytest.mark.parametrize("kind", [Discriminator.S2CRNET, Discriminator.PATCH])
def test_discriminators_learn_to_tell_noise_from_flat_color(kind: Discriminator) -> None:
    torch.manual_seed(0)
    network = build_discriminator(kind)
    assert network is not None
    optimizer = torch.optim.RMSprop(network.parameters(), lr=2e-4)
    flat = torch.full((4, 3, 96, 96), 0.5)
    history = []
    for _ in range(6):
        loss = discriminator_loss(judge(network, flat, flat), judge(network, torch.rand_like(flat), flat))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        history.append(float(loss.detach()))
    assert history[-1] < history[0]


def test_cun_and_puns_discriminator_sees_pictures_around_zero() -> None:
    network = PatchDiscriminator()
    seen: list[torch.Tensor] = []
    network.layers.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    network(torch.zeros(1, 3, 96, 96), torch.ones(1, 3, 96, 96))
    assert (float(seen[0][:, :3].max()), float(seen[0][:, 3:].min())) == (-1, 1)


# -- norms and teachers ---------------------------------------------------------------------------------------------


def test_settled_norms_know_the_statistics_of_their_batches() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    pictures = [0.5 + 0.1 * torch.randn(4, 3, 8, 8) for _ in range(6)]

    class Pictures(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, composite: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.inner(composite)
            return result

    settle(Pictures(), [(picture, picture) for picture in pictures])
    norm = network[0]
    assert torch.allclose(norm.running_mean, torch.cat(pictures).mean(dim=(0, 2, 3)), atol=1e-3)
    assert torch.allclose(norm.running_var, torch.cat(pictures).var(dim=(0, 2, 3)), rtol=0.05)
    assert norm.momentum == 0.1


def test_frozen_norms_stay_as_they_are_and_others_go_on() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3)).train()
    freeze_norms(network, r"^1$")
    network(torch.rand(4, 3, 8, 8))
    assert torch.equal(network[1].running_mean, torch.zeros(3))
    assert not torch.equal(network[0].running_mean, torch.zeros(3))


def test_a_pupil_learns_what_its_teacher_makes_of_the_composites(
    photos: PhotoSet, cases: Cases, tmp_path: Path
) -> None:
    pupil = trainer(replace(QUICK, teacher="s2crnet"), photos, cases, tmp_path)
    batch = pupil.maker.batch(4, 48, seeded(1))
    taught = pupil._taught(batch)
    assert torch.equal(
        taught[(batch.mask == 0).expand_as(taught)], batch.composite[(batch.mask == 0).expand_as(taught)]
    )
    assert not torch.allclose(taught, batch.composite)
    assert not torch.allclose(taught, batch.target)
    assert pupil.run().step == QUICK.steps


# -- settings -------------------------------------------------------------------------------------------------------


def test_presets_are_the_papers() -> None:
    liang, idih = preset("s2crnet-cs"), preset("idih-hrnet18s")
    assert (liang.learning_rate, liang.batch, liang.loss) == (2e-4, 8, LossWeights(relative_l1=1, adversarial=0.01))
    assert (idih.learning_rate, idih.batch, idih.backbone_rate) == (1e-3, 16, 0.1)
    assert idih.loss == LossWeights(fn_mse=1, least_area=100)


def test_settings_survive_a_file() -> None:
    config = replace(preset("idih"), size=128, schedule=Schedule.COSINE)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_settings_that_do_not_go_together_are_refused_with_a_way_out(photo_folder: Path) -> None:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    with pytest.raises(cli.BadSettings, match="--size 80"):
        cli.config_of(parser.parse_args(["s2crnet", "--data", str(photo_folder), "--size", "64"]))


def test_a_network_that_cannot_start_as_the_identity_says_so(photo_folder: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    words = ["dih", "--data", str(photo_folder), "--output", str(tmp_path), "--start-at-identity", "--limit", "8"]
    with pytest.raises(cli.BadSettings, match="without --start-at-identity"):
        cli.run(parser.parse_args(words))


def test_a_size_that_a_network_cannot_take_is_refused(photo_folder: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    words = ["idih", "--data", str(photo_folder), "--output", str(tmp_path), "--size", "96", "--limit", "8"]
    with pytest.raises(UnsuitableSide, match="--size 256"):
        cli.run(parser.parse_args(words))


def test_shipped_weights_can_be_named_by_their_key() -> None:
    assert cli._weights_file(Path("s2crnet-cs")).name == "s2crnet-cs.safetensors"
    with pytest.raises(cli.BadSettings, match="neither a file nor"):
        cli._weights_file(Path("nothing"))


def test_schedules_rise_and_fall() -> None:
    config = TrainConfig(network="x", warm_up=10, schedule=Schedule.COSINE)
    assert rate_factor(config, 0, 0) == pytest.approx(0.1)
    assert rate_factor(config, 50, 0.5) == pytest.approx(0.5)
    steps = TrainConfig(network="x", schedule=Schedule.STEPS, milestones=(0.5, 0.9))
    assert [rate_factor(steps, 1, share) for share in (0.4, 0.6, 0.95)] == pytest.approx([1, 0.1, 0.01])


def test_pretrained_backbones_learn_more_slowly() -> None:
    class WithBackbone(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)

        def pretrained_parameters(self) -> list[torch.nn.Parameter]:
            return list(self.backbone.parameters())

    optimizer = build_optimizer(WithBackbone(), replace(preset("idih-hrnet18s"), learning_rate=1.0))
    assert sorted(group["factor"] for group in optimizer.param_groups) == [0.1, 1.0]


def test_moving_average_follows_and_smooths() -> None:
    network = torch.nn.Linear(1, 1)
    average = MovingAverage(network, 0.9)
    for step in range(200):
        torch.nn.init.constant_(network.weight, 2.0 + (-1) ** step)
        average.update(network, step)
    assert abs(float(average.state["weight"]) - 2.0) < 0.1


def test_norms_fold_into_the_same_network() -> None:
    torch.manual_seed(0)
    normed = S2CRNet(cascaded=True)
    assert insert_norms(normed, r"\.squeeze$") == 7
    picture, mask = torch.rand(4, 3, 48, 48), (torch.rand(4, 1, 48, 48) > 0.5).float()
    for parameter in normed.fusion.parameters():
        torch.nn.init.normal_(parameter, mean=0.02, std=0.02)
    for _ in range(3):
        normed(picture, mask)
    normed.eval()
    plain = S2CRNet(cascaded=True).eval()
    plain.load_state_dict(folded(normed.state_dict()))
    assert torch.allclose(plain(picture, mask).harmonized, normed(picture, mask).harmonized, atol=1e-4)


def test_folded_weights_can_be_trained_on_with_fresh_norms(photos: PhotoSet) -> None:
    torch.manual_seed(0)
    plain = S2CRNet()
    for parameter in plain.fusion.parameters():
        torch.nn.init.normal_(parameter, mean=0.02, std=0.02)
    batch = CompositeMaker(photos).batch(16, 48, seeded(1))
    wanted = plain(batch.composite, batch.mask).harmonized
    insert_norms(plain, r"\.squeeze$")
    assert (plain(batch.composite, batch.mask).harmonized - wanted).abs().max() > 2e-3
    calibrate(plain, batch.composite, batch.mask)
    assert torch.allclose(plain(batch.composite, batch.mask).harmonized, wanted, atol=1e-4)
    assert torch.allclose(plain.eval()(batch.composite, batch.mask).harmonized, wanted, atol=1e-4)


# -- the loop -------------------------------------------------------------------------------------------------------


def test_a_run_leaves_weights_log_curve_and_sheets(photos: PhotoSet, cases: Cases, tmp_path: Path) -> None:
    run = trainer(QUICK, photos, cases, tmp_path, norms=True)
    assert run.run().step == 6
    names = {path.name for path in tmp_path.iterdir()}
    assert {"checkpoint.pt", "best.safetensors", "config.json", "log.csv", "sheets"} <= names
    assert not any(".norm." in name for name in load_weights(tmp_path / "best.safetensors"))
    S2CRNet(cascaded=True).load_state_dict(load_weights(tmp_path / "best.safetensors"))
    assert (tmp_path / "log.csv").read_text().splitlines()[1].startswith("6,")


def test_the_log_of_a_long_run_keeps_whole_steps(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    for step in (1_234_561, 1_234_569):
        append_row(log, LogRow(step, 1.0, 32 * step, 9.0, 1e-3, 0.1, 30.123456789, 1.0, 1.0, 1.0, 0.0, 28.0))
    drop_rows_after(log, 1_234_561)
    (row,) = log.read_text().splitlines()[1:]
    assert row.startswith("1234561,1,39505952,")
    assert ",30.1235," in row


def test_a_run_in_slices_is_the_run_in_one_piece(photos: PhotoSet, cases: Cases, tmp_path: Path) -> None:
    config = replace(QUICK, loss=LossWeights(relative_l1=1, adversarial=0.01), discriminator=Discriminator.S2CRNET)
    config = replace(config, size=96, batch=4)
    whole = trainer(config, photos, cases, tmp_path / "whole")
    whole.run()
    first = trainer(config, photos, cases, tmp_path / "slices")
    for _ in range(3):
        first.train_step()
    (tmp_path / "slices").mkdir()
    first.save()
    second = trainer(config, photos, cases, tmp_path / "slices")
    assert second.resume()
    second.run()
    states = [load_checkpoint(tmp_path / name / "checkpoint.pt", ALONE.device) for name in ("whole", "slices")]
    assert states[0]["progress"]["step"] == states[1]["progress"]["step"] == 6
    for part in ("network", "average", "adversary"):
        for name, value in states[0][part].items():
            assert torch.equal(value, states[1][part][name]), name


def test_a_broken_off_slice_stops_and_says_where(photos: PhotoSet, cases: Cases, tmp_path: Path) -> None:
    run = trainer(replace(QUICK, steps=1000), photos, cases, tmp_path)
    assert 0 < run.run(slice_minutes=0.01).step < 1000
    assert trainer(QUICK, photos, cases, tmp_path).resume()


def test_a_run_goes_on_longer_but_not_with_other_settings(photos: PhotoSet, cases: Cases, tmp_path: Path) -> None:
    trainer(QUICK, photos, cases, tmp_path).run()
    assert trainer(replace(QUICK, steps=8, validate_minutes=9), photos, cases, tmp_path).resume()
    for other in (replace(QUICK, seed=9), replace(QUICK, loss=LossWeights(l1=1)), replace(QUICK, network="idih")):
        with pytest.raises(cli.BadSettings, match="other settings"):
            trainer(other, photos, cases, tmp_path).resume()


def test_settings_that_an_older_version_did_not_store_are_free(photos: PhotoSet, cases: Cases, tmp_path: Path) -> None:
    trainer(QUICK, photos, cases, tmp_path).run()
    file = tmp_path / "config.json"
    stored = json.loads(file.read_text())
    del stored["ema"], stored["recipe"]["reversed_share"]
    file.write_text(json.dumps(stored))
    recipe = Recipe(reversed_share=0.5)
    assert trainer(replace(QUICK, ema=0.5, recipe=recipe), photos, cases, tmp_path).resume()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["s2crnot"], "no network named"),
        (["s2crnet", "--config", "nowhere.json"], "nowhere.json"),
        (["s2crnet", "--init", "nowhere"], "neither a file nor"),
        (["s2crnet", "--teacher", "nobody"], "nobody"),
        (["scenefit", "--loss", "l1=1"], "losses of its own"),
    ],
)
def test_what_cannot_be_is_said_before_any_photo_is_read(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--data", "photos-that-do-not-exist"])
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_a_newcomers_command_learns_on_own_photos(photo_folder: Path, tmp_path: Path) -> None:
    words = ["s2crnet", "--data", str(photo_folder), "--output", str(tmp_path / "run"), "--size", "48", "--batch", "16"]
    words += [
        "--steps",
        "30",
        "--lr",
        "2e-3",
        "--loss",
        "relative_l1=1,rmse=1",
        "--batch-norm",
        "squeeze",
        "--ema",
        "0.8",
    ]
    words += ["--warm-up", "5", "--schedule", "cosine", "--validate-minutes", "0.01"]
    words += ["--seed", "2"]  # gains 0.9 dB and more, however a processor rounds; the first one 0.1 to 0.4
    assert cli.main(words) == 0
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()
    first, *_, last = [dict(zip(rows[0].split(","), row.split(","), strict=True)) for row in rows[1:]]
    assert float(last["loss"]) < float(first["loss"])
    # What is kept is the best of all validations.
    with safe_open(tmp_path / "run" / "best.safetensors", "pt") as kept:
        names = set(kept.keys())
    assert names == set(S2CRNet().state_dict())
    best = max(float(row.split(",")[rows[0].split(",").index("psnr")]) for row in rows[1:])
    assert best > float(last["composite_psnr"]) + 0.3
    (leg,) = read_history(tmp_path / "run")
    assert leg.images == 30 * 16
    assert str(tmp_path) not in leg.command


def test_a_run_may_start_from_several_weights_of_which_the_last_wins(photo_folder: Path, tmp_path: Path) -> None:
    words = ["s2crnet", "--data", str(photo_folder), "--size", "48", "--batch", "2", "--steps", "1", "--lr", "0"]
    words += ["--loss", "relative_l1=1", "--validation-cases", "2", "--output"]
    assert cli.main([*words, str(tmp_path / "one")]) == 0
    first = tmp_path / "one" / "best.safetensors"
    assert cli.main([*words, str(tmp_path / "two"), "--init", str(first), "s2crnet"]) == 0
    shipped, kept = (
        load_weights(folder) for folder in (SHIPPED_DIR / "s2crnet.safetensors", tmp_path / "two" / first.name)
    )
    assert all(torch.equal(shipped[name], value) for name, value in kept.items())
    legs = read_history(tmp_path / "two")
    assert [leg.start for leg in legs] == ["random weights", "the weights of best.safetensors, then s2crnet"]
    assert (
        legs[1].given
        == f"best.safetensors {fingerprint(load_weights(first))}, s2crnet.safetensors {fingerprint(shipped)}"
    )
    assert legs[1].recipe == preset("s2crnet").to_json()["recipe"]


def test_commands_on_record_have_no_absolute_paths() -> None:
    assert command_line(["s2crnet", "--data", "/home/me/photos"]) == "harmonize train s2crnet --data photos"


def test_two_processes_share_their_gradients(photo_folder: Path, tmp_path: Path) -> None:
    words = ["s2crnet-cs", "--data", str(photo_folder), "--output", str(tmp_path), "--size", "48", "--batch", "4"]
    words += ["--steps", "3", "--loss", "relative_l1=1", "--device", "cpu", "--validation-cases", "2"]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*command, "--standalone", "-m", "harmonize_models.training", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("started") == 1
    assert load_checkpoint(tmp_path / "checkpoint.pt", ALONE.device)["progress"]["step"] == 3
