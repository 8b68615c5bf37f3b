"""Photoshop files: their layers, what is seen, and another layer in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harmonize_daemon.pictures import PictureError, UnreadablePicture, UnsupportedPicture, read_layered
from numpy.typing import NDArray
from PIL import Image

from .layered_files import flat

pytest.importorskip("psd_tools", reason="it needs Python 3.11")

from psd_tools import PSDImage
from psd_tools.constants import BlendMode

WIDTH, HEIGHT = 12, 8


def save(path: Path, *layers: tuple[str, NDArray[Any]], depth: int = 8, mode: str = "RGB", **more: Any) -> Path:
    """A file with those layers, the topmost last; more: of the topmost."""
    file = PSDImage.new(mode, (WIDTH, HEIGHT), depth=depth)
    for number, (name, pixels) in enumerate(layers):
        file.create_pixel_layer_from_array(pixels, name, **(more if number == len(layers) - 1 else {}))
    file.save(path)
    return path


PAPER = ("paper", flat(WIDTH, HEIGHT, 100, 100, 100))
HAT = ("hat", flat(4, 3, 200, 50, 0, 255))


def test_layers_are_read_with_their_place_and_opacity(tmp_path: Path) -> None:
    file = read_layered(save(tmp_path / "a.psd", PAPER, HAT, left=2, top=1, opacity=128))
    assert [layer.name for layer in file.layers()] == ["hat", "paper"]
    hat = file.subject()
    assert (hat.name, hat.left, hat.top) == ("hat", 2, 1)
    scene, mask = file.scene(hat, file.decoded(hat))
    assert scene.pixels[1, 2].tolist() == [150, 75, 50, 255]
    assert scene.pixels[0, 0].tolist() == [100, 100, 100, 255]
    assert mask[1, 2] == 128
    assert int((mask > 0).sum()) == 12


@pytest.mark.parametrize(
    "mode",
    [
        BlendMode.NORMAL,
        BlendMode.MULTIPLY,
        BlendMode.SCREEN,
        BlendMode.OVERLAY,
        BlendMode.DARKEN,
        BlendMode.LIGHTEN,
        BlendMode.COLOR_DODGE,
        BlendMode.COLOR_BURN,
        BlendMode.HARD_LIGHT,
        BlendMode.SOFT_LIGHT,
        BlendMode.DIFFERENCE,
    ],
)
def test_what_is_seen_is_what_psd_tools_composes(tmp_path: Path, mode: BlendMode) -> None:
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    layer = random.integers(0, 256, (5, 6, 4), dtype=np.uint8)
    path = save(tmp_path / "a.psd", ("noise", noise), ("layer", layer), left=3, top=2, opacity=200, blend_mode=mode)
    composed = PSDImage.open(path).composite(force=True)
    assert isinstance(composed, Image.Image)
    between = read_layered(path).merged().pixels[..., :3].astype(int) - np.asarray(composed.convert("RGB"))
    assert int(np.abs(between).max()) <= 1


def test_a_new_layer_stands_above_the_old_one_which_is_hidden(tmp_path: Path) -> None:
    source = save(tmp_path / "a.psd", PAPER, HAT, left=2, top=1, opacity=200)
    before = source.read_bytes()
    file = read_layered(source)
    paper = file.subject("paper")
    file.write(
        tmp_path / "b.psd", paper, "paper (harmonized)", file.decoded(paper).with_pixels(flat(12, 8, 9, 8, 7, 255))
    )
    written = PSDImage.open(tmp_path / "b.psd")
    assert [(layer.name, layer.visible) for layer in written] == [
        ("paper", False),
        ("paper (harmonized)", True),
        ("hat", True),
    ]
    again = read_layered(tmp_path / "b.psd")
    assert again.merged().pixels[7, 7].tolist() == [9, 8, 7, 255]
    preview = written.topil()
    assert preview is not None
    assert preview.convert("RGB").getpixel((7, 7)) == (9, 8, 7)
    assert source.read_bytes() == before


def test_a_layer_in_a_group_stays_there(tmp_path: Path) -> None:
    file = PSDImage.new("RGB", (WIDTH, HEIGHT))
    file.create_pixel_layer_from_array(PAPER[1], "paper")
    group = file.create_group([], "group", opacity=128, blend_mode=BlendMode.NORMAL)
    hat = file.create_pixel_layer_from_array(HAT[1], "hat", left=2, top=1)
    hat.move_to_group(group)
    file.save(tmp_path / "a.psd")
    document = read_layered(tmp_path / "a.psd")
    assert document.merged().pixels[1, 2].tolist() == [150, 75, 50, 255]
    subject = document.subject()
    document.write(tmp_path / "b.psd", subject, "new", document.decoded(subject))
    written = next(layer for layer in PSDImage.open(tmp_path / "b.psd") if layer.name == "group")
    assert [layer.name for layer in written] == ["hat", "new"]  # type: ignore[attr-defined]


def test_a_layer_mask_is_part_of_the_alpha(tmp_path: Path) -> None:
    file = PSDImage.new("RGB", (WIDTH, HEIGHT))
    layer = file.create_pixel_layer_from_array(PAPER[1], "paper")
    layer.create_mask(Image.fromarray(np.repeat(np.arange(0, 240, 20, dtype=np.uint8)[None], HEIGHT, axis=0)))
    file.save(tmp_path / "a.psd")
    document = read_layered(tmp_path / "a.psd")
    assert document.decoded(document.subject()).pixels[3, :, 3].tolist() == list(range(0, 240, 20))


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path) -> None:
    path = save(tmp_path / "a.psd", ("deep", flat(WIDTH, HEIGHT, 1000, 2000, 65535, 40000, dtype=np.uint16)), depth=16)
    file = read_layered(path)
    layer = file.subject()
    picture = file.decoded(layer)
    assert picture.pixels[4, 4].tolist() == [1000, 2000, 65535, 40000]
    file.write(tmp_path / "b.psd", layer, "new", picture)
    again = read_layered(tmp_path / "b.psd")
    assert again.decoded(again.subject()).pixels[4, 4].tolist() == [1000, 2000, 65535, 40000]


def test_grey_files_stay_grey(tmp_path: Path) -> None:
    file = read_layered(save(tmp_path / "a.psd", ("grey", flat(WIDTH, HEIGHT, 90)), mode="L"))
    layer = file.subject()
    picture = file.decoded(layer)
    assert picture.pixels[0, 0].tolist() == [90, 90, 90, 255]
    file.write(tmp_path / "b.psd", layer, "new", picture.with_pixels(flat(WIDTH, HEIGHT, 50, 50, 50, 255)))
    again = read_layered(tmp_path / "b.psd")
    assert again.merged().pixels[0, 0].tolist() == [50, 50, 50, 255]


def test_what_cannot_be_painted_is_named_where_it_matters(tmp_path: Path) -> None:
    path = save(tmp_path / "a.psd", PAPER, ("odd", HAT[1]), blend_mode=BlendMode.HUE)
    file = read_layered(path)
    paper = file.subject("paper")
    file.scene(paper, file.decoded(paper))  # what lies above does not matter
    with pytest.raises(UnsupportedPicture, match="'odd' is in the mode hue"):
        file.merged()
    with pytest.raises(UnsupportedPicture, match="is in the mode hue"):
        file.subject("odd")
    assert file.subject().name == "paper"


def test_clipped_layers_are_named(tmp_path: Path) -> None:
    file = PSDImage.new("RGB", (WIDTH, HEIGHT))
    file.create_pixel_layer_from_array(PAPER[1], "paper")
    file.create_pixel_layer_from_array(HAT[1], "shade").clipping = True
    file.save(tmp_path / "a.psd")
    with pytest.raises(UnsupportedPicture, match="'shade' is clipped"):
        read_layered(tmp_path / "a.psd").merged()


@pytest.mark.parametrize(("mode", "depth"), [("CMYK", 8), ("RGB", 32)])
def test_other_colors_are_refused(tmp_path: Path, mode: str, depth: int) -> None:
    path = tmp_path / "a.psd"
    PSDImage.new(mode, (4, 4), depth=depth).save(path)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedPicture, match=f"{mode} of {depth} bits"):
        read_layered(path)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.psd", PAPER, HAT).read_bytes()
    random = np.random.default_rng(4)
    for length in (0, 4, 26, 60, len(whole) // 2):
        (tmp_path / "b.psd").write_bytes(whole[:length])
        with pytest.raises(UnreadablePicture):
            _all_of(tmp_path / "b.psd")
    for _ in range(60):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            damaged[place] = random.integers(256)
        (tmp_path / "b.psd").write_bytes(damaged)
        try:
            _all_of(tmp_path / "b.psd")
        except PictureError:
            continue
    with pytest.raises(UnreadablePicture):
        read_layered(tmp_path / "missing.psd")


def _all_of(path: Path) -> None:
    file = read_layered(path)
    for layer in file.layers():
        file.decoded(layer)
    file.merged()
