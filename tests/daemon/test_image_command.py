"""`harmonize image` against a real daemon with the shipped default network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from harmonize_daemon import harmonizing, pictures
from harmonize_daemon.cli import main
from harmonize_daemon.composites import foreground_box
from harmonize_daemon.harmonizing import side_by_side
from harmonize_daemon.pictures import Metadata, Picture
from harmonize_daemon.pictures.box import Box
from PIL import Image, ImageCms

from .pictures import kra_files
from .pictures.layered_files import Node, flat, picture_in, save, stack_of

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 160, 120


pytestmark = pytest.mark.usefixtures("command_line_home")


def scene(channels: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """A bright warm disc in front of a dark blue scene, and its soft mask."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    mask = np.clip((30 - np.hypot(x - 80, y - 60)) / 4 + 0.5, 0, 1)
    blue = np.stack([0.1 + 0.1 * y / HEIGHT, 0.15 + 0.1 * y / HEIGHT, 0.3 + 0.2 * x / WIDTH], axis=-1)
    warm = np.stack([0.95 - x / 800, 0.8 - y / 400, 0.5 + 0 * x], axis=-1)
    color = blue + (warm - blue) * mask[..., None]
    color += np.random.default_rng(3).normal(0, 0.02, color.shape)
    planes = color if channels >= 3 else color.mean(axis=-1, keepdims=True)
    if channels in (2, 4):
        planes = np.concatenate([planes, np.clip(x / WIDTH, 0.2, 1)[..., None]], axis=-1)
    if dtype == "f4":
        return planes.astype(dtype), (mask * 255).astype(np.uint8)
    white = np.iinfo(dtype).max
    return np.round(planes.clip(0, 1) * white).astype(dtype), (mask * 255).astype(np.uint8)


def prepare(
    folder: Path, name: str, channels: int = 3, dtype: str = "u1", **metadata: bytes
) -> tuple[Path, Path, Picture]:
    pixels, mask = scene(channels, dtype)
    picture = Picture(pixels, Metadata(**metadata))  # type: ignore[arg-type]
    pictures.write(folder / name, picture)
    pictures.write(folder / "mask.png", Picture(mask[:, :, None]))
    return folder / name, folder / "mask.png", picture


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("name", "dtype"), [("a.png", "u1"), ("a.png", "u2"), ("a.tif", "u2"), ("a.tif", "f4")])
def test_foreground_changes_and_everything_else_keeps_every_bit(
    tmp_path: Path, name: str, dtype: str, channels: int
) -> None:
    source, mask, before = prepare(tmp_path, name, channels, dtype)
    output = tmp_path / f"out{source.suffix}"
    # Contrast comes on top of what the network wants, which may be nothing.
    flags = ["--contrast", "0.3", "--quiet"]
    assert main(["image", str(source), "--mask", str(mask), "-o", str(output), *flags]) == 0
    after = pictures.read(output).pixels
    outside = scene(channels, dtype)[1] == 0
    assert after.dtype == before.pixels.dtype
    np.testing.assert_array_equal(after[outside], before.pixels[outside])
    if channels in (2, 4):
        np.testing.assert_array_equal(after[..., -1], before.pixels[..., -1])
    assert (after[~outside] != before.pixels[~outside]).any()


def layered(folder: Path, name: str = "a.ora") -> Path:
    """The same scene in layers: a warm disc over the dark one, and a hidden sketch."""
    pixels, mask = scene(3, "u1")
    disc = np.concatenate([pixels, mask[..., None]], axis=2)[20:100, 40:120]
    sketch = Node("sketch", flat(5, 5, 0, 0, 0), attributes={"visibility": "hidden"})
    paper = Node("paper", flat(WIDTH, HEIGHT, 30, 40, 90))
    return save(folder / name, WIDTH, HEIGHT, sketch, Node("disc", disc, 40, 20), paper)


