"""Titles, credits and rights: XMP, IPTC and the texts of PNG files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from harmonize_daemon import pictures
from harmonize_daemon.pictures import Metadata, Picture
from PIL import ExifTags, Image, IptcImagePlugin
from PIL.PngImagePlugin import PngInfo

FORMATS = ["a.jpg", "a.png", "a.tif", "a.webp"]
XMP = "<x:xmpmeta><rdf:li>© Jürgen</rdf:li></x:xmpmeta>\n<?xpacket end='w'?>".encode()
IPTC = b"\x1c\x02\x74\0\x08\xa9 J\xfcrgen"
COPYRIGHT = {(2, 116): b"\xa9 J\xfcrgen"}
PIXELS = np.random.default_rng(3).integers(0, 256, (9, 14, 3), dtype=np.uint8)


def foreign(path: Path, xmp: bytes = XMP, dtype: str = "u1") -> Path:
    """A file of another program."""
    if path.suffix == ".tif":
        pixels = PIXELS.astype(dtype)
        tifffile.imwrite(path, pixels, photometric="rgb", extratags=[(700, "B", len(xmp), xmp, True)])
    elif path.suffix == ".png":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
        Image.fromarray(PIXELS).save(path, pnginfo=info)
    else:
        Image.fromarray(PIXELS).save(path, xmp=xmp)
    return path


def rewritten(source: Path, name: str) -> Path:
    target = source.parent / f"new_{name}"
    pictures.write(target, pictures.read(source))
    return target


def xmp_in(path: Path) -> bytes | None:
    with Image.open(path) as image:
        found: bytes | None = image.info.get("xmp")
        return found


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_xmp_stays_to_the_byte_from_every_format_to_every_format(tmp_path: Path, source: str, target: str) -> None:
    assert xmp_in(rewritten(foreign(tmp_path / source), target)) == XMP


@pytest.mark.parametrize("form", ["<a tiff:Orientation='%d'/>", '<a tiff:Orientation = "%d">', "<tiff:Orientation>%d<"])
@pytest.mark.parametrize("name", FORMATS)
def test_xmp_of_a_turned_picture_does_not_turn_the_result(tmp_path: Path, name: str, form: str) -> None:
    source = foreign(tmp_path / name, (form % 6).encode())
    assert xmp_in(rewritten(source, name)) == (form % 1).encode()


def test_xmp_is_left_out_of_a_jpeg_file_that_has_no_room_for_it(tmp_path: Path) -> None:
    source = foreign(tmp_path / "a.png", b"x" * 65_502)
    assert len(xmp_in(rewritten(source, "a.jpg")) or b"") == 65_502
    source = foreign(tmp_path / "a.png", b"x" * 65_503)
    assert xmp_in(rewritten(source, "a.jpg")) is None
    assert len(xmp_in(rewritten(source, "a.tif")) or b"") == 65_503


def photoshop_block(iptc: bytes) -> bytes:
    """A segment of a JPEG file, in which other resources stand before and behind."""
    resources = [(0x03ED, bytes(16)), (0x0404, iptc), (0x0425, bytes(16))]
    packed = (
        struct.pack(">4sHHI", b"8BIM", kind, 0, len(data)) + data + bytes(len(data) % 2) for kind, data in resources
    )
    body = b"Photoshop 3.0\0" + b"".join(packed)
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def iptc_in(path: Path) -> object:
    with Image.open(path) as image:
        return IptcImagePlugin.getiptcinfo(image)  # type: ignore[arg-type]


@pytest.mark.parametrize("target", ["a.jpg", "a.tif"])
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_iptc_of_a_jpeg_file_stays(tmp_path: Path, target: str, length: int) -> None:
    title = b"\x1c\x02\x05\0" + bytes([length]) + b"x" * length
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", extra=photoshop_block(IPTC + title))
    source = rewritten(tmp_path / "a.jpg", target)
    assert iptc_in(source) == iptc_in(rewritten(source, target)) == {**COPYRIGHT, (2, 5): b"x" * length}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["I", "B", "swapped"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_iptc_of_a_tiff_file_stays_however_it_is_stored(tmp_path: Path, order: str, kind: str, dtype: str) -> None:
    stored = IPTC + bytes(-len(IPTC) % 4)
    if kind == "swapped":  # as by programs that take it for numbers
        stored = np.frombuffer(stored, "<u4").astype(">u4").tobytes()
    form, size = ("B", 1) if kind == "B" else ("I", 4)
    tag = (33723, form, len(stored) // size, stored, True)
    tifffile.imwrite(tmp_path / "a.tif", PIXELS.astype(dtype), photometric="rgb", byteorder=order, extratags=[tag])
    assert iptc_in(rewritten(tmp_path / "a.tif", "a.tif")) == COPYRIGHT
    if dtype == "u1":
        assert iptc_in(rewritten(tmp_path / "a.tif", "a.jpg")) == COPYRIGHT


def test_iptc_that_a_jpeg_file_has_no_room_for_is_left_out(tmp_path: Path) -> None:
    fields = b"".join(b"\x1c\x02\x19\x40\0" + b"x" * 0x4000 for _ in range(4))
    pictures.write(tmp_path / "a.jpg", Picture(PIXELS, Metadata(iptc=fields)))
    assert iptc_in(tmp_path / "a.jpg") is None


def more_xmp(part: bytes) -> bytes:
    """A segment of XMP behind the first one."""
    body = b"http://ns.adobe.com/xmp/extension/\0" + b"0123456789ABCDEF" * 2 + struct.pack(">II", 200, 0) + part
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def comment(text: bytes) -> bytes:
    return b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text


def test_comments_and_all_of_xmp_stay_from_jpeg_to_jpeg(tmp_path: Path) -> None:
    segments = [comment(b"first"), more_xmp(b"<a/>" * 25), more_xmp(b"<b/>" * 25), comment(b""), comment(b"x" * 65_533)]
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", xmp=XMP, extra=b"".join(segments) + photoshop_block(IPTC))
    again = rewritten(rewritten(tmp_path / "a.jpg", "a.jpg"), "a.jpg")
    content = again.read_bytes()
    assert [content.count(segment) for segment in segments] == [1] * len(segments)
    assert xmp_in(again) == XMP
    assert iptc_in(again) == COPYRIGHT
    assert pictures.read(again).pixels.shape == PIXELS.shape


@pytest.mark.parametrize("target", ["a.png", "a.tif", "a.webp"])
def test_comments_of_jpeg_are_no_trouble_for_other_formats(tmp_path: Path, target: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", comment=b"\xff\0", xmp=XMP)
    assert xmp_in(rewritten(tmp_path / "a.jpg", target)) == XMP


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path: Path, *chunks: bytes, behind: bytes = b"", dtype: str = "u1") -> Path:
    """With chunks before and behind its pixels."""
    content = pictures.encode(".png", Picture(PIXELS.astype(dtype)))
    end = len(content) - 12
    path.write_bytes(content[:33] + b"".join(chunks) + content[33:end] + behind + content[end:])
    return path


def texts_in(path: Path) -> dict[str, str]:
    with Image.open(path) as image:
        return dict(image.text)  # type: ignore[attr-defined]


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_texts_of_png_stay_in_png(tmp_path: Path, dtype: str) -> None:
    texts = [
        chunk(b"tEXt", b"Author\0J\xfcrgen"),
        chunk(b"zTXt", b"Copyright\0\0" + zlib.compress(b"\xa9 2026")),
        chunk(b"iTXt", b"Title\0\0\0ja\0\0" + "帽子".encode()),
    ]
    said = {"Author": "Jürgen", "Copyright": "© 2026", "Title": "帽子"}
    assert texts_in(rewritten(png(tmp_path / "a.png", *texts, dtype=dtype), "a.png")) == said
    assert (
        texts_in(rewritten(png(tmp_path / "a.png", texts[0], behind=texts[1] + texts[2], dtype=dtype), "a.png")) == said
    )


def test_a_damaged_text_behind_the_pixels_is_left_out(tmp_path: Path) -> None:
    damaged = chunk(b"tEXt", b"Author\0Anna").replace(b"Anna", b"Otto")
    source = png(tmp_path / "a.png", behind=damaged + chunk(b"tEXt", b"Title\0Hat"))
    assert texts_in(rewritten(source, "a.png")) == {"Title": "Hat"}


def raw_profile(kind: str, data: bytes) -> bytes:
    return chunk(b"tEXt", f"Raw profile type {kind}\0\n{kind}\n{len(data):8}\n{data.hex()}\n".encode())


def test_what_older_programs_keep_in_texts_becomes_what_it_is_and_is_said_once(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make] = 3, "Maker"
    xmp = XMP + b'<a tiff:Orientation="3"/>'
    source = png(tmp_path / "a.png", raw_profile("exif", exif.tobytes()), raw_profile("xmp", xmp))
    target = rewritten(source, "a.png")
    assert list(texts_in(target)) == ["XML:com.adobe.xmp"]
    assert xmp_in(target) == xmp.replace(b'"3"', b'"1"')
    with Image.open(target) as image:
        assert dict(image.getexif()) == {ExifTags.Base.Orientation: 1, ExifTags.Base.Make: "Maker"}
        np.testing.assert_array_equal(np.asarray(image), PIXELS[::-1, ::-1])


@pytest.mark.parametrize("name", ["exif", "icc_profile", "xmp", "dpi", "photoshop"])
def test_texts_may_have_any_names(tmp_path: Path, name: str) -> None:
    """Pillow keeps them beside what it says itself."""
    source = png(tmp_path / "a.png", chunk(b"tEXt", name.encode() + b"\0hat"))
    assert texts_in(rewritten(source, "a.png")) == {name: "hat"}
    for target in FORMATS:
        rewritten(source, target)


def test_texts_and_profiles_may_be_larger_than_a_megabyte(tmp_path: Path) -> None:
    text = "hat" * 1_000_000
    source = png(
        tmp_path / "a.png",
        chunk(b"zTXt", b"Raw profile type 8bim\0\0" + zlib.compress(text.encode())),
        chunk(b"iCCP", b"scanner\0\0" + zlib.compress(text.encode())),
    )
    assert texts_in(rewritten(source, "a.png")) == {"Raw profile type 8bim": text}
    assert pictures.read(source).metadata.icc == text.encode()
