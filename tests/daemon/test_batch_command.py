"""`harmonize batch` against a real daemon with the shipped default network."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harmonize_client import Client, HarmonizeError
from harmonize_client.errors import BadRequest, Busy, ConnectionLost, ShuttingDown
from harmonize_daemon import batch, pictures
from harmonize_daemon.batch import Share
from harmonize_daemon.cli import main
from harmonize_daemon.harmonizing import ImageRequest, ImageResult, Inputs
from harmonize_daemon.pictures import Picture, UnreadablePicture

from .pictures.layered_files import Node, flat, save, stack_of

pytestmark = pytest.mark.usefixtures("command_line_home")

NOTHING = ImageRequest(Path(), Path(), Path())


def put(folder: Path, name: str, seed: int = 0, mask: str = "") -> None:
    """A noisy scene with a dark square, and the square's mask."""
    random = np.random.default_rng(seed)
    pixels = random.integers(90, 200, (48, 64, 3), dtype=np.uint8)
    alpha = np.zeros((48, 64, 1), np.uint8)
    alpha[12:36, 20:44] = 255
    pixels[12:36, 20:44] //= 3
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures.write(path, Picture(pixels))
    pictures.write(folder / (mask or str(Path(name).with_suffix(".mask.png"))), Picture(alpha))


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    put(folder, "one.png", 1)
    put(folder, "sub/two.tif", 2)
    put(folder, "sub/three.png", 3)
    return folder


def run(folder: Path, output: Path, *flags: str) -> int:
    return main(["batch", str(folder), "-o", str(output), *flags])


def records(output: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (output / batch.RECORDS).read_text().splitlines()]


