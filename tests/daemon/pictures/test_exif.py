"""What a file says about its picture: EXIF to the byte, position, resolution."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from harmonize_daemon import pictures
from harmonize_daemon.pictures import Metadata, Picture, UnsupportedPicture, exif
from PIL import ExifTags, Image, PngImagePlugin

SHORT, LONG, TEXT, RATIONAL = 3, 4, 2, 5
SIZES = {SHORT: 2, LONG: 4, TEXT: 1, RATIONAL: 8}
UTF8, LATIN1 = "© Jürgen".encode(), "© Jürgen".encode("latin-1")
FORMATS = ["a.jpg", "a.png", "a.webp", "a.tif"]
PLACE = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (52.0, 30.0, 59.5)}
Field = tuple[int, int, bytes]


def block(*fields: Field, order: str = "<", camera: tuple[Field, ...] = (), following: int = 0) -> bytes:
    """EXIF as a file holds it, by the letter of the TIFF specification, section 2; camera: the EXIF directory."""
    main = [*fields, *([(34665, LONG, bytes(4))] if camera else [])]
    at = 8 + 2 + 12 * len(main) + 4
    at += sum(len(data) + len(data) % 2 for _, _, data in main if len(data) > 4)
    if camera:
        main[-1] = (34665, LONG, struct.pack(order + "I", at))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    directory = table(main, 8, order, following)
    return b"Exif\0\0" + head + directory + (table(list(camera), at, order, 0) if camera else b"")


def table(fields: list[Field], at: int, order: str, following: int) -> bytes:
    entries, values = b"", b""
    room = at + 2 + 12 * len(fields) + 4
    for tag, kind, data in fields:
        entries += struct.pack(order + "HHI", tag, kind, len(data) // SIZES.get(kind, 1))
        if len(data) <= 4:
            entries += data.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "I", room + len(values))
            values += data + b"\0" * (len(data) % 2)
    return struct.pack(order + "H", len(fields)) + entries + struct.pack(order + "I", following) + values


def pixels(dtype: str = "u1", channels: int = 3) -> np.ndarray:
    return np.random.default_rng(3).integers(0, np.iinfo(dtype).max + 1, (9, 14, channels)).astype(dtype)


def jpeg(path: Path, data: bytes) -> Path:
    Image.fromarray(pixels()).save(path, exif=data)
    return path


def exif_in(path: Path) -> Image.Exif:
    with Image.open(path) as image:
        found = image.getexif()
        found.get_ifd(ExifTags.IFD.Exif)
        found.get_ifd(ExifTags.IFD.GPSInfo)
        return found


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("text", [UTF8, LATIN1])
@pytest.mark.parametrize("name", FORMATS)
def test_texts_stay_to_the_byte_whatever_their_encoding(tmp_path: Path, name: str, text: bytes, order: str) -> None:
    lens = (ExifTags.Base.LensModel, TEXT, text + b"\0")
    seconds = (ExifTags.Base.ExposureTime, RATIONAL, struct.pack(order + "II", 1, 250))
    source = jpeg(
        tmp_path / "source.jpg",
        block((ExifTags.Base.Copyright, TEXT, text + b"\0"), order=order, camera=(seconds, lens)),
    )
    pictures.write(tmp_path / name, pictures.read(source))
    pictures.write(tmp_path / f"again_{name}", pictures.read(tmp_path / name))
    for path in (tmp_path / name, tmp_path / f"again_{name}"):
        found = exif_in(path)
        assert found[ExifTags.Base.Copyright].encode("latin-1") == text  # Pillow reads all texts so
        camera = found.get_ifd(ExifTags.IFD.Exif)
        assert camera[ExifTags.Base.LensModel].encode("latin-1") == text
        assert camera[ExifTags.Base.ExposureTime] == 0.004


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_the_notes_of_makers_stay_where_they_count_from(tmp_path: Path, name: str) -> None:
    notes = (ExifTags.Base.MakerNote, 7, b"Maker\0\x2a\0\0\1 counts from the beginning")
    data = block((ExifTags.Base.Make, TEXT, b"Maker\0"), camera=(notes,))
    pictures.write(tmp_path / name, pictures.read(jpeg(tmp_path / "source.jpg", data)))
    assert pictures.read(tmp_path / name).metadata.exif == data
    assert data.removeprefix(b"Exif\0\0") in (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "odd",
    [
        (ExifTags.Base.Make, LONG, struct.pack("<I", 7)),
        (ExifTags.Base.Orientation, TEXT, b"up\0"),
        (ExifTags.Base.XResolution, TEXT, b"many\0"),
        (ExifTags.Base.Copyright, RATIONAL, struct.pack("<II", 1, 0)),
        (ExifTags.Base.ImageDescription, 99, b"what?"),
        (ExifTags.IFD.Exif, TEXT, b"not an offset\0"),
        (ExifTags.IFD.GPSInfo, LONG, struct.pack("<I", 2**32 - 1)),
    ],
)
def test_one_odd_field_spoils_neither_picture_nor_other_fields(tmp_path: Path, odd: Field, name: str) -> None:
    fields = sorted([odd, (ExifTags.Base.Artist, TEXT, b"somebody\0")])
    picture = pictures.read(jpeg(tmp_path / "source.jpg", block(*fields)))
    pictures.write(tmp_path / name, picture)
    assert exif_in(tmp_path / name)[ExifTags.Base.Artist] == "somebody"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "data", [b"II*\0", b"no TIFF at all", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + b"1" * 9]
)
def test_exif_that_cannot_be_understood_is_left_out_and_the_picture_kept(
    tmp_path: Path, name: str, data: bytes
) -> None:
    picture = pictures.read(jpeg(tmp_path / "source.jpg", b"Exif\0\0" + data))
    assert picture.metadata.exif is None
    pictures.write(tmp_path / name, picture)
    assert pictures.read(tmp_path / name).width == 14


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [SHORT, LONG])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_turned_pictures_are_written_upright_and_say_so(tmp_path: Path, name: str, kind: int, order: str) -> None:
    turned = (ExifTags.Base.Orientation, kind, struct.pack(order + ("H" if kind == SHORT else "I"), 6))
    Image.fromarray(pixels()).save(tmp_path / name, exif=block(turned, order=order), lossless=True)
    with Image.open(tmp_path / name) as image:
        stored = np.asarray(image)
    picture = pictures.read(tmp_path / name)
    np.testing.assert_array_equal(picture.pixels, np.rot90(stored, -1))
    pictures.write(tmp_path / name, picture)
    assert exif_in(tmp_path / name)[ExifTags.Base.Orientation] == 1
    assert pictures.read(tmp_path / name).pixels.shape == picture.pixels.shape


def test_the_thumbnail_of_the_picture_as_it_was_is_unlinked(tmp_path: Path) -> None:
    data = block((ExifTags.Base.Make, TEXT, b"M\0"), following=26)
    data += (
        table([(513, LONG, struct.pack("<I", 60)), (514, LONG, struct.pack("<I", 4))], 26, "<", 0) + b"\xff\xd8\xff\xd9"
    )
    picture = pictures.read(jpeg(tmp_path / "a.jpg", data))
    assert exif_in(tmp_path / "a.jpg").get_ifd(ExifTags.IFD.IFD1)
    pictures.write(tmp_path / "b.jpg", picture)
    assert exif_in(tmp_path / "b.jpg")[ExifTags.Base.Make] == "M"
    assert not exif_in(tmp_path / "b.jpg").get_ifd(ExifTags.IFD.IFD1)


def test_the_raw_profiles_of_older_png_files_are_exif_too(tmp_path: Path) -> None:
    data = block((ExifTags.Base.Make, TEXT, UTF8 + b"\0"))
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Raw profile type exif", f"\nexif\n{len(data):8}\n{data.hex()}\n", zip=True)
    Image.fromarray(pixels()).save(tmp_path / "a.png", pnginfo=chunks)
    pictures.write(tmp_path / "a.jpg", pictures.read(tmp_path / "a.png"))
    assert exif_in(tmp_path / "a.jpg")[ExifTags.Base.Make].encode("latin-1") == UTF8


def located() -> bytes:
    data = Image.Exif()
    data[ExifTags.Base.Make] = "Maker"
    data.get_ifd(ExifTags.IFD.GPSInfo).update(PLACE)
    data.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = "50mm"
    return data.tobytes()


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("source", ["source.png", "source.tif"])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_the_place_is_carried_from_and_to_every_format(tmp_path: Path, source: str, name: str, dtype: str) -> None:
    pictures.write(tmp_path / source, Picture(pixels(dtype), Metadata(exif=located())))
    pictures.write(tmp_path / name, pictures.read(tmp_path / source))
    found = exif_in(tmp_path / name) if (dtype, name) != ("u2", "a.tif") else Image.Exif()
    if not found:  # Pillow does not open 16 bits of color
        with tifffile.TiffFile(tmp_path / name) as tiff:
            place, camera = (tiff.pages[0].tags[int(tag)].value for tag in (ExifTags.IFD.GPSInfo, ExifTags.IFD.Exif))
        assert (place["GPSLatitudeRef"], camera["LensModel"]) == ("N", "50mm")
        assert place["GPSLatitude"] == (52, 1, 30, 1, 119, 2)
    else:
        assert dict(found.get_ifd(ExifTags.IFD.GPSInfo)) == PLACE
        assert found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] == "50mm"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_big_tiff_is_read(tmp_path: Path, dtype: str, order: str) -> None:
    texts = [(int(ExifTags.Base.Copyright), "s", 0, UTF8, True)]
    tifffile.imwrite(
        tmp_path / "big.tif", pixels(dtype), bigtiff=True, byteorder=order, photometric="rgb", extratags=texts
    )
    picture = pictures.read(tmp_path / "big.tif")
    np.testing.assert_array_equal(picture.pixels, pixels(dtype))
    pictures.write(tmp_path / "a.png", picture)
    assert exif_in(tmp_path / "a.png")[ExifTags.Base.Copyright].encode("latin-1") == UTF8


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_big_tiff_that_says_nothing_is_read(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(
        tmp_path / "big.tif", pixels(dtype), bigtiff=True, photometric="rgb", metadata=None, software=False
    )
    picture = pictures.read(tmp_path / "big.tif")
    np.testing.assert_array_equal(picture.pixels, pixels(dtype))
    assert picture.metadata == Metadata()


def test_results_too_large_for_tiff_have_their_exif_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 4 GB tifffile writes BigTIFF by itself."""
    write = tifffile.imwrite
    monkeypatch.setattr(tifffile, "imwrite", lambda *args, **options: write(*args, bigtiff=True, **options))
    pictures.write(tmp_path / "big.tif", Picture(pixels(), Metadata(exif=located())))
    assert (tmp_path / "big.tif").read_bytes()[:4] == b"II+\0"
    found = exif_in(tmp_path / "big.tif")
    assert dict(found.get_ifd(ExifTags.IFD.GPSInfo)) == PLACE
    pictures.write(tmp_path / "a.png", pictures.read(tmp_path / "big.tif"))
    assert dict(exif_in(tmp_path / "a.png").get_ifd(ExifTags.IFD.GPSInfo)) == PLACE


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize(
    ("unit", "expected"), [("NONE", None), ("INCH", (72, 72)), ("CENTIMETER", (182.88, 182.88)), (None, (72, 72))]
)
def test_only_inches_and_centimeters_are_a_resolution(
    tmp_path: Path, unit: str | None, expected: tuple[float, float] | None, dtype: str
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels(dtype), photometric="rgb", resolution=(72, 72), resolutionunit=unit or "INCH")
    if unit is None:  # inches where nothing is said
        with tifffile.TiffFile(path) as tiff:
            entry = tiff.pages[0].tags["ResolutionUnit"].offset
        data = bytearray(path.read_bytes())
        data[entry : entry + 2] = struct.pack("<H", 300)
        path.write_bytes(data)
    assert pictures.read(path).metadata.dpi == (pytest.approx(expected) if expected else None)


