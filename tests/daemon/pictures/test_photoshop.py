"""Photoshop files: their layers, what is seen, and another layer in them."""

from __future__ import annotations

import struct
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harmonize_daemon.composites import read_composite
from harmonize_daemon.pictures import PictureError, UnreadablePicture, UnsupportedPicture, read_layered
from numpy.typing import NDArray
from PIL import ExifTags, Image, IptcImagePlugin

from .layered_files import flat

pytest.importorskip("psd_tools", reason="it needs Python 3.11")

from psd_tools import PSDImage
from psd_tools.constants import BlendMode, Compression, Resource
from psd_tools.psd.image_resources import ImageResource
from psd_tools.psd.layer_and_mask import MaskParameters

WIDTH, HEIGHT = 12, 8


def save(path: Path, *layers: tuple[str, NDArray[Any]], depth: int = 8, mode: str = "RGB", **more: Any) -> Path:
    """A file with those layers, the topmost last; more: of the topmost."""
    file = PSDImage.new(mode, (WIDTH, HEIGHT), depth=depth)
    for number, (name, pixels) in enumerate(layers):
        file.create_pixel_layer_from_array(pixels, name, **(more if number == len(layers) - 1 else {}))
    file.save(path)
    return path


def save_masked_group(
    path: Path,
    group_mode: BlendMode = BlendMode.NORMAL,
    mode: BlendMode = BlendMode.NORMAL,
    *,
    opacity: int = 255,
    outside: int = 0,
    density: int | None = None,
    disabled: bool = False,
    depth: int = 8,
) -> Path:
    """A group of one layer over paper, under a mask with a slope that is smaller than the picture.

    mode, opacity: of the layer, and of the group. outside: what the mask is where it has no pixels.
    """
    bits = {8: np.uint8, 16: np.uint16}[depth]
    file = PSDImage.new("RGB", (WIDTH, HEIGHT), depth=depth)
    file.create_pixel_layer_from_array(flat(WIDTH, HEIGHT, *[np.iinfo(bits).max // 5] * 3, dtype=bits), "paper")
    group = file.create_group(name="group", blend_mode=group_mode, opacity=opacity)
    group._channels = deepcopy(group._channels)  # or psd-tools gives the mask to the end of the group, too
    red = flat(WIDTH - 2, HEIGHT, np.iinfo(bits).max, 0, np.iinfo(bits).max // 2, dtype=bits)
    group.create_pixel_layer_from_array(red, "red", left=1, blend_mode=mode)
    slope = np.linspace(0, 255, 8).round().astype(np.uint8)
    mask = group.create_mask(Image.fromarray(np.repeat(slope[None], HEIGHT + 3, axis=0)), top=-1, left=3)
    mask.data.background_color = outside
    mask.disabled = disabled
    if density is not None:
        mask.data.flags.parameters_applied = True
        mask.data.parameters = MaskParameters(user_mask_density=density)
    file.save(path)
    return path


def composed(path: Path) -> NDArray[np.uint8]:
    """[H, W, 3]: the file as psd-tools paints it."""
    image = PSDImage.open(path).composite(force=True)
    assert isinstance(image, Image.Image)
    return np.asarray(image.convert("RGB"))


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
    between = read_layered(path).merged().pixels[..., :3].astype(int) - composed(path)
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


@pytest.mark.parametrize(
    "name",
    ["hat", "Hüte", "帽子", "Шляпа", "Łódź", "a\u0301", "🎩", "x" * 250, "帽" * 255],
    ids=lambda name: ascii(name[:6]),
)
def test_a_layer_of_any_name_gets_a_new_one_named_after_it(tmp_path: Path, name: str) -> None:
    file = PSDImage.open(save(tmp_path / "a.psd", PAPER, HAT))
    file[1].name = name
    file.save(tmp_path / "a.psd")
    composite = read_composite(tmp_path / "a.psd", None)
    (tmp_path / "b.psd").write_bytes(composite.encoded(tmp_path / "b.psd", None))
    old, new = (layer.name for layer in list(PSDImage.open(tmp_path / "b.psd"))[1:])
    assert old == name
    assert new == f"{name[:242]} (harmonized)"


def test_what_psd_tools_cannot_write_is_said(tmp_path: Path) -> None:
    file = read_layered(save(tmp_path / "a.psd", PAPER))
    paper = file.subject()
    with pytest.raises(UnsupportedPicture, match=r"cannot be added .*too long"):
        file.write(tmp_path / "b.psd", paper, "x" * 256, file.decoded(paper))
    assert not (tmp_path / "b.psd").exists()


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


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"outside": 255},
        {"opacity": 100},
        {"disabled": True},
        {"density": 100},
        {"group_mode": BlendMode.MULTIPLY},
        {"mode": BlendMode.MULTIPLY},
        {"group_mode": BlendMode.PASS_THROUGH},
        {"group_mode": BlendMode.PASS_THROUGH, "opacity": 100},
        {"group_mode": BlendMode.PASS_THROUGH, "mode": BlendMode.MULTIPLY, "disabled": True},
    ],
    ids=repr,
)
def test_a_layer_mask_of_a_group_hides_what_psd_tools_hides(tmp_path: Path, facts: dict[str, Any]) -> None:
    path = save_masked_group(tmp_path / "a.psd", **facts)
    between = read_layered(path).merged().pixels[..., :3].astype(int) - composed(path)
    assert int(np.abs(between).max()) <= 1


def test_a_layer_mask_of_a_layer_may_be_thinned(tmp_path: Path) -> None:
    file = PSDImage.new("RGB", (WIDTH, HEIGHT))
    mask = file.create_pixel_layer_from_array(PAPER[1], "paper").create_mask(Image.new("L", (WIDTH, HEIGHT)))
    mask.data.flags.parameters_applied = True
    mask.data.parameters = MaskParameters(user_mask_density=100)
    file.save(tmp_path / "a.psd")
    document = read_layered(tmp_path / "a.psd")
    assert document.decoded(document.subject()).pixels[0, 0, 3] == 155


def test_a_layer_mask_of_a_group_hides_sixteen_bits(tmp_path: Path) -> None:
    path = save_masked_group(tmp_path / "a.psd", depth=16)
    file = read_layered(path)
    red = file.subject("red")
    merged = file.merged({red: file.decoded(red)}).pixels
    assert merged.dtype == np.uint16
    shown = (merged[0, :, 0].astype(int) - 13107) / (65535 - 13107)
    assert shown.tolist() == pytest.approx([0, 0, 0, *np.linspace(0, 1, 8), 0], abs=0.002)


@pytest.mark.parametrize(
    ("facts", "problem"), [({}, "has a layer mask"), ({"opacity": 100, "disabled": True}, "is not opaque")]
)
def test_a_group_that_half_passes_through_is_named_where_that_matters(
    tmp_path: Path, facts: dict[str, Any], problem: str
) -> None:
    path = save_masked_group(tmp_path / "a.psd", BlendMode.PASS_THROUGH, BlendMode.MULTIPLY, **facts)
    with pytest.raises(UnsupportedPicture, match=f"'group' passes through and {problem}"):
        read_layered(path).merged()


def test_a_new_layer_in_a_masked_group_is_masked_with_it(tmp_path: Path) -> None:
    file = read_layered(save_masked_group(tmp_path / "a.psd"))
    red = file.subject("red")
    file.write(tmp_path / "b.psd", red, "new", file.decoded(red))
    assert np.array_equal(read_layered(tmp_path / "b.psd").merged().pixels, file.merged().pixels)


def test_a_damaged_layer_mask_of_a_group_is_refused(tmp_path: Path) -> None:
    whole = save_masked_group(tmp_path / "a.psd").read_bytes()
    place = struct.pack(">4i", -1, 3, HEIGHT + 2, 11)
    assert whole.count(place) == 1
    (tmp_path / "b.psd").write_bytes(whole.replace(place, struct.pack(">4i", -1, 3, HEIGHT + 2, 2**30)))
    with pytest.raises(UnreadablePicture, match="'group' is damaged"):
        read_layered(tmp_path / "b.psd").merged()


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_files_get_the_luma_of_colors(tmp_path: Path, dtype: type) -> None:
    grey = flat(WIDTH, HEIGHT, 90, dtype=dtype)
    file = read_layered(save(tmp_path / "a.psd", ("grey", grey), mode="L", depth=8 * grey.itemsize))
    layer = file.subject()
    color = flat(WIDTH, HEIGHT, 140, 100, 60, 128, dtype=dtype)
    file.write(tmp_path / "b.psd", layer, "new", file.decoded(layer).with_pixels(color))
    again = read_layered(tmp_path / "b.psd")
    assert again.decoded(again.subject("new")).pixels[0, 0].tolist() == [106, 106, 106, 128]


@pytest.mark.parametrize(("mode", "expected"), [("RGB", b"profile"), ("L", None)])
def test_a_grey_profile_is_none_of_the_colors(tmp_path: Path, mode: str, expected: bytes | None) -> None:
    pixels = flat(WIDTH, HEIGHT, *[90] * (3 if mode == "RGB" else 1))
    file = PSDImage.open(save(tmp_path / "a.psd", ("paper", pixels), mode=mode))
    file.image_resources[Resource.ICC_PROFILE] = ImageResource(key=Resource.ICC_PROFILE, data=b"profile")
    file.save(tmp_path / "b.psd")
    document = read_layered(tmp_path / "b.psd")
    assert document.decoded(document.subject()).metadata.icc == expected


def test_a_flat_picture_of_a_file_has_its_captions(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Jane"
    said = {
        Resource.EXIF_DATA_1: exif.tobytes().removeprefix(b"Exif\0\0"),
        Resource.XMP_METADATA: b"<x:xmpmeta/>",
        Resource.IPTC_NAA: b"\x1c\x02\x50\0\4Jane",
    }
    file = PSDImage.open(save(tmp_path / "a.psd", PAPER, HAT))
    for key, data in said.items():
        file.image_resources[key] = ImageResource(key=key, data=data)
    file.save(tmp_path / "b.psd")
    composite = read_composite(tmp_path / "b.psd", None)
    (tmp_path / "b.jpg").write_bytes(composite.encoded(tmp_path / "b.jpg", None))
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.getexif()[ExifTags.Base.Artist] == "Jane"
        assert image.info["xmp"] == b"<x:xmpmeta/>"
        assert IptcImagePlugin.getiptcinfo(image) == {(2, 80): b"Jane"}


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


def test_fault_31_damaged_files_are_refused(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("compression", [Compression.ZIP, Compression.ZIP_WITH_PREDICTION, Compression.RLE])
def test_a_damaged_channel_is_refused_and_not_taken_as_black(tmp_path: Path, compression: Compression) -> None:
    path = save(tmp_path / "a.psd", PAPER, HAT, compression=compression)
    file = PSDImage.open(path)
    file[1]._channels[1].data = b"\x07"
    file.save(path)
    with pytest.raises(UnreadablePicture, match="'hat' is damaged"):
        _all_of(path)


def _all_of(path: Path) -> None:
    file = read_layered(path)
    for layer in file.layers():
        file.decoded(layer)
    file.merged()


def test_what_is_wrong_with_a_file_is_said_without_the_source_of_a_library(tmp_path: Path) -> None:
    (tmp_path / "a.psd").write_bytes(b"8BPS" + bytes(40))
    with pytest.raises(UnreadablePicture, match="is no Photoshop file") as refusal:
        read_layered(tmp_path / "a.psd")
    assert "Attribute" not in str(refusal.value)