def test_every_composite_is_harmonized_under_its_own_name_as_the_image_command_does(
    scenes: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert run(scenes, output, "--quiet", "--contrast", "0.3") == 0
    assert sorted(p.relative_to(output).as_posix() for p in output.rglob("*.*") if p.suffix != ".jsonl") == [
        "one.png",
        "sub/three.png",
        "sub/two.tif",
    ]
    single = ["image", str(scenes / "one.png"), "--mask", str(scenes / "one.mask.png"), "-o", str(tmp_path / "x.png")]
    assert main([*single, "--quiet", "--contrast", "0.3"]) == 0
    assert (tmp_path / "x.png").read_bytes() == (output / "one.png").read_bytes()
    assert (output / "one.png").read_bytes() != (scenes / "one.png").read_bytes()


def test_a_second_run_does_only_what_is_new_or_changed(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert run(scenes, output, "--quiet") == 0
    put(scenes, "four.png", 4)
    os.utime(scenes / "one.mask.png", ns=(1, 1))
    (output / "sub/two.tif").unlink()
    plan = batch.plan(scenes, None, output, NOTHING)
    assert [item.name for item in plan.items] == ["four.png", "one.png", "sub/two.tif"]
    assert plan.done == ("sub/three.png",)
    assert run(scenes, output) == 0
    summary = "3 to do, 1 done already, 1 to replace earlier results (one.png)\n"
    assert capsys.readouterr().out.startswith(summary)
    assert batch.plan(scenes, None, output, NOTHING).items == ()
    other_settings = ImageRequest(Path(), Path(), Path(), network="s2crnet")
    assert len(batch.plan(scenes, None, output, other_settings).items) == 4


def test_masks_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    put(tmp_path, "scenes/a.jpg", 1, mask="scenes/a.mask.png")
    put(tmp_path, "scenes/deep/b.png", 2, mask="scenes/deep/b.mask.png")
    (tmp_path / "masks/deep").mkdir(parents=True)
    (tmp_path / "scenes/a.mask.png").rename(tmp_path / "masks/a.png")
    (tmp_path / "scenes/deep/b.mask.png").rename(tmp_path / "masks/deep/b.png")
    plan = batch.plan(tmp_path / "scenes", tmp_path / "masks", tmp_path / "out", NOTHING)
    assert [item.request.mask for item in plan.items] == [tmp_path / "masks/a.png", tmp_path / "masks/deep/b.png"]


def test_hidden_files_and_the_folder_of_masks_hold_no_composites(tmp_path: Path) -> None:
    put(tmp_path, "scenes/a.png", 1, mask="scenes/masks/a.png")
    for name in ("._scene.psd", ".scene.kra-autosave.kra", ".trash/scene.ora", "masks/.scene.xcf"):
        (tmp_path / "scenes" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "scenes" / name).write_bytes(b"no picture")
    plan = batch.plan(tmp_path / "scenes", tmp_path / "scenes/masks", tmp_path / "out", NOTHING)
    assert [item.name for item in plan.items] == ["a.png"]
    assert plan.without_mask == ()
    with pytest.raises(BadRequest, match="its own mask"):
        batch.plan(tmp_path / "scenes", tmp_path / "out" / ".." / "scenes", tmp_path / "out", NOTHING)


def test_another_device_does_nothing_again(scenes: Path, tmp_path: Path) -> None:
    stamps = [
        [item.stamp for item in batch.plan(scenes, None, tmp_path / "out", replace(NOTHING, device=device)).items]
        for device in (None, "cpu", "cuda:1")
    ]
    assert stamps[0] == stamps[1] == stamps[2]


@pytest.mark.parametrize("times", [1, 3])
def test_while_the_daemon_is_busy_a_batch_waits(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    calls: Counter[str] = Counter()

    def busy(client: object, request: ImageRequest, inputs: object) -> ImageResult:
        calls[request.composite.name] += 1
        if calls[request.composite.name] <= times:
            raise Busy("too many jobs wait")
        return ImageResult("fake", "cpu", 1.0, (), None)

    monkeypatch.setattr(batch, "harmonize_inputs", busy)
    monkeypatch.setattr(batch, "BUSY_SECONDS", 0)
    monkeypatch.setattr(batch, "BUSY_TRIES", 3)
    assert run(scenes, tmp_path / "out", "--quiet") == (times == 3)
    assert {str(record["code"]) for record in records(tmp_path / "out")} == ({"busy"} if times == 3 else {""})


@pytest.mark.parametrize("error", [ConnectionLost("it closed the connection"), ShuttingDown("it is stopping")])
@pytest.mark.parametrize("times", [1, batch.ENDED_TRIES])
def test_where_the_daemon_is_ended_in_the_middle_a_picture_is_tried_again(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, error: HarmonizeError
) -> None:
    calls: Counter[str] = Counter()

    def ending(client: object, request: ImageRequest, inputs: object) -> ImageResult:
        calls[request.composite.name] += 1
        if calls[request.composite.name] <= times:
            raise error
        return ImageResult("fake", "cpu", 1.0, (), None)

    monkeypatch.setattr(batch, "harmonize_inputs", ending)
    monkeypatch.setattr(batch, "BUSY_SECONDS", 0)
    assert run(scenes, tmp_path / "out", "--quiet") == (times > 1)
    assert {str(record["code"]) for record in records(tmp_path / "out")} == ({error.code} if times > 1 else {""})


@pytest.mark.parametrize("output", ["afile", "afile/below", "folder"])
def test_fault_32_results_that_cannot_be_recorded_are_an_error_in_words(
    scenes: Path, tmp_path: Path, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "afile").write_bytes(b"")
    (tmp_path / "folder" / batch.RECORDS).mkdir(parents=True)
    assert run(scenes, tmp_path / output, "--quiet") == 1
    assert "[unwritable_picture]" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="other systems have no such device")
def test_fault_32_a_full_disk_ends_a_batch_in_words(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch, "harmonize_inputs", lambda *_: ImageResult("fake", "cpu", 1.0, (), None))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / batch.RECORDS).symlink_to("/dev/full")
    assert run(scenes, tmp_path / "out", "--quiet") == 1
    assert "No space left" in capsys.readouterr().err


def test_files_with_layers_need_no_mask(scenes: Path, tmp_path: Path) -> None:
    hat = Node("hat", flat(20, 20, 90, 30, 20), 10, 10)
    save(scenes / "layers.ora", 64, 48, hat, Node("paper", flat(64, 48, 150, 150, 170)))
    assert run(scenes, tmp_path / "out", "--layer", "hat", "--quiet") == 0
    assert [row["name"] for row in stack_of(tmp_path / "out" / "layers.ora")] == ["hat (harmonized)", "hat", "paper"]
    assert sorted(str(record["name"]) for record in records(tmp_path / "out")) == [
        "layers.ora",
        "one.png",
        "sub/three.png",
        "sub/two.tif",
    ]
    assert run(scenes, tmp_path / "out", "--layer", "paper", "--dry-run") == 0


def test_fault_32_what_fails_is_told_and_recorded_and_the_rest_is_done(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scenes / "broken.png").write_bytes(b"no picture")
    (scenes / "broken.mask.png").write_bytes(b"no mask")
    (scenes / "alone.png").write_bytes((scenes / "one.png").read_bytes())
    output = tmp_path / "out"
    assert run(scenes, output) == 1
    said = capsys.readouterr()
    assert "1 without a mask (alone.png)" in said.out
    assert "3 done, 1 failed" in said.out
    assert "broken.png: " in said.err
    assert "[unreadable_picture]" in said.err
    assert not (output / "broken.png").exists()
    assert sorted((r["name"], r["code"]) for r in records(output))[0] == ("broken.png", "unreadable_picture")
    assert [item.name for item in batch.plan(scenes, None, output, NOTHING).items] == ["broken.png"]


def test_fault_32_a_folder_that_cannot_be_made_is_one_pictures_error_with_a_hint(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").touch()
    assert run(scenes, tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "1 done, 2 failed" in said.out
    assert said.err.count("): check the folder and the space left. [unwritable_picture]") == 2


def test_what_the_network_is_not_sure_of_is_left_alone_and_recorded(scenes: Path, tmp_path: Path) -> None:
    assert run(scenes, tmp_path / "out", "--quiet", "--min-confidence", "1") == 0
    for record in records(tmp_path / "out"):
        name = str(record["name"])
        assert 0 < float(str(record["confidence"])) < 1
        assert str(record["notes"]).count("is left out") == 1
        np.testing.assert_array_equal(
            pictures.read(tmp_path / "out" / name).pixels, pictures.read(scenes / name).pixels
        )
    assert len(batch.plan(scenes, None, tmp_path / "out", NOTHING).items) == 3


def test_what_other_settings_would_replace_is_told_before_it_is(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scenes, tmp_path / "out", "--quiet") == 0
    put(scenes, "four.png", 4)
    (tmp_path / "out" / "four.png").write_bytes(b"of somebody else")
    assert run(scenes, tmp_path / "out", "--strength", "0.5", "--dry-run") == 0
    found = "4 to replace earlier results (four.png, one.png, sub/three.png, sub/two.tif)"
    assert found in capsys.readouterr().out


def test_all_frames_may_get_the_same_change(scenes: Path, tmp_path: Path) -> None:
    key, change = str(scenes / "one.png"), str(tmp_path / "change.json")
    single = ["image", key, "--mask", str(scenes / "one.mask.png"), "-o", str(tmp_path / "key.png"), "--quiet"]
    assert main([*single, "--network", "s2crnet", "--adjustment-out", change]) == 0
    assert run(scenes, tmp_path / "out", "--adjustment", change, "--quiet") == 0
    assert (tmp_path / "out" / "one.png").read_bytes() == (tmp_path / "key.png").read_bytes()
    assert {record["network"] for record in records(tmp_path / "out")} == {"s2crnet"}


def test_a_defect_with_one_picture_does_not_stop_the_others(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = batch.harmonize_inputs

    def defective(client: Client, request: ImageRequest, inputs: Inputs) -> ImageResult:
        if request.composite.name == "one.png":
            raise ZeroDivisionError("of the test")
        return real(client, request, inputs)

    monkeypatch.setattr(batch, "harmonize_inputs", defective)
    assert run(scenes, tmp_path / "out") == 1
    assert "2 done, 1 failed" in capsys.readouterr().out
    assert sorted((str(r["name"]), r["code"]) for r in records(tmp_path / "out"))[0] == ("one.png", "internal")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_text_are_done_once_like_all_others(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(b"J\xfcrgen\xe2\x80\xa8.png")
    put(tmp_path / "scenes", name, 1)
    assert run(tmp_path / "scenes", tmp_path / "out", "--dry-run") == 0
    assert "J\\udcfcrgen" in capfd.readouterr().out
    assert run(tmp_path / "scenes", tmp_path / "out", "--quiet") == 0
    assert (tmp_path / "out" / name).is_file()
    assert batch.plan(tmp_path / "scenes", None, tmp_path / "out", NOTHING).done == (name,)


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_names_with_orders_for_a_terminal_are_shown_and_not_obeyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scenes").mkdir()
    for name in ("\x1b[2Jhat\n.png", "\x1b[2Jhat\n.mask.png", "\x1b[2Jalone.png"):
        (tmp_path / "scenes" / name).write_bytes(b"no picture")
    assert run(tmp_path / "scenes", tmp_path / "out", "--dry-run") == 0
    assert run(tmp_path / "scenes", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert said.out.startswith("\\x1b[2Jhat\\n.png  (")
    assert said.err.startswith("\\x1b[2Jhat\\n.png: ")


def test_masks_are_not_overwritten(scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    with pytest.raises(BadRequest, match="overwrite the masks"):
        batch.plan(scenes, tmp_path / "masks", tmp_path / "masks", NOTHING)


def test_another_reference_of_the_same_name_is_another_batch(scenes: Path, tmp_path: Path) -> None:
    reference = tmp_path / "mood.png"
    put(tmp_path, "mood.png", 7)
    settings = ImageRequest(Path(), Path(), Path(), reference=reference)
    before = [item.stamp for item in batch.plan(scenes, None, tmp_path / "out", settings).items]
    os.utime(reference, ns=(1, 1))
    assert before != [item.stamp for item in batch.plan(scenes, None, tmp_path / "out", settings).items]


def test_a_dry_run_does_nothing(scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(scenes, tmp_path / "out", "--dry-run") == 0
    assert "sub/two.tif" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_machines_with_different_settings_are_told_that_their_results_mix(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fake(client: Client, request: ImageRequest, inputs: Inputs) -> ImageResult:
        pictures.write(request.output, inputs.composite.harmonized(None))
        return ImageResult("fake", "cpu", 1.0, (), None)

    monkeypatch.setattr(batch, "harmonize_inputs", fake)
    for number in range(12):
        put(scenes, f"{number}.png", number)
    here, there = ("--share", "1/2", "--quiet"), ("--share", "2/2", "--quiet")
    output = tmp_path / "out"
    for place in ("a", "b"):  # each machine has the reference elsewhere
        (tmp_path / place).mkdir()
        (tmp_path / place / "mood.png").write_bytes((scenes / "one.png").read_bytes())
    assert run(scenes, output, *here, "--reference", str(tmp_path / "a" / "mood.png")) == 0
    assert run(scenes, output, *there, "--reference", str(tmp_path / "b" / "mood.png"), "--device", "cpu") == 0
    assert capsys.readouterr().err == ""
    assert run(scenes, output, *here, "--strength", "0.5") == 0
    assert "pictures of other parts were made with other settings (" in capsys.readouterr().err
    assert run(scenes, output, *there, "--strength", "0.5") == 0
    assert capsys.readouterr().err == ""
    assert run(scenes, output, "--quiet", "--dry-run") == 0  # all of them are this machine's own
    assert capsys.readouterr().err == ""


def test_shares_split_the_pictures_without_gap_or_overlap(scenes: Path, tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(100)]
    parts = [[name for name in names if Share(number, 3).holds(name)] for number in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert all(len(part) > 20 for part in parts)
    assert Share.parse("2/3") == Share(2, 3)
    for wrong in ("0/3", "4/3", "x", "1/0"):
        with pytest.raises(ValueError, match=r"parts|invalid literal"):
            Share.parse(wrong)


def test_a_line_that_was_cut_off_does_not_disturb(scenes: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert run(scenes, output, "--quiet") == 0
    with (output / batch.RECORDS).open("a") as file:
        file.write('{"name": "one.png", "sta')
    put(scenes, "four.png", 4)
    assert run(scenes, output, "--quiet") == 0
    assert len(batch.plan(scenes, None, output, NOTHING).done) == 4


def test_a_folder_of_results_among_the_composites_is_left_out_however_it_is_named(
    scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(scenes, "results/one.png")
    monkeypatch.chdir(scenes)
    for output in (Path("results"), scenes / "sub" / ".." / "results"):
        plan = batch.plan(scenes, None, output, NOTHING)
        assert [item.name for item in plan.items] == ["one.png", "sub/three.png", "sub/two.tif"]


def test_a_folder_of_masks_that_is_not_there_and_a_missing_reference_are_errors_before_anything_is_done(
    scenes: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadRequest, match="nowhere is no folder"):
        batch.plan(scenes, tmp_path / "nowhere", tmp_path / "out", NOTHING)
    with pytest.raises(UnreadablePicture, match=r"There is no file nowhere\.png"):
        batch.plan(scenes, None, tmp_path / "out", replace(NOTHING, reference=Path("nowhere.png")))


@pytest.mark.parametrize(
    ("flags", "code"),
    [(["--network", "nonsense"], "unknown_network"), (["--network", "mkl", "--min-confidence", "0.5"], "bad_request")],
)
def test_what_is_wrong_with_the_network_is_told_once_and_not_for_every_picture(
    scenes: Path, tmp_path: Path, flags: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scenes, tmp_path / "out", *flags, "--quiet") == 1
    assert capsys.readouterr().err.count(f"[{code}]") == 1
    assert records(tmp_path / "out") == []


def test_a_folder_without_any_mask_is_a_mistake(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for mask in scenes.rglob("*.mask.*"):
        mask.unlink()
    assert run(scenes, tmp_path / "out", "--quiet") == 1
    assert "None of the 3 pictures has a mask" in capsys.readouterr().err
    assert run(scenes, tmp_path / "out", "--share", "1/2") == 0  # others may have masks


def test_a_name_that_leaves_no_room_for_that_of_a_mask_is_one_without_a_mask(scenes: Path, tmp_path: Path) -> None:
    longest = f"{'x' * 251}.png"
    (scenes / "one.png").rename(scenes / longest)
    plan = batch.plan(scenes, None, tmp_path / "out", NOTHING)
    assert plan.without_mask == (longest,)
    assert len(plan.items) == 2


@pytest.mark.parametrize("words", [["", "-o", "out"], ["scenes", "-o", ""], ["scenes", "-o", "out", "--masks", ""]])
def test_a_folder_without_a_name_is_not_the_current_one(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["batch", *words])
    assert "the folder's name is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("HAT.PNG", "HAT.mask.PNG"),
        ("Hat.Png", "hat.Mask.Png"),
        ("\u00e9t\u00e9.png", "e\u0301te\u0301.mask.png"),
    ],
)
def test_names_of_masks_may_differ_in_capitals_and_in_how_accents_are_written(
    tmp_path: Path, name: str, mask: str
) -> None:
    put(tmp_path / "scenes", name, mask=mask)
    (item,) = batch.plan(tmp_path / "scenes", None, tmp_path / "out", NOTHING).items
    assert item.name == name
    assert item.request.mask is not None
    assert item.request.mask.name == mask


@pytest.mark.skipif(sys.platform != "linux", reason="such names are the same elsewhere")
def test_each_of_two_names_that_differ_in_capitals_alone_has_its_own_mask(tmp_path: Path) -> None:
    names = {"Hat.png": "Hat.mask.PNG", "hat.png": "hat.mask.png", "HAT.png": "HAT.mask.Png"}
    for name, mask in names.items():
        put(tmp_path / "scenes", name, mask=mask)
    items = batch.plan(tmp_path / "scenes", None, tmp_path / "out", NOTHING).items
    assert {item.name: item.request.mask.name for item in items if item.request.mask} == names


def test_a_link_that_leads_nowhere_is_told_and_not_passed_over(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scenes / "one.png").unlink()
    (scenes / "one.png").symlink_to("nowhere.png")
    assert run(scenes, tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "2 done, 1 failed" in said.out
    assert said.err.startswith("one.png: There is no file")


def test_a_folder_that_cannot_be_read_is_told_and_the_rest_is_done(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scandir = os.scandir

    def refusing(path: str) -> object:  # who runs tests may be allowed everything
        if os.path.basename(path) == "sub":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert run(scenes, tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "1 done, 0 failed" in said.out
    assert said.err == "sub: the folder cannot be read: check its permissions.\n"


def test_a_folder_whose_files_can_be_listed_but_not_opened_is_told_too(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != scenes / "sub" and access(path, mode))
    plan = batch.plan(scenes, None, tmp_path / "out", NOTHING)
    assert [item.name for item in plan.items] == ["one.png"]
    assert plan.closed == ("sub",)


def test_ctrl_c_says_how_far_a_batch_has_come_and_the_next_one_goes_on(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append = batch._append

    def interrupted(path: Path, text: str) -> None:
        if path.is_file() and records(tmp_path / "out"):
            raise KeyboardInterrupt
        append(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(batch, "_append", interrupted)
        assert run(scenes, tmp_path / "out", "--jobs", "1") == 130
    assert "Interrupted: 1 done, 0 failed, 2 left" in capsys.readouterr().err
    assert run(scenes, tmp_path / "out") == 0
    said = capsys.readouterr()
    assert said.out.startswith("2 to do, 1 done already")
    assert said.err == ""  # not even an empty line where no bar is seen


@pytest.mark.skipif(sys.platform == "win32", reason="signals go to processes there")
@pytest.mark.usefixtures("keyboard_interrupts")
def test_what_is_being_done_when_ctrl_c_comes_is_finished_and_recorded(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, *arguments: Any, **options: Any) -> None:
            ending.set()
            super().shutdown(*arguments, **options)

    def interrupted(*_: object) -> ImageResult:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        assert ending.wait(60)
        return ImageResult("fake", "cpu", 1.0, (), None)

    monkeypatch.setattr(batch, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(batch, "harmonize_inputs", interrupted)
    assert run(scenes, tmp_path / "out", "--jobs", "1") == 130
    assert "Interrupted: 1 done, 0 failed, 2 left" in capsys.readouterr().err
    assert len(records(tmp_path / "out")) == 1


def test_results_never_overwrite_their_composites(scenes: Path) -> None:
    with pytest.raises(BadRequest, match="overwrite"):
        batch.plan(scenes, None, scenes, NOTHING)
    inside = scenes / "out"
    assert run(scenes, inside, "--quiet") == 0
    assert batch.plan(scenes, None, inside, NOTHING).items == ()
    assert len(batch.plan(scenes, None, inside, NOTHING).done) == 3


def test_results_of_an_earlier_batch_are_composites_only_where_they_are_named(scenes: Path, tmp_path: Path) -> None:
    hat = Node("hat", flat(20, 20, 90, 30, 20), 10, 10)
    save(scenes / "layers.ora", 64, 48, hat, Node("paper", flat(64, 48, 150, 150, 170)))
    assert run(scenes, scenes / "sub" / "first", "--quiet") == 0
    assert "layers.ora" in [item.name for item in batch.plan(scenes, None, tmp_path / "second", NOTHING).items]
    assert "sub/first/layers.ora" not in [item.name for item in batch.plan(scenes, None, tmp_path, NOTHING).items]
    (named,) = batch.plan(scenes / "sub" / "first", None, tmp_path / "second", NOTHING).items
    assert named.name == "layers.ora"


@pytest.mark.parametrize("flags", [["--share", "5/2"], ["--strength", "7"]])
def test_settings_that_make_no_sense_are_refused(
    scenes: Path, tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scenes, tmp_path / "out", *flags) == 1
    assert "[bad_request]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
