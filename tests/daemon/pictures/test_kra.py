"""Krita's documents: their layers, what is seen, and another layer in them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from harmonize_daemon.pictures import PictureError, PictureTooLarge, UnreadablePicture, UnsupportedPicture
from harmonize_daemon.pictures.krita.document import Krita
from harmonize_daemon.pictures.markup import parsed

from .kra_files import DOCTYPE, Document, Node, entry, flat, save, tiles, without_utf8_flags

WIDTH, HEIGHT = 90, 70
PAPER = Node("paper", flat(WIDTH, HEIGHT, 100, 100, 100, 255))
HAT = Node("hat", flat(64, 64, 200, 50, 0, 255), 2, 1)
SIZE = Document(WIDTH, HEIGHT)
FOLDER = f"{SIZE.name}/layers/"


def opened(folder: Path, *nodes: Node, document: Document = SIZE) -> Krita:
    return Krita(save(folder / "a.kra", document, *nodes))


def mask(kind: str, pixels: np.ndarray | None = None, **attributes: str) -> Node:
    return Node("mask", flat(64, 64, 0) if pixels is None else pixels, kind=kind, attributes=attributes)


def with_attributes(node: Node, **attributes: str) -> Node:
    return Node(node.name, node.pixels, node.left, node.top, node.inside, node.masks, attributes=attributes)


def test_layers_are_read_topmost_first(tmp_path: Path) -> None:
    sketch = with_attributes(Node("sketch", flat(64, 64, 0, 0, 0, 255)), visible="0")
    file = opened(tmp_path, sketch, Node("group", inside=(HAT,)), PAPER)
    assert [layer.name for layer in file.layers()] == ["sketch", "hat", "paper"]
    assert file.subject().name == "hat"
    assert (file.subject().left, file.subject().top) == (2, 1)
    assert file.merged().pixels[1, 2].tolist() == [200, 50, 0, 255]
    assert file.merged().pixels[0, 0].tolist() == [100, 100, 100, 255]


def test_names_that_are_utf_8_without_saying_so_are_found(tmp_path: Path) -> None:
    path = without_utf8_flags(save(tmp_path / "a.kra", SIZE, HAT, PAPER))
    with zipfile.ZipFile(path) as archive:
        assert not any(name.startswith("Hüte") for name in archive.namelist())
    file = Krita(path)
    hat = file.subject()
    file.write(tmp_path / "b.kra", hat, "new", file.decoded(hat))
    with zipfile.ZipFile(tmp_path / "b.kra") as archive:
        assert FOLDER + "layer3" in archive.namelist()


@pytest.mark.parametrize("raw", [False, True])
def test_every_pixel_of_every_tile_has_its_place(tmp_path: Path, raw: bool) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (130, 200, 4), np.uint8)
    pixels[..., 1:] //= 64  # so that it can be compressed
    node = Node("noise", pixels, -70, -3, data=tiles(pixels, -64, 128, raw=raw))
    file = opened(tmp_path, node, PAPER)
    layer = file.subject()
    assert (layer.left, layer.top) == (-134, 125)
    assert np.array_equal(file.decoded(layer).pixels[:130, :200], pixels)


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path) -> None:
    deep = Node("deep", flat(64, 64, 1000, 2000, 65535, 65535, dtype=np.uint16))
    file = opened(tmp_path, deep, document=Document(WIDTH, HEIGHT, "RGBA16"))
    picture = file.decoded(file.subject())
    assert picture.pixels.dtype == np.uint16
    assert picture.pixels[0, 0].tolist() == [1000, 2000, 65535, 65535]
    assert picture.metadata.icc == b"the picture's"


@pytest.mark.parametrize(("dtype", "space"), [(np.uint8, "GRAYA"), (np.uint16, "GRAYAU16")])
def test_grey_is_read_as_rgb_and_written_as_grey(tmp_path: Path, dtype: type, space: str) -> None:
    file = opened(tmp_path, Node("grey", flat(64, 64, 40, 128, dtype=dtype)), document=Document(64, 64, space))
    layer = file.subject()
    picture = file.decoded(layer)
    assert picture.pixels[1, 1].tolist() == [40, 40, 40, 128]
    assert picture.metadata.icc is None
    file.write(tmp_path / "b.kra", layer, "new", picture.with_pixels(flat(64, 64, 250, 100, 20, 128, dtype=dtype)))
    changed = Krita(tmp_path / "b.kra")
    luma = round(250 * 0.2126 + 100 * 0.7152 + 20 * 0.0722)
    assert changed.decoded(changed.subject("new")).pixels[0, 0].tolist() == [luma, luma, luma, 128]


def test_a_layer_without_tiles_is_what_its_default_pixel_says(tmp_path: Path) -> None:
    nothing = tiles(np.zeros((0, 0, 4), np.uint8))
    blank = Node("blank", PAPER.pixels, data=nothing)
    white = Node("white", PAPER.pixels, data=nothing, default=b"\x10\x20\x30\xff")
    file = opened(tmp_path, blank, white)
    assert file.decoded(file.subject("blank")).pixels.tolist() == [[[0, 0, 0, 0]]]
    pixels = file.decoded(file.subject("white")).pixels
    assert pixels.shape == (HEIGHT, WIDTH, 4)
    assert pixels[-1, -1].tolist() == [0x30, 0x20, 0x10, 255]


def test_the_color_below_all_layers_is_seen(tmp_path: Path) -> None:
    file = opened(tmp_path, HAT, document=Document(WIDTH, HEIGHT, ground=b"\x10\x20\x30\xff"))
    assert file.merged().pixels[0, 0].tolist() == [0x30, 0x20, 0x10, 255]
    assert file.merged().pixels[1, 2].tolist() == [200, 50, 0, 255]


def test_transparency_masks_count_where_they_show(tmp_path: Path) -> None:
    half = flat(64, 64, 255)
    half[:, 32:] = 51
    shown = mask("transparencymask", half)
    off, selection = mask("transparencymask", visible="0"), mask("selectionmask")
    file = opened(tmp_path, Node("hat", HAT.pixels, 0, 0, masks=(shown, off, selection)), PAPER)
    pixels = file.decoded(file.subject()).pixels
    assert pixels[0, 0].tolist() == [200, 50, 0, 255]
    assert pixels[0, 40].tolist() == [200, 50, 0, 51]


def test_a_mask_covers_with_its_default_where_it_has_no_tiles(tmp_path: Path) -> None:
    for default, expected in ((b"\xff", 255), (b"\0", 0)):
        moved = Node("mask", flat(64, 64, 102), 10, 0, kind="transparencymask", default=default)
        file = opened(tmp_path, Node("hat", HAT.pixels, 2, 0, masks=(moved,)), PAPER)
        pixels = file.decoded(file.subject()).pixels
        assert pixels[0, 7, 3] == expected
        assert pixels[0, 8, 3] == 102


def test_a_mask_without_pixels_hides_all(tmp_path: Path) -> None:
    file = opened(tmp_path, Node("hat", HAT.pixels, masks=(Node("mask", kind="transparencymask"),)), PAPER)
    assert not file.decoded(file.subject()).pixels[..., 3].any()


def test_a_group_is_painted_as_one(tmp_path: Path) -> None:
    black = Node("back", flat(WIDTH, HEIGHT, 0, 0, 0, 255))
    group = Node("group", inside=(HAT, black), attributes={"opacity": "51"})
    pixels = opened(tmp_path, group, PAPER).merged().pixels
    assert pixels[2, 3].tolist() == [120, 90, 80, 255]
    assert pixels[69, 89].tolist() == [80, 80, 80, 255]


def test_masks_of_a_group_cover_all_that_is_in_it(tmp_path: Path) -> None:
    black = Node("back", flat(WIDTH, HEIGHT, 0, 0, 0, 255))
    group = Node("group", inside=(HAT, black), masks=(mask("transparencymask", flat(64, 64, 51)),))
    pixels = opened(tmp_path, group, PAPER).merged().pixels
    assert pixels[2, 3].tolist() == [120, 90, 80, 255]
    assert pixels[69, 89].tolist() == [100, 100, 100, 255]


def test_opacity_of_a_group_that_passes_through_is_that_of_its_layers(tmp_path: Path) -> None:
    white = Node("white", flat(WIDTH, HEIGHT, 250, 250, 250, 255))
    group = Node("group", inside=(HAT, white), attributes={"opacity": "51", "passthrough": "1"})
    pixels = opened(tmp_path, group, PAPER).merged().pixels
    assert pixels[69, 89].tolist() == [130, 130, 130, 255]
    assert pixels[2, 3].tolist() == [144, 114, 104, 255]


@pytest.mark.parametrize(("mode", "expected"), [("multiply", 78), ("soft_light_svg", 134), ("diff", 100)])
def test_layers_are_blended_in_their_mode(tmp_path: Path, mode: str, expected: int) -> None:
    light = Node("light", flat(WIDTH, HEIGHT, 200, 200, 200, 255), attributes={"compositeop": mode})
    assert opened(tmp_path, light, PAPER).merged().pixels[3, 3, 0] == pytest.approx(expected, abs=2)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Node("odd", kind="adjustmentlayer"), "is a filter layer"),
        (Node("odd", kind="clonelayer"), "is a clone of another layer"),
        (Node("odd", kind="filelayer"), "is another file"),
        (Node("odd", kind="generatorlayer"), "is a fill layer"),
        (Node("odd", kind="shapelayer"), "is a vector layer"),
        (Node("odd", kind="dreamlayer"), "is of an unknown kind"),
        (Node("odd", HAT.pixels, masks=(mask("filtermask"),)), "has a filter mask"),
        (Node("odd", HAT.pixels, masks=(mask("transformmask"),)), "has a transform mask"),
        (Node("odd", HAT.pixels, masks=(mask("colorizemask"),)), "has a colorize mask"),
        (Node("odd", HAT.pixels, masks=(mask("transparencymask", keyframes="a.xml"),)), "has an animated mask"),
        (
            Node("odd", inside=(HAT,), masks=(mask("transparencymask"),), attributes={"passthrough": "1"}),
            "passes through and has a transparency mask",
        ),
        (with_attributes(Node("odd", HAT.pixels), keyframes="layer2.keyframes.xml"), "is animated"),
        (with_attributes(Node("odd", HAT.pixels), channelflags="1110"), "inherits the alpha"),
        (with_attributes(Node("odd", HAT.pixels), channelflags="0111"), "has channels turned off"),
        (with_attributes(Node("odd", HAT.pixels), compositeop="soft_light"), "is in the mode soft_light"),
        (with_attributes(Node("odd", HAT.pixels), colorspacename="RGBAF32"), "has other colors than the picture"),
        (Node("odd", flat(64, 64, 9, 255)), "has other colors than the picture"),
        (Node("odd", HAT.pixels, profile=b"another"), "has a color profile of its own"),
    ],
)
def test_what_cannot_be_painted_is_named(tmp_path: Path, node: Node, words: str) -> None:
    file = opened(tmp_path, HAT, node, PAPER)
    hat = file.subject("hat")
    with pytest.raises(UnsupportedPicture, match=f"'odd' {words}"):
        file.scene(hat, file.decoded(hat))
    hidden = Node("odd", node.pixels, inside=node.inside, kind=node.kind, attributes={"visible": "0"})
    file = opened(tmp_path, HAT, hidden, PAPER)
    hat = file.subject("hat")
    assert file.scene(hat, file.decoded(hat))[0].pixels[0, 0].tolist() == [100, 100, 100, 255]


def test_a_new_layer_stands_above_the_old_one_which_is_hidden(tmp_path: Path) -> None:
    covering = mask("transparencymask", flat(64, 64, 51))
    hat = Node("hat", HAT.pixels, 2, 1, masks=(covering,), attributes={"opacity": "204", "selected": "true"})
    source = save(tmp_path / "a.kra", SIZE, Node("group", inside=(hat,)), PAPER)
    before = source.read_bytes()
    file = Krita(source)
    layer = file.subject("hat")
    file.write(tmp_path / "b.kra", layer, "hat <new>", file.decoded(layer).with_pixels(flat(64, 64, 10, 20, 30, 51)))
    assert source.read_bytes() == before

    text = entry(tmp_path / "b.kra", "maindoc.xml")
    assert DOCTYPE.encode() in text
    group, new, old, paper = parsed(text, "b").iter("layer")
    assert [node.get("name") for node in (group, new, old, paper)] == ["group", "hat <new>", "hat", "paper"]
    assert [node.get("visible") for node in (group, new, old, paper)] == ["1", "1", "0", "1"]
    assert (new.get("x"), new.get("y"), new.get("opacity"), new.get("selected")) == ("2", "1", "204", "true")
    assert len(new) == 0
    assert len(old) == 1
    assert len({node.get("uuid") for node in (group, new, old, paper)}) == 4
    assert len({node.get("filename") for node in (group, new, old, paper)}) == 4
    changed = Krita(tmp_path / "b.kra")
    assert [layer.name for layer in changed.layers()] == ["hat <new>", "hat", "paper"]
    assert changed.decoded(changed.subject()).pixels[0, 0].tolist() == [10, 20, 30, 51]
    assert changed.decoded(changed.subject("hat")).pixels[0, 0].tolist() == [200, 50, 0, 51]
    assert entry(tmp_path / "b.kra", f"{FOLDER}{new.get('filename')}.icc") == b"the picture's"


def test_all_else_stays_and_the_previews_show_the_new_layer(tmp_path: Path) -> None:
    file = opened(tmp_path, HAT, PAPER)
    hat = file.subject()
    file.write(tmp_path / "b.kra", hat, "new", file.decoded(hat).with_pixels(flat(64, 64, 10, 20, 30, 255)))
    with zipfile.ZipFile(tmp_path / "a.kra") as old, zipfile.ZipFile(tmp_path / "b.kra") as new:
        kept = set(old.namelist()) - {"maindoc.xml", "mergedimage.png", "preview.png"}
        assert {name: new.read(name) for name in kept} == {name: old.read(name) for name in kept}
        assert (new.infolist()[0].filename, new.infolist()[0].compress_type) == ("mimetype", zipfile.ZIP_STORED)
        for name in ("mergedimage.png", "preview.png"):
            assert imagecodecs.png_decode(new.read(name))[2, 3].tolist() == [10, 20, 30, 255]


def test_old_previews_do_not_stay_where_no_new_ones_can_be_made(tmp_path: Path) -> None:
    file = opened(tmp_path, Node("fog", kind="adjustmentlayer"), HAT, PAPER)
    hat = file.subject()
    file.write(tmp_path / "b.kra", hat, "new", file.decoded(hat))
    with zipfile.ZipFile(tmp_path / "b.kra") as archive:
        assert not {"mergedimage.png", "preview.png"} & set(archive.namelist())
    assert [layer.name for layer in Krita(tmp_path / "b.kra").layers()] == ["fog", "new", "hat", "paper"]


def test_a_file_may_be_written_over_itself(tmp_path: Path) -> None:
    source = save(tmp_path / "a.kra", SIZE, HAT, PAPER)
    for count in (3, 4):
        file = Krita(source)
        file.write(source, file.subject(), "new", file.decoded(file.subject()))
        assert len(Krita(source).layers()) == count


@pytest.mark.parametrize("space", ["CMYK", "RGBAF16", "RGBAF32", "LABA", ""])
def test_other_colors_are_refused(tmp_path: Path, space: str) -> None:
    with pytest.raises(UnsupportedPicture, match=f"holds {space or 'no colors'}"):
        opened(tmp_path, document=Document(WIDTH, HEIGHT, space))


def image(content: str, **facts: str) -> str:
    given = {"width": "4", "height": "3", "colorspacename": "RGBA", "name": SIZE.name} | facts
    attributes = " ".join(f'{key}="{value}"' for key, value in given.items()).replace("& <Töpfe>", "&amp; &lt;Töpfe>")
    return f"<DOC><IMAGE {attributes}>{content}</IMAGE></DOC>"


LAYER = '<layer name="a" filename="layer2" nodetype="paintlayer"/>'
DEEP = "<layers><layer nodetype='grouplayer' filename='%d'>"
ENTITY = "<!DOCTYPE DOC [<!ENTITY a 'b'>]>"


@pytest.mark.parametrize(
    ("tree", "error"),
    [
        ("<DOC", UnreadablePicture),
        ("<DOC/>", UnreadablePicture),
        (image("", width="x"), UnreadablePicture),
        (image("", width="99999", height="99999"), PictureTooLarge),
        (image("", width="-1", height="-1"), PictureTooLarge),
        (image(f"<layers>{LAYER}{LAYER}</layers>"), UnreadablePicture),
        (image(f"<layers>{LAYER.replace('layer2', '../../etc/passwd')}</layers>"), UnreadablePicture),
        (image("".join(DEEP % n for n in range(140)) + 140 * "</layer></layers>"), UnsupportedPicture),
        (image(20_000 * "<a>" + 20_000 * "</a>"), UnsupportedPicture),
        (ENTITY + image(""), UnsupportedPicture),
        (('<?xml version="1.0" encoding="UTF-16"?>' + ENTITY + image("")).encode("utf-16"), UnsupportedPicture),
    ],
)
def test_fault_31_hostile_lists_of_layers_are_refused(
    tmp_path: Path, tree: str | bytes, error: type[PictureError]
) -> None:
    with pytest.raises(error):
        Krita(save(tmp_path / "a.kra", SIZE, tree=tree))


HEAD = b"VERSION 2\nTILEWIDTH 64\nTILEHEIGHT 64\nPIXELSIZE 4\n"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UnreadablePicture),
        (b"VERSION 1\n", UnreadablePicture),
        (HEAD.replace(b"4\n", b"8\n") + b"DATA 0\n", UnreadablePicture),
        (HEAD + b"DATA 1\n", UnreadablePicture),
        (HEAD + b"DATA many\n", UnreadablePicture),
        (HEAD + b"DATA 99999999\n", PictureTooLarge),
        (HEAD + b"DATA 1\n0,0,LZF,999999999\n", UnreadablePicture),
        (HEAD + b"DATA 1\n0,0,LZF,0\n", UnreadablePicture),
        (HEAD + b"DATA 1\n0,0,ZIP,2\n\0\0", UnreadablePicture),
        (HEAD + b"DATA 1\n0,1,LZF,2\n\0\0", UnreadablePicture),
        (HEAD + b"DATA 1\n0,64000000000,LZF,2\n\0\0", UnreadablePicture),
        (HEAD + b"DATA 2\n0,0,LZF,1\n\x01640000,640000,LZF,1\n\x01", PictureTooLarge),
        (HEAD + b"DATA 1\n" + 100 * b"0", UnreadablePicture),
        (HEAD + b"DATA 1\n0,0,LZF,3\n\0\0\0", UnreadablePicture),
        (HEAD + b"DATA 1\n0,0,LZF,3\n\1\xff\xff", UnreadablePicture),
        (HEAD + b"DATA 1\n0,0,LZF,3\n\1\0\0", UnreadablePicture),
    ],
)
def test_fault_31_damaged_pixels_are_refused(tmp_path: Path, data: bytes, error: type[PictureError]) -> None:
    with pytest.raises(error):
        opened(tmp_path, Node("bad", HAT.pixels, data=data), PAPER).merged()


@pytest.mark.parametrize("damage", range(12))
def test_fault_31_damage_anywhere_is_an_error_in_words(tmp_path: Path, damage: int) -> None:
    """A truncated archive, and bytes that are other ones."""
    random = np.random.default_rng(damage)
    pixels = random.integers(0, 256, (64, 64, 4), np.uint8)
    data = bytearray(save(tmp_path / "a.kra", SIZE, Node("noise", pixels), PAPER).read_bytes())
    for place in random.integers(0, len(data), 40):
        data[place] = random.integers(0, 256)
    (tmp_path / "b.kra").write_bytes(data[: len(data) // 2] if damage == 0 else data)
    try:
        file = Krita(tmp_path / "b.kra")
        layer = file.subject()
        file.write(tmp_path / "c.kra", layer, "new", file.decoded(layer))
    except PictureError:
        assert not (tmp_path / "c.kra").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing", b"\x89PNG\r\n\x1a\n"])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.kra").write_bytes(data)
    for name in ("a.kra", "missing.kra"):
        with pytest.raises(UnreadablePicture):
            Krita(tmp_path / name)


def test_wild_numbers_do_no_harm(tmp_path: Path) -> None:
    wild = Node("wild", HAT.pixels, attributes={"x": "nan", "y": "1e300", "opacity": "lots"})
    assert opened(tmp_path, wild, PAPER).merged().pixels[0, 0].tolist() == [200, 50, 0, 255]
    loud = Node("loud", HAT.pixels, attributes={"opacity": "70000"})
    assert opened(tmp_path, loud, PAPER).merged().pixels[0, 0].tolist() == [200, 50, 0, 255]