def test_a_layer_of_an_openraster_file_becomes_another_layer_above_it(tmp_path: Path) -> None:
    source, output = layered(tmp_path), tmp_path / "out.ora"
    assert main(["image", str(source), "-o", str(output), "--contrast", "0.3", "--quiet"]) == 0
    rows = stack_of(output)
    assert [row["name"] for row in rows] == ["sketch", "disc (harmonized)", "disc", "paper"]
    before, after = (picture_in(output, rows[place]["src"]) for place in (2, 1))
    np.testing.assert_array_equal(after[..., 3], before[..., 3])
    assert (after[40, 40] != before[40, 40]).any()
    np.testing.assert_array_equal(picture_in(output, "mergedimage.png")[60, 80], after[40, 40])


def test_scripts_read_one_line_and_no_progress(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.png"
    assert main(["image", str(layered(tmp_path)), "-o", str(output), "--layer", "disc", "--network", "s2crnet"]) == 0
    said = capfd.readouterr()
    assert said.out.splitlines()[-1].startswith(f"{output}: s2crnet on ")
    assert "" not in said.out.splitlines()
    assert said.err == ""


def test_layers_may_be_merged_into_a_flat_picture(tmp_path: Path) -> None:
    source = layered(tmp_path)
    flags = ["--layer", "disc", "--before-after", str(tmp_path / "both.png"), "--quiet"]
    assert main(["image", str(source), "-o", str(tmp_path / "out.png"), *flags]) == 0
    merged, both = (pictures.read(tmp_path / name) for name in ("out.png", "both.png"))
    assert (merged.width, merged.height) == (WIDTH, HEIGHT)
    np.testing.assert_array_equal(both.pixels[:, -WIDTH:], merged.pixels)
    assert merged.pixels[5, 5].tolist() == [30, 40, 90]
    assert main(["image", str(source), "-o", str(tmp_path / "out.jpg"), "--layer", "disc", "--quiet"]) == 0


def test_deep_layers_stand_side_by_side(tmp_path: Path) -> None:
    hat = Node("hat", flat(40, 40, 60000, 20000, 9000, dtype=np.uint16), 20, 20)
    source = save(tmp_path / "deep.ora", WIDTH, HEIGHT, hat, Node("paper", flat(WIDTH, HEIGHT, 90, 90, 120)))
    flags = ["-o", str(tmp_path / "out.ora"), "--before-after", str(tmp_path / "both.png"), "--quiet"]
    assert main(["image", str(source), *flags]) == 0
    both = pictures.read(tmp_path / "both.png").pixels
    assert both.dtype == np.uint16
    assert both[25, 25].tolist() == [60000, 20000, 9000]


def test_layers_of_a_photoshop_file_are_harmonized_alike(tmp_path: Path) -> None:
    psd_tools = pytest.importorskip("psd_tools", reason="it needs Python 3.11")
    pixels, mask = scene(3, "u1")
    file = psd_tools.PSDImage.new("RGB", (WIDTH, HEIGHT))
    file.create_pixel_layer_from_array(flat(WIDTH, HEIGHT, 30, 40, 90), "paper")
    disc = np.concatenate([pixels, mask[..., None]], axis=2)[20:100, 40:120]
    file.create_pixel_layer_from_array(disc, "disc", left=40, top=20)
    file.save(tmp_path / "a.psd")
    for source in (tmp_path / "a.psd", layered(tmp_path)):
        flags = ["--contrast", "0.3", "--layer", "disc", "--quiet"]
        assert main(["image", str(source), "-o", str(tmp_path / f"out{source.suffix}"), *flags]) == 0
    first, second = (pictures.read_layered(tmp_path / f"out{suffix}") for suffix in (".psd", ".ora"))
    names = ["disc (harmonized)", "disc", "paper"]
    assert [layer.name for layer in first.layers()] == names
    np.testing.assert_array_equal(first.decoded(first.subject()).pixels, second.decoded(second.subject()).pixels)
    flags = ["-o", str(tmp_path / "out.ora"), "--quiet"]
    assert main(["image", str(tmp_path / "a.psd"), *flags]) != 0


def test_layers_and_masks_do_not_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flat_file, mask, _ = prepare(tmp_path, "a.png")
    source, out = layered(tmp_path), tmp_path / "out.png"
    for flags in (
        [str(source), "--mask", str(mask)],
        [str(source), "--layer", "shoe"],
        [str(flat_file)],
        [str(flat_file), "--mask", str(mask), "--layer", "disc"],
    ):
        assert main(["image", *flags, "-o", str(out), "--quiet"]) != 0
        assert not out.exists()
    assert "has no layer 'shoe'" in capsys.readouterr().err


def test_the_layers_of_a_file_can_be_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hat = Node("Hat", flat(4, 4, 9, 9, 9, 255), 40, 20, attributes={"visibility": "hidden"})
    odd = Node("odd", flat(4, 4, 9, 9, 9, 255), attributes={"composite-op": "svg:hue"})
    source = save(tmp_path / "a.ora", WIDTH, HEIGHT, odd, Node("things", inside=(hat,)))
    assert main(["image", str(source), "--list-layers"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "visible  layer at 0, 0        odd  (is in the mode svg:hue)",
        "visible  group                things",
        "hidden   layer at 40, 20        Hat",
    ]
    flat_file, _, _ = prepare(tmp_path, "b.png")
    assert main(["image", str(flat_file), "--list-layers"]) == 1
    assert "b.png has no layers" in capsys.readouterr().err


def test_names_of_layers_take_one_line_each_in_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = save(tmp_path / "a.ora", WIDTH, HEIGHT, Node("été\rsoleil\n", flat(4, 4, 9, 9, 9)))
    assert main(["image", str(source), "--list-layers"]) == 0
    assert capsys.readouterr().out == "visible  layer at 0, 0        été\\rsoleil\\n\n"


def test_profile_is_kept(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source, mask, _ = prepare(tmp_path, "a.png", icc=profile)
    assert main(["image", str(source), "--mask", str(mask), "-o", str(tmp_path / "out.png"), "--quiet"]) == 0
    assert pictures.read(tmp_path / "out.png").metadata.icc == profile


def test_pictures_of_linear_light_change_as_their_encoded_twins_do(tmp_path: Path) -> None:
    """The same scene in sRGB and in linear light, both as floats: what is seen afterwards is the same."""
    linear_light = imagecodecs.cms_profile(
        "rgb", gamma=1.0, whitepoint=[0.3127, 0.3290, 1], primaries=[0.64, 0.33, 1, 0.3, 0.6, 1, 0.15, 0.06, 1]
    )
    encoded, mask, before = prepare(tmp_path, "encoded.tif", dtype="f4")
    inside = before.pixels.clip(0, 1)
    pictures.write(encoded, before.with_pixels(inside))
    light = np.where(inside <= 0.04045, inside / 12.92, ((inside + 0.055) / 1.055) ** 2.4).astype(np.float32)
    pictures.write(tmp_path / "linear.tif", Picture(light, Metadata(icc=linear_light)))
    for name in ("encoded", "linear"):
        command = ["image", str(tmp_path / f"{name}.tif"), "--mask", str(mask), "-o", str(tmp_path / f"{name}-out.tif")]
        assert main([*command, "--quiet", "--contrast", "0.4"]) == 0
    expected = pictures.read(tmp_path / "encoded-out.tif").pixels
    found = pictures.read(tmp_path / "linear-out.tif").pixels
    seen = np.where(found <= 0.0031308, found * 12.92, 1.055 * found.clip(1e-9) ** (1 / 2.4) - 0.055)
    assert np.abs(expected - inside).max() > 0.05
    np.testing.assert_allclose(seen, expected, atol=0.01)
    unmasked = pictures.read_mask(mask, WIDTH, HEIGHT) == 0
    np.testing.assert_array_equal(found[unmasked], light[unmasked])


def test_strength_zero_changes_nothing(tmp_path: Path) -> None:
    source, mask, before = prepare(tmp_path, "a.png")
    command = ["image", str(source), "--mask", str(mask), "-o", str(tmp_path / "out.png"), "--strength", "0", "--quiet"]
    assert main(command) == 0
    np.testing.assert_array_equal(pictures.read(tmp_path / "out.png").pixels, before.pixels)


def test_empty_mask_changes_nothing(tmp_path: Path) -> None:
    source, mask, before = prepare(tmp_path, "a.png")
    pictures.write(mask, Picture(np.zeros((HEIGHT, WIDTH, 1), np.uint8)))
    assert main(["image", str(source), "--mask", str(mask), "-o", str(tmp_path / "out.png"), "--quiet"]) == 0
    np.testing.assert_array_equal(pictures.read(tmp_path / "out.png").pixels, before.pixels)


def test_a_network_that_is_not_sure_enough_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, mask, before = prepare(tmp_path, "a.png")
    command = ["image", str(source), "--mask", str(mask), "-o", str(tmp_path / "out.png")]
    assert main([*command, "--min-confidence", "1", "--curves-out", str(tmp_path / "grade.cube")]) == 0
    assert "The network's change is left out: it is only" in capsys.readouterr().out
    np.testing.assert_array_equal(pictures.read(tmp_path / "out.png").pixels, before.pixels)
    assert "\n0.000000 0.000000 0.000000\n" in (tmp_path / "grade.cube").read_text()
    assert main([*command, "--min-confidence", "0.01"]) == 0
    assert "left out" not in capsys.readouterr().out
    assert (pictures.read(tmp_path / "out.png").pixels != before.pixels).any()


def test_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    source, mask, _ = prepare(tmp_path, "a.png")
    for name in ("one.png", "two.png"):
        assert main(["image", str(source), "--mask", str(mask), "-o", str(tmp_path / name), "--quiet"]) == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_another_reference_gives_another_result(tmp_path: Path) -> None:
    source, mask, _ = prepare(tmp_path, "a.png")
    sunset = np.zeros((50, 70, 3), np.uint8)
    sunset[...] = (220, 120, 60)
    pictures.write(tmp_path / "sunset.png", Picture(sunset))
    plain = ["image", str(source), "--mask", str(mask), "--quiet", "-o"]
    assert main([*plain, str(tmp_path / "one.png")]) == 0
    assert main([*plain, str(tmp_path / "two.png"), "--reference", str(tmp_path / "sunset.png")]) == 0
    assert (tmp_path / "one.png").read_bytes() != (tmp_path / "two.png").read_bytes()


def test_of_a_reference_with_layers_is_taken_what_is_seen(tmp_path: Path) -> None:
    source, mask, _ = prepare(tmp_path, "a.png")
    sunset = Node("sunset", flat(50, 70, 220, 120, 60))
    hidden = Node("sketch", flat(50, 70, 0, 0, 0), attributes={"visibility": "hidden"})
    save(tmp_path / "sunset.ora", 50, 70, hidden, sunset)
    pictures.write(tmp_path / "sunset.png", Picture(flat(50, 70, 220, 120, 60)))
    plain = ["image", str(source), "--mask", str(mask), "--quiet"]
    for kind in ("png", "ora"):
        result = ["--reference", str(tmp_path / f"sunset.{kind}"), "-o", str(tmp_path / f"{kind}.png")]
        assert main([*plain, *result]) == 0
    assert (tmp_path / "png.png").read_bytes() == (tmp_path / "ora.png").read_bytes()


def test_a_mask_with_layers_is_wanted_flat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, _, _ = prepare(tmp_path, "a.png")
    command = ["image", str(source), "--mask", str(layered(tmp_path, "mask.ora")), "-o", str(tmp_path / "out.png")]
    assert main(command) == 1
    assert (
        "mask.ora has layers; a flat picture is wanted here: export one. [unreadable_picture]"
        in capsys.readouterr().err
    )


def test_side_outputs_are_written(tmp_path: Path) -> None:
    source, mask, _ = prepare(tmp_path, "a.png")
    extra = ["--curves-out", "grade.cube", "--adjustment-out", "change.json", "--before-after", "both.png"]
    names = [word if word.startswith("--") else str(tmp_path / word) for word in extra]
    assert main(["image", str(source), "--mask", str(mask), "-o", str(tmp_path / "out.png"), "--quiet", *names]) == 0
    assert "LUT_" in (tmp_path / "grade.cube").read_text()
    assert json.loads((tmp_path / "change.json").read_text())["version"] == 1
    assert pictures.read(tmp_path / "both.png").width > 2 * WIDTH


def test_a_change_that_was_written_is_carried_out_again_and_on_other_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, mask, before = prepare(tmp_path, "a.png")
    change = tmp_path / "change.json"
    command = ["image", str(source), "--mask", str(mask), "-o"]
    assert main([*command, str(tmp_path / "one.png"), "--adjustment-out", str(change), "--network", "s2crnet"]) == 0
    assert main([*command, str(tmp_path / "two.png"), "--adjustment", str(change)]) == 0
    assert "a change of s2crnet" in capsys.readouterr().out
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    pictures.write(source, before.with_pixels(before.pixels // 2))
    assert main([*command, str(tmp_path / "three.png"), "--adjustment", str(change), "--strength", "0.5"]) == 0
    assert (pictures.read(tmp_path / "three.png").pixels != before.pixels // 2).any()


def cut_out_of_green(folder: Path, name: str, *color: int) -> tuple[Path, np.ndarray]:
    """A disc of one color, with a soft edge that is green of what it was cut out of, above grey; and its alpha."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    alpha = np.clip((40 - np.hypot(x - 80, y - 60)) / 6 + 0.5, 0, 1)
    colors = alpha[..., None] * np.array(color) + (1 - alpha[..., None]) * np.array((0, 255, 0))
    disc = np.rint(np.dstack([colors, 255 * alpha])).astype(np.uint8)
    scene = Node("scene", flat(WIDTH, HEIGHT, 120, 125, 130, 255))
    return save(folder / name, WIDTH, HEIGHT, Node("disc", disc), scene), disc[..., 3]


def result_in(path: Path) -> np.ndarray:
    """The pixels of the topmost layer."""
    return picture_in(path, stack_of(path)[0]["src"])


def fringe(path: Path, alpha: np.ndarray) -> float:
    """How much greener than its inside a disc's soft edge is, in levels."""
    disc = result_in(path).astype(float)
    green = disc[..., 1] - disc[..., :3].mean(axis=-1)
    return float(green[(alpha > 20) & (alpha < 235)].mean() - green[alpha == 255].mean())


def test_the_soft_edges_of_a_layer_are_cleaned_on_request(tmp_path: Path) -> None:
    source, alpha = cut_out_of_green(tmp_path, "red.ora", 200, 60, 40)
    for name, options in (("plain.ora", []), ("clean.ora", ["--clean-edges"])):
        assert main(["image", str(source), "-o", str(tmp_path / name), "--quiet", *options]) == 0
    assert fringe(tmp_path / "plain.ora", alpha) > 50
    assert fringe(tmp_path / "clean.ora", alpha) < fringe(tmp_path / "plain.ora", alpha) / 2


def test_where_only_edges_are_cleaned_nobody_is_told_that_nothing_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, alpha = cut_out_of_green(tmp_path, "red.ora", 200, 60, 40)
    command = ["image", str(source), "-o", str(tmp_path / "out.ora"), "--clean-edges"]
    assert main([*command, "--curves-out", str(tmp_path / "grade.cube")]) == 0
    assert fringe(tmp_path / "out.ora", alpha) < 40
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first.startswith("Note: The network changes nothing: the foreground fits already")
    assert second == "Note: The .cube file holds the change as a whole, not what differs from place to place."


def test_a_change_of_another_picture_brings_no_edges_of_that_one(tmp_path: Path) -> None:
    blue, _ = cut_out_of_green(tmp_path, "blue.ora", 20, 40, 220)
    change = str(tmp_path / "change.json")
    assert main(["image", str(blue), "-o", str(tmp_path / "b.ora"), "--quiet", "--adjustment-out", change]) == 0
    source, alpha = cut_out_of_green(tmp_path, "red.ora", 200, 60, 40)
    command = ["image", str(source), "-o", str(tmp_path / "out.ora"), "--quiet", "--adjustment", change]
    assert main([*command, "--clean-edges"]) == 0
    out = result_in(tmp_path / "out.ora").astype(float)
    faint = (alpha > 0) & (alpha < 60)
    assert out[faint][:, 0].mean() > out[faint][:, 2].mean() + 50  # red, not blue
    assert abs(fringe(tmp_path / "out.ora", alpha)) < 40


def test_where_nobody_watches_only_the_result_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, mask, _ = prepare(tmp_path, "a.png")
    result = str(tmp_path / "out.png")
    assert main(["image", str(source), "--mask", str(mask), "-o", result]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{result}: scenefit on cpu, ")
    assert said.err == ""


def odd_tiff(path: Path, picture: Picture) -> None:
    """Its resolution has a unit that there is not. Of 16 bits: what libtiff says itself, in C, nobody can hold back."""
    pictures.write(path, Picture(picture.pixels.astype(np.uint16), Metadata(dpi=(72, 72))))
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages.first.tags["ResolutionUnit"].valueoffset
    data = bytearray(path.read_bytes())
    data[place : place + 2] = b"\2\2"
    path.write_bytes(data)


def odd_jpeg(path: Path, picture: Picture) -> None:
    """Its EXIF ends in the middle."""
    block = b"Exif\0\0II*\0\x08\0\0\0\x30\0" + bytes(20)
    Image.fromarray(picture.pixels).save(path, exif=block)


@pytest.mark.parametrize(("name", "write"), [("odd.tif", odd_tiff), ("odd.jpg", odd_jpeg)])
def test_what_libraries_say_of_odd_files_is_not_passed_on(
    tmp_path: Path, name: str, write: Callable[[Path, Picture], None]
) -> None:
    _, _, picture = prepare(tmp_path, "a.png")
    write(tmp_path / name, picture)
    pictures.write(tmp_path / "small.png", Picture(np.zeros((5, 5, 1), np.uint8)))
    words = ["image", str(tmp_path / name), "--mask", str(tmp_path / "small.png"), "-o", str(tmp_path / "out.png")]
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("plugins", "daemon", "models"))
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-m", "harmonize_daemon", *words]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert said.stderr.startswith("harmonize: The mask small.png is 5 x 5 pixels")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--adjustment", "nowhere.json"], "bad_request"),
        (["--adjustment", "a.png"], "bad_adjustment"),
        (["--adjustment", "a.png", "--network", "s2crnet"], "bad_request"),
        (["--network", "no-such-network"], "unknown_network"),
        (["--strength", "7"], "bad_request"),
        (["--min-confidence", "90"], "bad_request"),
        (["--min-confidence", "0.5", "--network", "s2crnet"], "bad_request"),
        (["--reference", "nowhere.png"], "unreadable_picture"),
        (["--reference", "a.png", "--to-foreground"], "bad_request"),
        (["--mask", str(ROOT / "docs/demo/dim-astronaut.mask.png")], "bad_mask"),
        (["-o", "mask.png"], "bad_request"),
        (["-o", "new/../mask.png"], "bad_request"),
        (["--reference", "a.png", "--before-after", "a.png"], "bad_request"),
        (["--adjustment-out", "out.png"], "bad_request"),
        (["--adjustment-out", "a.png"], "bad_request"),
        (["--before-after", "a.png"], "bad_request"),
        (["--curves-out", "both", "--adjustment-out", "both"], "bad_request"),
        (["-o", "result.gif"], "unsupported_picture"),
        (["--before-after", "both.gif"], "unsupported_picture"),
    ],
)
def test_wrong_requests_say_why_and_write_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    code: str,
) -> None:
    source, mask, _ = prepare(tmp_path, "a.png")
    monkeypatch.chdir(tmp_path)
    assert main(["image", str(source), "--mask", str(mask), "-o", "out.png", "--quiet", *options]) == 1
    assert f"[{code}]" in capsys.readouterr().err
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.png", "mask.png"]


@pytest.mark.parametrize("option", ["--output", "--curves-out", "--adjustment-out", "--before-after"])
@pytest.mark.parametrize("place", ["mask.png/result.png", "folder.png"])
def test_what_cannot_be_written_is_noticed_before_the_daemon_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str, place: str
) -> None:
    source, mask, _ = prepare(tmp_path, "a.png")
    (tmp_path / "folder.png").mkdir()
    monkeypatch.setattr(harmonizing, "connect", None)
    words = ["image", str(source), "--mask", str(mask), "-o", str(tmp_path / "out.png"), option, str(tmp_path / place)]
    assert main([*words, "--quiet"]) == 1
    assert "[unwritable_picture]" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_the_result_may_take_the_place_of_the_picture(tmp_path: Path) -> None:
    source, mask, before = prepare(tmp_path, "a.png")
    command = ["image", str(source), "--mask", str(mask), "-o", str(source), "--quiet", "--contrast", "0.3"]
    assert main(command) == 0
    assert (pictures.read(source).pixels != before.pixels).any()