def test_a_tiff_without_a_resolution_stays_without_one(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        pictures.write(tmp_path / name, Picture(pixels()) if name == "a.tif" else pictures.read(tmp_path / "a.tif"))
        assert pictures.read(tmp_path / name).metadata.dpi is None


@pytest.mark.parametrize("resolution", [(0, 1), (1, 0), (0, 0), (2**32 - 1, 1)])
def test_a_resolution_that_means_nothing_spoils_no_picture(tmp_path: Path, resolution: tuple[int, int]) -> None:
    source = tmp_path / "a.tif"
    tifffile.imwrite(source, pixels(), photometric="rgb", resolution=(7, 7), resolutionunit="INCH")
    told = struct.pack("<II", 7, 1)
    assert told in source.read_bytes()
    source.write_bytes(source.read_bytes().replace(told, struct.pack("<II", *resolution)))
    picture = pictures.read(source)
    for name in FORMATS:
        pictures.write(tmp_path / f"out_{name}", picture)
    assert picture.metadata.dpi in (None, (pytest.approx(1), pytest.approx(1)))


def test_exif_that_jpeg_cannot_hold_is_named(tmp_path: Path) -> None:
    data = block((ExifTags.Base.ImageDescription, TEXT, b"x" * 70_000))
    with pytest.raises(UnsupportedPicture, match="EXIF"):
        pictures.write(tmp_path / "a.jpg", Picture(pixels(), Metadata(exif=data)))


def test_directories_that_hold_the_same_bytes_over_and_over_are_left_out(tmp_path: Path) -> None:
    """A few kilobytes of entries that would become gigabytes."""
    length = 1 << 20
    camera = table([(40_000 + n, TEXT, b"x") for n in range(100)], 26, "<", 0)
    camera = camera[:2] + b"".join(struct.pack("<HHII", 40_000 + n, TEXT, length, 0) for n in range(100))
    data = block((34665, LONG, struct.pack("<I", 26))) + camera + bytes(length)
    pictures.write(tmp_path / "a.tif", Picture(pixels(), Metadata(exif=data)))
    assert (tmp_path / "a.tif").stat().st_size < 100_000
    assert not exif.parts(data).directories
