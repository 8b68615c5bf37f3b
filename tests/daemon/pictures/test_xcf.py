"""GIMP's own documents: their layers, what is seen, and another layer in them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from harmonize_daemon.pictures import (
    Layer,
    LayeredPicture,
    PictureError,
    PictureTooLarge,
    UnreadablePicture,
    UnsupportedPicture,
    read_layered,
)
from harmonize_daemon.pictures.layered import Group
from harmonize_daemon.pictures.layered import Node as Read
from harmonize_daemon.pictures.xcf.parsing import parse

from . import xcf_files as xcf
from .layered_files import flat
from .xcf_files import Format, Node, hidden, save, words

WIDTH, HEIGHT = 12, 8
GREY = Node("paper", flat(WIDTH, HEIGHT, 100, 100, 100))
HAT = Node("hat", flat(4, 3, 200, 50, 0, 255), 2, 1)
FORMATS = [
    Format(version, compression)
    for version in (0, 3, 11, 12, 22, 23, 25)
    for compression in (xcf.NONE, xcf.RUNS, xcf.ZLIB)
]
ids = [f"v{form.version}-{form.compression}" for form in FORMATS]


def noise(width: int, height: int, channels: int, dtype: type = np.uint8) -> xcf.Pixels:
    """Random, with areas of one color."""
    pixels = np.random.default_rng(width).integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype)
    pixels[: height // 3] = pixels[0, 0]
    return pixels


@pytest.mark.parametrize("form", FORMATS, ids=ids)
def test_layers_are_read_with_their_place_and_opacity(tmp_path: Path, form: Format) -> None:
    hat = Node("hat", HAT.pixels, 2, 1, properties={xcf.OPACITY: words(128)})
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, hat, GREY, form=form))
    assert [layer.name for layer in file.layers()] == ["hat", "paper"]
    layer = file.subject()
    assert (layer.left, layer.top) == (2, 1)
    scene, mask = file.scene(layer, file.decoded(layer))
    assert scene.pixels[1, 2].tolist() == [150, 75, 50, 255]
    assert scene.pixels[0, 0].tolist() == [100, 100, 100, 255]
    assert int((mask > 0).sum()) == 12


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("form", FORMATS[6:], ids=ids[6:])
def test_all_tiles_are_read_and_written(tmp_path: Path, form: Format, channels: int, dtype: type) -> None:
    form = Format(form.version, form.compression, 150 if dtype is np.uint8 else 250)
    pixels = noise(150, 90, channels, dtype)
    file = read_layered(save(tmp_path / "a.xcf", 150, 90, Node("n", pixels), form=form))
    layer = file.subject()
    read = file.decoded(layer).pixels
    assert read.dtype == dtype
    assert np.array_equal(read[..., :3], pixels[..., :3] if channels > 2 else np.repeat(pixels[..., :1], 3, 2))
    assert np.array_equal(
        read[..., 3], pixels[..., -1] if channels in (2, 4) else np.full((90, 150), np.iinfo(dtype).max)
    )
    changed = read[::-1].copy()
    file.write(tmp_path / "b.xcf", layer, "new", file.decoded(layer).with_pixels(changed))
    again = read_layered(tmp_path / "b.xcf")
    assert np.array_equal(again.decoded(again.subject("new")).pixels, changed)
    assert np.array_equal(again.decoded(again.subject("n")).pixels, read)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_documents_get_the_luma_of_colors(tmp_path: Path, dtype: type) -> None:
    form = Format(12, precision=150 if dtype is np.uint8 else 250)
    grey = Node("grey", flat(WIDTH, HEIGHT, 90, 128, dtype=dtype))
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, grey, form=form))
    layer = file.subject()
    color = flat(WIDTH, HEIGHT, 140, 100, 60, 128, dtype=dtype)
    file.write(tmp_path / "b.xcf", layer, "new", file.decoded(layer).with_pixels(color))
    again = read_layered(tmp_path / "b.xcf")
    assert again.decoded(again.subject("new")).pixels[0, 0].tolist() == [106, 106, 106, 128]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0, 200),
        (28, 200),
        (3, 100 * 200 / 255),
        (4, 255 - 155 * 55 / 255),
        (31, 255 - 155 * 55 / 255),
        (9, 100),
        (35, 100),
        (10, 200),
        (36, 200),
        (6, 100),
        (32, 100),
        (23, 2 * 100 * 200 / 255),
        (18, 255 - 2 * 155 * 55 / 255),
        (44, 255 - 2 * 155 * 55 / 255),
        (16, 255),
        (17, 255 - 155 / 200 * 255),
    ],
)
def test_layers_are_blended_in_their_mode(tmp_path: Path, mode: int, expected: float) -> None:
    light = Node("light", flat(WIDTH, HEIGHT, 200, 200, 200), properties={xcf.MODE: words(mode)})
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, light, GREY))
    assert file.merged().pixels[3, 3, 0] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(("space", "expected"), [(-1, 77), (-2, 78), (4, 78)])
def test_gimp_multiplies_linear_light(tmp_path: Path, space: int, expected: int) -> None:
    facts = {xcf.MODE: words(30), xcf.BLEND_SPACE: words(space)}
    light = Node("light", flat(WIDTH, HEIGHT, 200, 200, 200), properties=facts)
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, light, GREY))
    assert file.merged().pixels[3, 3, 0] == expected


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({xcf.MODE: words(45)}, "is in the mode soft light"),
        ({xcf.MODE: words(19)}, "is in the mode soft light"),
        ({xcf.MODE: words(1)}, "is in the mode dissolve"),
        ({xcf.MODE: words(42)}, "is in the mode dodge"),
        ({xcf.MODE: words(700)}, "is in the mode 700"),
        ({xcf.MODE: words(31), xcf.BLEND_SPACE: words(1)}, "is blended in another color space"),
        ({xcf.COMPOSITE_MODE: words(3)}, "cuts out what lies below it"),
    ],
)
def test_what_cannot_be_painted_is_named_where_it_matters(
    tmp_path: Path, facts: dict[int, bytes], problem: str
) -> None:
    odd = Node("odd", HAT.pixels, properties=facts)
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, odd, GREY))
    assert file.subject().name == "paper"
    paper = file.subject("paper")
    file.scene(paper, file.decoded(paper))  # what lies above does not matter
    with pytest.raises(UnsupportedPicture, match=f"'odd' {problem}"):
        file.merged()
    with pytest.raises(UnsupportedPicture, match=problem):
        file.subject("odd")


SHADE = Node("shade", flat(WIDTH, HEIGHT, 200, 200, 200, 255), properties={xcf.MODE: words(3)})
SOFT = Node("soft", flat(WIDTH, HEIGHT, 200, 200, 200, 255), properties={xcf.MODE: words(45)})


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ((SHADE,), 200),
        ((SOFT,), 200),
        ((SHADE, GREY), 78),
        ((SHADE, hidden(GREY)), 200),
        ((Node("group", inside=(SHADE,)), GREY), 200),
        ((Node("group", inside=(SHADE, SHADE)), GREY), 157),
        ((Node("group", inside=(SHADE,), properties={xcf.MODE: words(xcf.PASS_THROUGH)}), GREY), 78),
        ((Node("group", inside=(SHADE,), properties={xcf.MODE: words(xcf.PASS_THROUGH)}),), 200),
    ],
)
def test_the_lowest_is_normal_as_there_is_nothing_to_blend_it_with(
    tmp_path: Path, nodes: tuple[Node, ...], expected: int
) -> None:
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, *nodes))
    assert file.merged().pixels[0, 0].tolist() == [expected, expected, expected, 255]


def test_pixels_of_groups_may_have_any_size(tmp_path: Path) -> None:
    """GIMP 3.2.6 writes some that are not as large as the group; nobody reads them."""
    path = save(tmp_path / "a.xcf", WIDTH, HEIGHT, Node("group", inside=(HAT,)), GREY)
    data = bytearray(path.read_bytes())
    at = data.index(words(WIDTH, HEIGHT, 1))
    data[at : at + 8] = words(3, 2)
    path.write_bytes(data)
    file = read_layered(path)
    assert tree(harmonized(file, file.subject(), tmp_path / "b.xcf").nodes) == [["group", "new", "(hat)"], "paper"]


def test_most_modes_show_nothing_where_nothing_is_below(tmp_path: Path) -> None:
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, SHADE, HAT))
    pixels = file.merged().pixels
    assert pixels[7, 11].tolist() == [0, 0, 0, 0]
    assert pixels[2, 3].tolist() == [157, 39, 0, 255]


def test_filters_count_while_they_are_visible(tmp_path: Path) -> None:
    for form in (Format(20), Format(22)):
        nodes = Node("off", HAT.pixels, filters=(False, False)), Node("on", HAT.pixels, filters=(False, True)), GREY
        off, on, _ = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, *nodes, form=form)).layers()
        assert off.problem == ""
        assert on.problem == "has filters that are not merged into it"


def test_a_group_is_painted_as_one(tmp_path: Path) -> None:
    black = Node("back", flat(WIDTH, HEIGHT, 0, 0, 0))
    group = Node("group", inside=(HAT, black), properties={xcf.OPACITY: words(128)})
    pixels = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, group, GREY)).merged().pixels
    assert pixels[2, 3].tolist() == [150, 75, 50, 255]
    assert pixels[6, 6].tolist() == [50, 50, 50, 255]


def test_groups_may_pass_through(tmp_path: Path) -> None:
    shade = Node("shade", flat(WIDTH, HEIGHT, 200, 200, 200, 255), properties={xcf.MODE: words(3)})
    through = {xcf.MODE: words(xcf.PASS_THROUGH)}
    group = Node("group", inside=(shade,), properties=through)
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, group, GREY))
    assert file.merged().pixels[0, 0].tolist() == [78, 78, 78, 255]
    faint = Node("group", inside=(shade,), properties={**through, xcf.OPACITY: words(100)})
    with pytest.raises(UnsupportedPicture, match="passes through and is not opaque"):
        read_layered(save(tmp_path / "b.xcf", WIDTH, HEIGHT, faint, GREY)).merged()
    normal = Node("group", inside=(HAT,), properties={**through, xcf.OPACITY: words(128)})
    file = read_layered(save(tmp_path / "c.xcf", WIDTH, HEIGHT, normal, GREY))
    assert file.merged().pixels[1, 2].tolist() == [150, 75, 50, 255]


def test_a_layer_mask_is_part_of_the_alpha(tmp_path: Path) -> None:
    mask = np.repeat(np.arange(0, 240, 20, dtype=np.uint8)[None, :, None], HEIGHT, axis=0)
    masked = Node("paper", GREY.pixels, mask=mask)
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, masked))
    assert file.decoded(file.subject()).pixels[3, :, 3].tolist() == list(range(0, 240, 20))
    off = Node("paper", GREY.pixels, mask=mask, properties={xcf.APPLY_MASK: words(0)})
    file = read_layered(save(tmp_path / "b.xcf", WIDTH, HEIGHT, off))
    assert file.decoded(file.subject()).pixels[3, 0, 3] == 255
    shown = Node("paper", GREY.pixels, mask=mask, properties={xcf.SHOW_MASK: words(1)})
    with pytest.raises(UnsupportedPicture, match="shows its mask"):
        read_layered(save(tmp_path / "c.xcf", WIDTH, HEIGHT, shown)).merged()


def test_the_color_profile_is_found(tmp_path: Path) -> None:
    parasites = b"".join(
        words(len(name) + 1) + name + b"\0" + words(1, len(content)) + content
        for name, content in ((b"gimp-comment", b"hello\0"), (b"icc-profile", b"profile"))
    )
    form = Format(properties={xcf.PARASITES: parasites})
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, GREY, form=form))
    assert file.decoded(file.subject()).metadata.icc == b"profile"
    grey = Node("grey", flat(WIDTH, HEIGHT, 90))
    file = read_layered(save(tmp_path / "grey.xcf", WIDTH, HEIGHT, grey, form=form))
    assert file.decoded(file.subject()).metadata.icc is None  # a grey one fits no RGB pixels
    form = Format(precision=175, properties={xcf.PARASITES: parasites})
    with pytest.raises(UnsupportedPicture, match="sRGB-encoded numbers beside a color profile"):
        read_layered(save(tmp_path / "b.xcf", WIDTH, HEIGHT, GREY, form=form))


def tree(nodes: tuple[Read, ...]) -> list[object]:
    """Names, those of groups with what they hold; hidden ones in brackets."""
    return [
        [node.name, *tree(node.inside)] if isinstance(node, Group) else node.name if node.visible else f"({node.name})"
        for node in nodes
    ]


def harmonized(file: LayeredPicture, layer: Layer, target: Path) -> LayeredPicture:
    """The file with a darker layer above `layer`."""
    picture = file.decoded(layer)
    darker = picture.pixels.copy()
    darker[..., :3] //= 2
    file.write(target, layer, "new", picture.with_pixels(darker))
    return read_layered(target)


DEEP = Node("inner", inside=(Node("a", HAT.pixels), Node("b", HAT.pixels)))
NODES = (
    Node("first", inside=(Node("c", HAT.pixels),)),
    hidden(Node("veil", GREY.pixels)),
    Node("group", inside=(Node("d", HAT.pixels), Node("e", HAT.pixels, mask=flat(4, 3, 9)), DEEP)),
    Node("last", inside=(Node("f", HAT.pixels), Node("g", HAT.pixels, filters=(True,)))),
    GREY,
)


@pytest.mark.parametrize("form", FORMATS, ids=ids)
@pytest.mark.parametrize("name", ["a", "b", "c", "d", "e", "f", "veil", "paper"])
def test_a_new_layer_stands_above_the_old_one_which_is_hidden(tmp_path: Path, name: str, form: Format) -> None:
    source = save(tmp_path / "a.xcf", WIDTH, HEIGHT, *NODES, form=form)
    before = source.read_bytes()
    file = read_layered(source)
    layer = next(layer for layer in file.layers() if layer.name == name)
    again = harmonized(file, layer, tmp_path / "b.xcf")
    was = name if layer.visible else f"({name})"
    expected = repr(tree(file.nodes)).replace(repr(was), f"'new', '({name})'")
    assert repr(tree(again.nodes)) == expected
    for old in file.layers():
        kept = next(one for one in again.layers() if one.name == old.name)
        assert np.array_equal(again.decoded(kept).pixels, file.decoded(old).pixels)
        assert (kept.left, kept.top, kept.mode, kept.problem) == (old.left, old.top, old.mode, old.problem)
    assert source.read_bytes() == before


@pytest.mark.parametrize("form", FORMATS, ids=ids)
def test_no_byte_of_the_rest_is_lost(tmp_path: Path, form: Format) -> None:
    source = save(tmp_path / "a.xcf", WIDTH, HEIGHT, *NODES, form=form)
    file = read_layered(source)
    layer = file.subject("d")
    harmonized(file, layer, tmp_path / "b.xcf")
    old, new = parse(source.read_bytes()), parse((tmp_path / "b.xcf").read_bytes())
    size, entry = old.pointer_bytes, old.items[layer.number].entry
    rest = bytearray(new.data[:entry] + new.data[entry + size : len(old.data) + size])
    was = bytearray(old.data)
    for at in old.pointers:
        was[at : at + size] = rest[at : at + size] = bytes(size)
    changed = [at for at in range(len(was)) if was[at] != rest[at]]
    # The old layer's visibility, the number of the next tattoo, and places in the group of what lies below.
    assert len(changed) == 1 + 1 + 5
    assert all(abs(was[at] - rest[at]) == 1 for at in changed)


def test_what_is_new_has_all_of_the_old_layer_but_its_mask(tmp_path: Path) -> None:
    facts = {xcf.OPACITY: words(77), xcf.MODE: words(31), xcf.BLEND_SPACE: words(-4), xcf.COMPOSITE_MODE: words(-2)}
    masked = Node("hat", HAT.pixels, -3, 5, properties={**facts, xcf.TATTOO: words(12)}, mask=flat(4, 3, 100))
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, masked, GREY))
    harmonized(file, file.subject(), tmp_path / "b.xcf")
    document = parse((tmp_path / "b.xcf").read_bytes())
    new, old = document.items[:2]
    assert (new.mask, new.filters) == (None, ())
    assert old.mask is not None
    for kind in (xcf.OPACITY, xcf.MODE, xcf.BLEND_SPACE, xcf.COMPOSITE_MODE, xcf.OFFSETS):
        kept = [one.content for one in old.properties.all if one.kind == kind]
        assert [one.content for one in new.properties.all if one.kind == kind] == kept
    assert len(set(document.tattoos[1:])) == len(document.tattoos[1:])  # the first is the highest
    assert document.tattoos[0] == max(document.tattoos)


def test_layers_without_a_word_on_it_are_visible(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xcf", WIDTH, HEIGHT, HAT, GREY)
    said = struct.pack(">3I", xcf.VISIBLE, 4, 1)
    path.write_bytes(path.read_bytes().replace(said, struct.pack(">3I", 9, 4, 1)))
    file = read_layered(path)
    again = harmonized(file, file.subject(), tmp_path / "b.xcf")
    assert tree(again.nodes) == ["new", "(hat)", "paper"]
    assert again.decoded(again.subject("paper")).pixels[0, 0].tolist() == [100, 100, 100, 255]


def test_a_file_may_be_written_over_itself(tmp_path: Path) -> None:
    source = save(tmp_path / "a.xcf", WIDTH, HEIGHT, HAT, GREY)
    for count in (3, 4):
        file = read_layered(source)
        file.write(source, file.subject(), "new", file.decoded(file.subject()))
        assert len(read_layered(source).layers()) == count


@pytest.mark.parametrize("too_few", [0, 4])
def test_links_are_read_whatever_their_length_says(tmp_path: Path, too_few: int) -> None:
    link = words(0, 9) + b"hat.png\0\0" + words(4, 3)
    linked = Node("hat", HAT.pixels, properties={xcf.LINK: link, 49: bytes(48)})
    form = Format(25, link_bytes_too_few=too_few)
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, linked, GREY, form=form))
    assert tree(harmonized(file, file.subject(), tmp_path / "b.xcf").nodes) == ["new", "(hat)", "paper"]


@pytest.mark.parametrize(
    ("form", "cause"),
    [
        (Format(precision=100), "8 bits in linear light"),
        (Format(precision=200), "16 bits in linear light"),
        (Format(precision=600), "32 bits or float"),
        (Format(26), "version 26 of the format"),
    ],
)
def test_other_files_of_gimp_are_refused(tmp_path: Path, form: Format, cause: str) -> None:
    with pytest.raises(UnsupportedPicture, match=cause):
        read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, GREY, form=form))


def test_indexed_colors_and_floating_selections_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xcf", WIDTH, HEIGHT, GREY)
    data = bytearray(path.read_bytes())
    data[25] = 2
    path.write_bytes(data)
    with pytest.raises(UnsupportedPicture, match="indexed colors"):
        read_layered(path)
    floating = Node("hat", HAT.pixels, properties={xcf.FLOATING: bytes(8)})
    with pytest.raises(UnsupportedPicture, match="floating selection"):
        read_layered(save(tmp_path / "b.xcf", WIDTH, HEIGHT, floating, GREY))


def test_a_picture_has_a_size(tmp_path: Path) -> None:
    for width, height in ((0, 4), (99_999, 99_999)):
        path = save(tmp_path / "a.xcf", 4, 4, HAT)
        data = bytearray(path.read_bytes())
        data[14:22] = words(width, height)
        path.write_bytes(data)
        with pytest.raises(PictureTooLarge):
            read_layered(path)


@pytest.mark.parametrize("form", [Format(3), Format(23, xcf.ZLIB)], ids=["v3", "v23"])
def test_fault_31_damaged_files_are_refused(tmp_path: Path, form: Format) -> None:
    whole = save(tmp_path / "a.xcf", WIDTH, HEIGHT, *NODES, form=form).read_bytes()
    path = tmp_path / "b.xcf"
    for length in (0, 8, 13, 14, 30, 200, len(whole) // 2, len(whole) - 40):
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadablePicture):
            all_of(path)
    random = np.random.default_rng(4)
    for _ in range(300):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            all_of(path)
        except PictureError:
            continue
    with pytest.raises(UnreadablePicture, match="no file"):
        read_layered(tmp_path / "missing.xcf")


def all_of(path: Path) -> None:
    file = read_layered(path)
    for layer in file.layers():
        file.decoded(layer)
    for layer in file.layers()[:2]:
        file.write(path.with_name("c.xcf"), layer, "new", file.decoded(layer))
    file.merged()


def test_fault_31_layers_that_point_at_the_same_pixels_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xcf", WIDTH, HEIGHT, HAT, GREY)
    document = parse(path.read_bytes())
    data = bytearray(document.data)
    first, second = (item.entry for item in document.items)
    data[second : second + 8] = data[first : first + 8]
    path.write_bytes(data)
    with pytest.raises(UnreadablePicture, match="names a part twice"):
        read_layered(path)


def test_fault_31_a_huge_list_of_layers_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xcf", WIDTH, HEIGHT, HAT)
    document = parse(path.read_bytes())
    entry = document.items[0].entry
    pointers = (np.arange(200_000) + entry + 8).astype(">u8")
    path.write_bytes(document.data[:entry] + pointers.tobytes() + document.data[entry:])
    with pytest.raises(UnreadablePicture):
        read_layered(path)


def test_parts_that_overlap_do_not_multiply(tmp_path: Path) -> None:
    """Layers of which each has nearly all of the file as a property."""
    count, size = 5_000, 4_000_000
    head = save(tmp_path / "a.xcf", WIDTH, HEIGHT, HAT).read_bytes()[:30] + words(0, 0)
    begin = words(4, 3, 1, 1) + b"\0" + words(xcf.PARASITES, size)
    table = len(head) + (count + 2) * 8
    pixels = table + len(begin) * (count + 1) + size
    end = words(0, 0) + pixels.to_bytes(8, "big") + bytes(len(begin) - 16)
    pointers = (np.arange(count) * len(begin) + table).astype(">u8").tobytes()
    filler = bytes(size - len(begin) * (count - 1))
    level = words(4, 3) + pixels.to_bytes(8, "big") + bytes(8)
    tiles = words(4, 3, 4) + (pixels + 28).to_bytes(8, "big") + bytes(8) + level
    data = head + pointers + bytes(16) + begin * count + filler + end * count + tiles
    (tmp_path / "b.xcf").write_bytes(data)
    with pytest.raises(UnreadablePicture, match="overlap"):
        read_layered(tmp_path / "b.xcf")


@pytest.mark.parametrize("path", [(0, 5), (7, 0), (-1, 0), tuple(range(200)), ()])
def test_fault_31_groups_that_are_not_there_are_refused(tmp_path: Path, path: tuple[int, ...]) -> None:
    lost = Node("lost", HAT.pixels, properties={xcf.PATH: words(*path)})
    file = save(tmp_path / "a.xcf", WIDTH, HEIGHT, HAT, lost)
    if path:
        with pytest.raises(PictureError):
            read_layered(file)
    else:
        assert len(read_layered(file).layers()) == 2


def test_wild_numbers_do_no_harm(tmp_path: Path) -> None:
    facts = {xcf.OFFSETS: words(-(2**31), 2**31 - 1), 33: struct.pack(">f", float("nan")), xcf.OPACITY: b""}
    wild = Node("wild", HAT.pixels, properties=facts)
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, wild, GREY))
    assert file.merged().pixels[0, 0].tolist() == [100, 100, 100, 255]
    loud = Node("loud", HAT.pixels, properties={33: struct.pack(">f", 7.0)})
    assert read_layered(save(tmp_path / "b.xcf", WIDTH, HEIGHT, loud)).layers()[0].opacity == 1


@pytest.mark.parametrize("name", ["", "\N{SNOWMAN} hat", "x" * 70_000, "../../etc/passwd", "a\nb"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    file = read_layered(save(tmp_path / "a.xcf", WIDTH, HEIGHT, Node(name, HAT.pixels), GREY))
    subject = file.subject()
    assert subject.name == name
    file.write(tmp_path / "b.xcf", subject, f"{name} (harmonized)", file.decoded(subject))
    assert read_layered(tmp_path / "b.xcf").layers()[0].name == f"{name} (harmonized)"