def test_box_is_the_smallest_that_holds_the_foreground() -> None:
    mask = np.zeros((9, 12), np.uint8)
    mask[3:5, 2] = 1
    mask[4, 2:8] = 200
    assert foreground_box(mask) == Box(2, 3, 8, 5)
    assert foreground_box(mask * 0) is None


def test_both_pictures_stand_side_by_side() -> None:
    before = Picture(np.zeros((4, 6, 3), np.uint8))
    both = side_by_side(before, before.with_pixels(before.pixels + 9))
    np.testing.assert_array_equal(both.pixels[:, :6], before.pixels)
    np.testing.assert_array_equal(both.pixels[:, -6:], before.pixels + 9)


def test_the_demo_comes_closer_to_the_photo_as_it_was_taken(tmp_path: Path) -> None:
    """Its figure was dimmed by a known change, which can be taken back: there is a truth to compare with."""
    demo = ROOT / "docs/demo/dim-astronaut.png"
    mask = pictures.read_mask(demo.with_suffix(".mask.png"), 512, 512)
    dim = pictures.read(demo).pixels / 255
    truth = (dim / np.array([0.55, 0.6, 0.75])) ** (1 / 1.1)
    output = tmp_path / "harmonized.png"
    assert main(["image", str(demo), "--mask", str(demo.with_suffix(".mask.png")), "-o", str(output), "--quiet"]) == 0
    figure = mask == 255
    before = np.square(dim - truth)[figure].mean()
    after = np.square(pictures.read(output).pixels / 255 - truth)[figure].mean()
    assert after < before / 2


def test_layers_of_a_krita_document_are_harmonized_alike(tmp_path: Path) -> None:
    pixels, mask = scene(3, "u1")
    disc = np.concatenate([pixels, mask[..., None]], axis=2)[20:100, 40:120]
    layers = kra_files.Node("disc", disc, 40, 20), kra_files.Node("paper", flat(WIDTH, HEIGHT, 30, 40, 90, 255))
    kra_files.save(tmp_path / "a.kra", kra_files.Document(WIDTH, HEIGHT), *layers)
    for source in (tmp_path / "a.kra", layered(tmp_path)):
        flags = ["--contrast", "0.3", "--layer", "disc", "--quiet"]
        assert main(["image", str(source), "-o", str(tmp_path / f"out{source.suffix}"), *flags]) == 0
    first, second = (pictures.read_layered(tmp_path / f"out{suffix}") for suffix in (".kra", ".ora"))
    assert [layer.name for layer in first.layers()] == ["disc (harmonized)", "disc", "paper"]
    seen = [file.merged().pixels.astype(int) for file in (first, second)]
    assert np.abs(seen[0] - seen[1]).max() <= 1
