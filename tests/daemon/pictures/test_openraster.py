"""OpenRaster files: their layers, what is seen, and another layer in them."""

from __future__ import annotations

import tracemalloc
import zipfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from harmonize_daemon import pictures
from harmonize_daemon.pictures import (
    NothingAbove,
    Picture,
    PictureError,
    PictureTooLarge,
    UnreadablePicture,
    UnsupportedPicture,
)
from harmonize_daemon.pictures.openraster import OpenRaster

from .layered_files import Node, entry, flat, picture_in, save, stack_of

WIDTH, HEIGHT = 12, 8
GREY = Node("paper", flat(WIDTH, HEIGHT, 100, 100, 100))
HAT = Node("hat", flat(4, 3, 200, 50, 0, 255), 2, 1)
HIDDEN = {"visibility": "hidden"}


def test_the_topmost_visible_layer_is_the_subject(tmp_path: Path) -> None:
    above = Node("sketch", flat(2, 2, 0, 0, 0), attributes=HIDDEN)
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, above, HAT, GREY))
    assert [layer.name for layer in file.layers()] == ["sketch", "hat", "paper"]
    assert file.subject().name == "hat"
    assert file.subject("paper").name == "paper"
    with pytest.raises(UnsupportedPicture, match="no layer 'shoe'") as caught:
        file.subject("shoe")
    assert "'hat'" in caught.value.hint


def test_what_a_hidden_group_holds_is_not_visible(tmp_path: Path) -> None:
    group = Node("group", inside=(HAT,), attributes=HIDDEN)
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, group, GREY))
    assert file.subject().name == "paper"


def test_the_scene_is_the_layer_over_what_is_below_it(tmp_path: Path) -> None:
    veil = Node("veil", flat(WIDTH, HEIGHT, 255, 255, 255))
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, veil, HAT, GREY))
    hat = file.subject("hat")
    scene, mask = file.scene(hat, file.decoded(hat))
    assert scene.pixels[2, 3].tolist() == [200, 50, 0, 255]
    assert scene.pixels[5, 9].tolist() == [100, 100, 100, 255]
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[1:4, 2:6] = 255
    assert np.array_equal(mask, expected)


def test_with_the_roles_reversed_the_scene_is_all_that_is_seen(tmp_path: Path) -> None:
    veil = Node("veil", flat(2, HEIGHT, 255, 255, 255), 8, 0, attributes={"opacity": "0.5"})
    group = Node("group", inside=(veil, HAT))
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, group, GREY))
    paper = file.subject("paper")
    scene, mask = file.scene_below_others(paper, file.decoded(paper))
    assert scene.pixels[2, 3].tolist() == [200, 50, 0, 255]
    assert scene.pixels[5, 9].tolist() == [178, 178, 178, 255]
    expected = np.full((HEIGHT, WIDTH), 255, np.uint8)
    expected[1:4, 2:6] = 0
    expected[:, 8:10] = 127
    assert np.array_equal(mask, expected)
    hat = file.subject("hat")
    _, mask = file.scene_below_others(hat, file.decoded(hat))
    assert int((mask > 0).sum()) == 12
    with pytest.raises(NothingAbove, match="'veil'"):
        file.scene_below_others(file.subject("veil"), file.decoded(file.subject("veil")))


def test_a_hidden_group_is_shown_with_the_layer_in_it_that_is_to_fit_what_lies_above(tmp_path: Path) -> None:
    group = Node("group", inside=(HAT, GREY), attributes=HIDDEN)
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, group))
    paper = file.subject("paper")
    scene, mask = file.scene_below_others(paper, file.decoded(paper))
    assert scene.pixels[2, 3].tolist() == [200, 50, 0, 255]
    assert int((mask == 0).sum()) == 12


def test_opacity_and_what_lies_outside_count(tmp_path: Path) -> None:
    half = Node("hat", flat(4, 3, 200, 0, 0, 255), -2, -1, attributes={"opacity": "0.5"})
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, half, GREY))
    hat = file.subject()
    scene, mask = file.scene(hat, file.decoded(hat))
    assert scene.pixels[0, 0].tolist() == [150, 50, 50, 255]
    assert int((mask > 0).sum()) == 4
    assert mask[0, 0] == 128


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("svg:multiply", 100 * 200 / 255),
        ("svg:screen", 255 - 155 * 55 / 255),
        ("svg:darken", 100),
        ("svg:lighten", 200),
        ("svg:difference", 100),
        ("svg:overlay", 2 * 100 * 200 / 255),
        ("svg:hard-light", 255 - 2 * 155 * 55 / 255),
        ("svg:color-dodge", 255),
        ("svg:color-burn", 255 - 155 / 200 * 255),
    ],
)
def test_layers_are_blended_in_their_mode(tmp_path: Path, mode: str, expected: float) -> None:
    light = Node("light", flat(WIDTH, HEIGHT, 200, 200, 200), attributes={"composite-op": mode})
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, light, GREY))
    assert file.merged().pixels[3, 3, 0] == pytest.approx(expected, abs=1)


def test_a_group_is_painted_as_one(tmp_path: Path) -> None:
    group = Node("group", inside=(HAT, Node("back", flat(WIDTH, HEIGHT, 0, 0, 0))), attributes={"opacity": "0.5"})
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, group, GREY))
    pixels = file.merged().pixels
    assert pixels[2, 3].tolist() == [150, 75, 50, 255]
    assert pixels[6, 6].tolist() == [50, 50, 50, 255]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"isolation": "auto"}, 100),
        ({"isolation": "auto", "composite-op": "svg:src-over", "opacity": "1.0"}, 100),
        ({"isolation": "isolate"}, 128),
        ({}, 128),
        ({"isolation": "auto", "opacity": "0.5"}, 164),
        ({"isolation": "auto", "composite-op": "svg:screen"}, 228),
    ],
)
def test_a_group_passes_through_where_it_is_not_isolated(
    tmp_path: Path, attributes: dict[str, str], expected: int
) -> None:
    shade = Node("shade", flat(WIDTH, HEIGHT, 128, 128, 128), attributes={"composite-op": "svg:multiply"})
    paper = Node("paper", flat(WIDTH, HEIGHT, 200, 200, 200))
    group = Node("group", inside=(shade,), attributes=attributes)
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, group, paper))
    assert file.merged().pixels[0, 0].tolist() == [expected, expected, expected, 255]


def test_a_new_layer_stands_above_the_old_one_which_is_hidden(tmp_path: Path) -> None:
    group = Node("group", inside=(HAT,))
    source = save(tmp_path / "a.ora", WIDTH, HEIGHT, group, GREY)
    before = source.read_bytes()
    file = OpenRaster(source)
    hat = file.subject("hat")
    changed = file.decoded(hat).with_pixels(flat(4, 3, 10, 20, 30, 255))
    file.write(tmp_path / "b.ora", hat, "hat (harmonized)", changed)
    rows = stack_of(tmp_path / "b.ora")
    assert [row["name"] for row in rows] == ["group", "hat (harmonized)", "hat", "paper"]
    assert [row.get("visibility", "visible") for row in rows] == ["visible", "visible", "hidden", "visible"]
    assert (rows[1]["x"], rows[1]["y"]) == ("2", "1")
    assert picture_in(tmp_path / "b.ora", rows[1]["src"])[0, 0].tolist() == [10, 20, 30, 255]
    assert picture_in(tmp_path / "b.ora", "mergedimage.png")[2, 3].tolist() == [10, 20, 30, 255]
    assert entry(tmp_path / "b.ora", "extra/note.txt") == b"kept"
    with zipfile.ZipFile(tmp_path / "b.ora") as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert source.read_bytes() == before
    assert [layer.name for layer in OpenRaster(tmp_path / "b.ora").layers()] == ["hat (harmonized)", "hat", "paper"]


@pytest.mark.parametrize("old", [b"old", None])
def test_old_previews_stay_where_no_new_ones_can_be_made(tmp_path: Path, old: bytes | None) -> None:
    glow = Node("glow", flat(WIDTH, HEIGHT, 9, 9, 9), attributes={"composite-op": "svg:plus"})
    names = "mergedimage.png", "Thumbnails/thumbnail.png"
    source = save(tmp_path / "a.ora", WIDTH, HEIGHT, glow, HAT, GREY)
    if old is not None:
        with zipfile.ZipFile(source, "a") as archive:
            for name in names:
                archive.writestr(name, old)
    file = OpenRaster(source)
    hat = file.subject()
    file.write(tmp_path / "b.ora", hat, "new", file.decoded(hat).with_pixels(flat(4, 3, 10, 20, 30, 255)))
    assert [layer.name for layer in OpenRaster(tmp_path / "b.ora").layers()] == ["glow", "new", "hat", "paper"]
    for name in names:
        if old is not None:
            assert entry(tmp_path / "b.ora", name) == old
        else:
            assert picture_in(tmp_path / "b.ora", name)[2, 3].tolist() == [10, 20, 30, 255]


def test_a_file_may_be_written_over_itself(tmp_path: Path) -> None:
    source = save(tmp_path / "a.ora", WIDTH, HEIGHT, HAT, GREY)
    for count in (3, 4):
        file = OpenRaster(source)
        hat = file.subject()
        file.write(source, hat, "new", file.decoded(hat))
        assert len(OpenRaster(source).layers()) == count


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path) -> None:
    deep = Node("deep", flat(4, 4, 1000, 2000, 65535, dtype=np.uint16))
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, deep, GREY))
    layer = file.subject()
    picture = file.decoded(layer)
    assert picture.pixels[0, 0].tolist() == [1000, 2000, 65535, 65535]
    scene, _ = file.scene(layer, picture)
    assert scene.pixels[0, 0].tolist() == [1000, 2000, 65535, 65535]
    assert scene.pixels[7, 7].tolist() == [25700, 25700, 25700, 65535]


def test_grey_layers_are_read(tmp_path: Path) -> None:
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, Node("g", flat(2, 2, 40, 128))))
    assert file.decoded(file.subject()).pixels[1, 1].tolist() == [40, 40, 40, 128]


@pytest.mark.parametrize(
    ("stack", "error"),
    [
        (b"<image", UnreadablePicture),
        (b"<image w='x' h='3'><stack/></image>", UnreadablePicture),
        (b"<image w='99999' h='99999'><stack/></image>", PictureTooLarge),
        (b"<image w='0' h='3'><stack/></image>", PictureTooLarge),
        (b"<image w='4' h='3'>" + 20_000 * b"<stack>" + 20_000 * b"</stack>" + b"</image>", UnsupportedPicture),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><image w='4' h='3'><stack/></image>", UnsupportedPicture),
    ],
)
def test_fault_31_hostile_lists_of_layers_are_refused(tmp_path: Path, stack: bytes, error: type[PictureError]) -> None:
    with pytest.raises(error):
        OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, stack=stack))


@pytest.mark.parametrize(
    "layer",
    [
        b"<layer name='a' src='data/none.png'/>",
        b"<layer name='a' src='../../etc/passwd'/>",
        b"<layer name='a' src='extra/note.txt'/>",
        b"<layer name='a'/>",
    ],
)
def test_fault_31_layers_without_a_picture_are_refused(tmp_path: Path, layer: bytes) -> None:
    stack = b"<image w='4' h='3'><stack>" + layer + b"</stack></image>"
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, stack=stack))
    with pytest.raises(UnreadablePicture):
        file.decoded(file.subject())


@pytest.mark.parametrize(
    "head", [b"", pictures.encode(".png", Picture(np.full((1, 1, 3), 9, np.uint8)))], ids=["nothing", "a pixel"]
)
def test_fault_31_a_layer_is_unpacked_no_further_than_its_picture_can_reach(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "a.ora"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("stack.xml", b"<image w='4' h='3'><stack><layer src='data/a.png'/></stack></image>")
        archive.writestr("data/a.png", head + bytes(300 << 20))
    file = OpenRaster(path)
    tracemalloc.start()
    try:
        with nullcontext() if head else pytest.raises(UnreadablePicture, match="no PNG picture"):
            assert file.decoded(file.subject()).pixels.tolist() == [[[9, 9, 9, 255]]]
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


def test_a_mode_that_is_not_known_is_named(tmp_path: Path) -> None:
    odd = Node("odd", flat(2, 2, 1, 1, 1), attributes={"composite-op": "svg:luminosity"})
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, HAT, odd))
    hat = file.subject()
    with pytest.raises(UnsupportedPicture, match="svg:luminosity"):
        file.scene(hat, file.decoded(hat))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing", b"\x89PNG\r\n\x1a\n"])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.ora"
    path.write_bytes(data)
    with pytest.raises(UnreadablePicture):
        OpenRaster(path)
    with pytest.raises(UnreadablePicture):
        OpenRaster(tmp_path / "missing.ora")


def test_wild_numbers_do_no_harm(tmp_path: Path) -> None:
    wild = Node("wild", flat(2, 2, 9, 9, 9), attributes={"x": "nan", "y": "1e300", "opacity": "lots"})
    file = OpenRaster(save(tmp_path / "a.ora", WIDTH, HEIGHT, wild, GREY))
    assert file.merged().pixels[0, 0].tolist() == [9, 9, 9, 255]
    loud = Node("loud", flat(2, 2, 9, 9, 9), attributes={"opacity": "7"})
    assert OpenRaster(save(tmp_path / "b.ora", WIDTH, HEIGHT, loud, GREY)).merged().pixels[0, 0].tolist() == [
        9,
        9,
        9,
        255,
    ]
