"""Picture files in and out at their own depth."""

from __future__ import annotations

import os
import struct
import sys
import time
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from harmonize_client import BadMask
from harmonize_daemon import pictures
from harmonize_daemon.bench.files import photo_like
from harmonize_daemon.pictures import (
    Metadata,
    Picture,
    PictureTooLarge,
    UnreadablePicture,
    UnsupportedPicture,
    UnwritablePicture,
    reading,
)
from PIL import ExifTags, Image, ImageCms

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(channels: int, dtype: str, height: int = 37, width: int = 53) -> np.ndarray:
    rng = np.random.default_rng(7)
    shape = (height, width, channels)
    if dtype.startswith("f"):
        return rng.normal(0.5, 0.6, shape).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def camera_exif() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.Orientation] = 1
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.004
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = "50mm"
    return exif.tobytes()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".png", "u1"), (".png", "u2"), (".tif", "u1"), (".tif", "u2"), (".tif", "f4"), (".tif", "f2")],
)
def test_lossless_formats_return_every_bit(tmp_path: Path, suffix: str, dtype: str, channels: int) -> None:
    path = tmp_path / f"picture{suffix}"
    pixels = noise(channels, dtype)
    pictures.write(path, Picture(pixels, Metadata(icc=SRGB_PROFILE, dpi=(300, 300))))
    back = pictures.read(path)
    assert back.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(back.pixels, pixels)
    assert back.metadata.icc == SRGB_PROFILE


@pytest.mark.parametrize("channels", [3, 4])
def test_webp_is_written_without_loss(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "picture.webp"
    pixels = noise(channels, "u1")
    pictures.write(path, Picture(pixels))
    np.testing.assert_array_equal(pictures.read(path).pixels, pixels)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("a.png", "u1"), ("a.png", "u2"), ("a.jpg", "u1"), ("a.tif", "u1"), ("a.tif", "u2"), ("a.webp", "u1")],
)
def test_exif_and_profile_are_kept(tmp_path: Path, name: str, dtype: str) -> None:
    path = tmp_path / name
    pictures.write(path, Picture(noise(3, dtype), Metadata(icc=SRGB_PROFILE, exif=camera_exif())))
    metadata = pictures.read(path).metadata
    exif = Image.Exif()
    exif.load(metadata.exif)
    assert metadata.icc == SRGB_PROFILE
    assert exif[ExifTags.Base.Make] == "Maker"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] == "50mm"


def test_jpeg_is_saved_again_with_its_own_tables(tmp_path: Path) -> None:
    source, result = tmp_path / "source.jpg", tmp_path / "result.jpg"
    Image.fromarray(noise(3, "u1")).save(source, quality=71, subsampling=2)
    pictures.write(result, pictures.read(source))
    with Image.open(source) as before, Image.open(result) as after:
        assert after.quantization == before.quantization


def test_jpeg_of_grain_at_the_highest_quality_is_saved_again(tmp_path: Path) -> None:
    """It has more than two bytes a pixel, and more than Pillow's smallest buffer."""
    source, result = tmp_path / "source.jpg", tmp_path / "result.jpg"
    pixels = noise(3, "u1", 700, 700)
    Image.fromarray(pixels).save(source, qtables=[[1] * 64] * 2, subsampling=0)
    pictures.write(result, pictures.read(source))
    assert result.stat().st_size > 2 * 700 * 700
    assert np.abs(pictures.read(result).pixels.astype(int) - pixels).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_read_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image = Image.fromarray(noise(3, "u1"))
    image.save(tmp_path / "turned.png", exif=exif)
    picture = pictures.read(tmp_path / "turned.png")
    deep = reading._upright(np.asarray(image), orientation)
    np.testing.assert_array_equal(picture.pixels, deep)
    kept = Image.Exif()
    kept.load(picture.metadata.exif or b"")
    assert kept[ExifTags.Base.Orientation] == 1


def test_mask_of_one_color_is_taken_by_its_alpha(tmp_path: Path) -> None:
    alpha = noise(1, "u1")[:, :, 0]
    Image.merge("LA", (Image.new("L", (53, 37), 0), Image.fromarray(alpha))).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(pictures.read_mask(tmp_path / "mask.png", 53, 37), alpha)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("level", [0, 255])
def test_opaque_mask_of_one_color_is_taken_by_its_color(tmp_path: Path, level: int, mode: str) -> None:
    colors = (level,) * (len(mode) - 1)
    Image.new(mode, (53, 37), (*colors, 255)).save(tmp_path / "mask.png")
    assert (pictures.read_mask(tmp_path / "mask.png", 53, 37) == level).all()


def test_mask_of_several_colors_is_taken_by_them_whatever_its_alpha(tmp_path: Path) -> None:
    pixels = noise(4, "u1")
    pixels[:, :, 1:3] = pixels[:, :, :1]
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(pictures.read_mask(tmp_path / "mask.png", 53, 37), pixels[:, :, 0])


def test_mask_of_sixteen_bits_is_scaled_to_eight(tmp_path: Path) -> None:
    alpha = noise(1, "u1")
    pictures.write(tmp_path / "mask.png", Picture(alpha.astype("u2") * 257))
    np.testing.assert_array_equal(pictures.read_mask(tmp_path / "mask.png", 53, 37), alpha[:, :, 0])


def test_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    Image.new("L", (10, 10)).save(tmp_path / "mask.png")
    with pytest.raises(BadMask):
        pictures.read_mask(tmp_path / "mask.png", 53, 37)


def png(width: int, height: int, depth: int, kind: int, rows: bytes, transparent: bytes = b"") -> bytes:
    """By the letter of the specification; kind: 0 for grey, 2 for RGB; rows: each begins with its filter."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))]
    chunks += [(b"tRNS", transparent)] if transparent else []
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    written = (struct.pack(">I", len(data)) + name + data + crc(name + data) for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def crc(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


@pytest.mark.parametrize(
    ("depth", "row", "grey", "expected"),
    [
        (1, b"\x50", 1, [[0, 255], [255, 0], [0, 255], [255, 0]]),
        (2, b"\x1b", 1, [[0, 255], [85, 0], [170, 255], [255, 255]]),
        (4, b"\x01\x2f", 1, [[0, 255], [17, 0], [34, 255], [255, 255]]),
        (8, b"\0\1\2\xff", 1, [[0, 255], [1, 0], [2, 255], [255, 255]]),
        (16, b"\0\0\0\1\0\2\xff\xff", 1, [[0, 65535], [1, 0], [2, 65535], [65535, 65535]]),
    ],
)
def test_the_transparent_grey_of_a_png_stays_transparent(
    tmp_path: Path, depth: int, row: bytes, grey: int, expected: list[list[int]]
) -> None:
    (tmp_path / "a.png").write_bytes(png(4, 1, depth, 0, b"\0" + row, struct.pack(">H", grey)))
    pictures.write(tmp_path / "b.png", pictures.read(tmp_path / "a.png"))
    assert pictures.read(tmp_path / "b.png").pixels.tolist() == [expected]


def test_the_transparent_color_of_a_png_stays_transparent(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(2, 1, 8, 2, b"\0\1\2\3\4\5\6", struct.pack(">HHH", 1, 2, 3)))
    pictures.write(tmp_path / "b.png", pictures.read(tmp_path / "a.png"))
    assert pictures.read(tmp_path / "b.png").pixels.tolist() == [[[1, 2, 3, 0], [4, 5, 6, 255]]]


@pytest.mark.parametrize("depth", [1, 8, 16])
def test_only_our_own_limit_decides_which_picture_is_too_large(tmp_path: Path, depth: int) -> None:
    """Pillow's is 179 megapixels."""
    path = tmp_path / "a.png"
    path.write_bytes(png(20_000, 10_000, depth, 0, b"\0"))
    with pytest.raises(UnreadablePicture):  # it has no more than a byte of its pixels
        pictures.read(path)
    path.write_bytes(png(25_001, 20_000, depth, 0, b"\0"))
    with pytest.raises(PictureTooLarge, match="500 megapixels"):
        pictures.read(path)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize(
    ("colors", "extra"), [("rgb", [0]), ("rgb", [2, 0]), ("rgb", [0, 0]), ("rgb", [2, 2]), ("minisblack", [0])]
)
def test_saved_selections_of_a_tiff_are_not_lost_in_silence(
    tmp_path: Path, colors: str, extra: list[int], dtype: str
) -> None:
    pixels = noise((3 if colors == "rgb" else 1) + len(extra), dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric=colors, planarconfig="contig", extrasamples=extra)
    with pytest.raises(UnsupportedPicture, match="further channels"):
        pictures.read(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", ["lzw", "jpeg2000", "jpegxl", "webp", "lerc", "zstd"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_tiff_is_read_however_it_is_compressed(tmp_path: Path, compression: str, dtype: str) -> None:
    if (compression, dtype) == ("webp", "u2"):
        pytest.skip("it has 8 bits only")
    lossless = {"lossless": True} if compression == "webp" else None
    pixels = noise(3, dtype, 64, 64)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression=compression, compressionargs=lossless)
    np.testing.assert_array_equal(pictures.read(tmp_path / "a.tif").pixels, pixels)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_tiff_of_an_unknown_compression_is_not_called_damaged(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", noise(3, dtype), photometric="rgb")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        value = tiff.pages.first.tags["Compression"].valueoffset
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data[value : value + 2] = struct.pack("<H", 12345)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(UnsupportedPicture, match=r"compressed in a way that is not known \(12345\)"):
        pictures.read(tmp_path / "a.tif")


def test_fault_31_channels_that_a_tiff_does_not_name_are_not_even_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda page: pytest.fail("it was decoded"))
    pixels = np.zeros((16, 16, 200), "u2")
    extra = [2] + [0] * 196
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", planarconfig="contig", extrasamples=extra)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        entry = tiff.pages.first.tags["ExtraSamples"].offset
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data[entry + 4 : entry + 12] = struct.pack("<IHH", 1, 2, 0)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(UnsupportedPicture, match="200"):
        pictures.read(tmp_path / "a.tif")


def _save_tiff(path: Path, *kinds: int, dtype: str = "u1") -> Path:
    """A page for each kind, as the tag NewSubfileType has it, each of half the side of the one before."""
    with tifffile.TiffWriter(path) as file:
        for number, kind in enumerate(kinds):
            file.write(np.zeros((8 >> number, 8 >> number, 3), dtype), photometric="rgb", subfiletype=kind)
    return path


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_tiff_of_several_pages_is_refused_and_one_with_thumbnails_is_not(tmp_path: Path, dtype: str) -> None:
    assert pictures.read(_save_tiff(tmp_path / "a.tif", 0, 1, 1, dtype=dtype)).width == 8
    for kinds in ((0, 0), (2, 2, 2), (0, 1, 0)):
        with pytest.raises(UnsupportedPicture, match="has several pages"):
            pictures.read(_save_tiff(tmp_path / "b.tif", *kinds, dtype=dtype))


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_a_film_is_refused(tmp_path: Path, name: str) -> None:
    first, *others = (Image.new("RGB", (8, 8), (80 * number, 0, 0)) for number in range(3))
    first.save(tmp_path / name, save_all=True, append_images=others)
    with pytest.raises(UnsupportedPicture, match="has several frames"):
        pictures.read(tmp_path / name)


def test_a_photo_with_further_pictures_in_its_jpeg_file_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    assert pictures.read(tmp_path / "a.jpg").width == 8


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_png_says_the_same_of_its_colors(tmp_path: Path, dtype: str) -> None:
    hdr, linear = chunk(b"cICP", bytes([9, 16, 0, 1])), chunk(b"gAMA", struct.pack(">I", 100_000))
    cut, other = chunk(b"cLLI", bytes(4)), chunk(b"tEXt", b"Title\0Hat")
    content = pictures.encode(".png", Picture(noise(3, dtype)))
    (tmp_path / "a.png").write_bytes(content[:33] + hdr + cut + other + linear + content[33:])
    picture = pictures.read(tmp_path / "a.png")
    assert pictures.encode(".png", picture)[33:].startswith(hdr + linear)
    np.testing.assert_array_equal(picture.pixels, noise(3, dtype))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_noise_of_one_column_can_be_written_as_png(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6000, 1, 3), dtype=np.uint8)
    pictures.write(tmp_path / "column.png", Picture(pixels))
    assert np.array_equal(pictures.read(tmp_path / "column.png").pixels, pixels)


@pytest.mark.parametrize(("height", "width"), [(1, 5), (5, 1), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_narrow_pictures_keep_their_shape(tmp_path: Path, channels: int, height: int, width: int) -> None:
    for name in ("a.tif", "a.png"):
        pixels = noise(channels, "u2", height, width)
        pictures.write(tmp_path / name, Picture(pixels))
        np.testing.assert_array_equal(pictures.read(tmp_path / name).pixels, pixels)


@pytest.mark.parametrize(
    "tag", ["ImageWidth", "BitsPerSample", "StripOffsets", "Compression", "PhotometricInterpretation"]
)
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_tags_of_odd_types_are_errors_in_words(tmp_path: Path, tag: str, dtype: str) -> None:
    path = tmp_path / "a.tif"
    pictures.write(path, Picture(noise(3, dtype)))
    with tifffile.TiffFile(path) as tiff:
        entry = tiff.pages.first.tags[tag].offset
    data = bytearray(path.read_bytes())
    data[entry + 2 : entry + 12] = struct.pack("<HI4s", 2, 3, b"odd\0")
    path.write_bytes(data)
    with pytest.raises((UnreadablePicture, UnsupportedPicture)):
        pictures.read(path)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_our_own_mistakes_are_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    pictures.write(tmp_path / "a.png", Picture(noise(3, dtype)))
    monkeypatch.setattr(reading, "_upright", lambda pixels, orientation: pixels.no_such_thing)
    with pytest.raises(AttributeError, match="no_such_thing"):
        pictures.read(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_too_little_memory_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def fail(*args: object, **options: object) -> None:
        raise MemoryError

    pictures.write(tmp_path / name, Picture(noise(3, "u2")))
    monkeypatch.setattr(reading.imagecodecs, "png_decode", fail)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", fail)
    with pytest.raises(PictureTooLarge, match="memory"):
        pictures.read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.webp"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_truncated_files_are_refused(tmp_path: Path, name: str, dtype: str) -> None:
    path = tmp_path / name
    if dtype == "u2" and path.suffix in (".jpg", ".webp"):
        pytest.skip("the format has 8 bits only")
    pictures.write(path, Picture(noise(3, dtype)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadablePicture):
        pictures.read(path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 30, b"II*\0" + b"\xff" * 40])
def test_files_that_are_no_pictures_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "strange.png"
    path.write_bytes(content)
    with pytest.raises(UnreadablePicture):
        pictures.read(path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cut.png", r"cut\.png is damaged \(.*truncated.*\): save it again"),
        ("empty.png", r"empty\.png is no picture, or of a format that is not known: use a PNG"),
        ("folder.png", r"Cannot read .*folder\.png \(Is a directory\): check the path"),
    ],
)
def test_what_to_do_about_a_file_depends_on_what_is_wrong_with_it(tmp_path: Path, name: str, says: str) -> None:
    pictures.write(tmp_path / "cut.png", Picture(noise(3, "u1")))
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:-900])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UnreadablePicture, match=says):
        pictures.read(tmp_path / name)


def test_a_jpeg_file_of_12_bits_is_not_called_something_else(tmp_path: Path) -> None:
    deep = noise(3, "u2", 16, 16) >> 4
    (tmp_path / "a.jpg").write_bytes(imagecodecs.jpeg_encode(deep, bitspersample=12))
    with pytest.raises(UnsupportedPicture, match=r"a\.jpg is a JPEG file of 12 bits: save it as PNG or TIFF"):
        pictures.read(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"\xff\xc0", b"\xff\xe0\0\0" * 3, b"\xff\xe0\xff\xff", b"\xff\xc0\0\x11\x08", b"\xff" * 20],
)
def test_fault_31_a_jpeg_file_that_says_nothing_of_its_bits_is_no_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + content)
    with pytest.raises(UnreadablePicture):
        pictures.read(tmp_path / "a.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes")
def test_a_pipe_is_not_called_damaged(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    held = os.open(tmp_path / "a.png", os.O_RDWR)  # or opening it would wait for somebody who writes
    try:
        os.write(held, pictures.encode(".png", Picture(noise(3, "u1", 4, 4))))
        with pytest.raises(UnreadablePicture, match="is a pipe"):
            pictures.read(tmp_path / "a.png")
    finally:
        os.close(held)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture, match=r"nowhere\.png"):
        pictures.read(tmp_path / "nowhere.png")


@pytest.mark.parametrize(
    ("name", "pixels"),
    [("a.jpg", noise(3, "u2")), ("a.jpg", noise(4, "u1")), ("a.png", noise(3, "f4")), ("a.gif", noise(3, "u1"))],
)
def test_formats_that_cannot_hold_the_picture_say_so_and_write_nothing(
    tmp_path: Path, name: str, pixels: np.ndarray
) -> None:
    with pytest.raises(UnsupportedPicture):
        pictures.write(tmp_path / name, Picture(pixels))
    assert list(tmp_path.iterdir()) == []


def test_webp_is_written_sooner_than_by_pillow_left_alone(tmp_path: Path) -> None:
    pixels = np.rint(photo_like(1200, 800) * 255).astype(np.uint8)
    begun = time.thread_time()
    Image.fromarray(pixels).save(tmp_path / "slow.webp", lossless=True, exact=True)
    slow = time.thread_time() - begun
    begun = time.thread_time()
    pictures.write(tmp_path / "a.webp", Picture(pixels))
    assert time.thread_time() - begun < 0.6 * slow
    assert (tmp_path / "a.webp").stat().st_size < 1.01 * (tmp_path / "slow.webp").stat().st_size
    np.testing.assert_array_equal(pictures.read(tmp_path / "a.webp").pixels, pixels)


def test_fault_32_failed_write_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(UnwritablePicture):
        pictures.write(tmp_path / "taken.png", Picture(noise(3, "u1")))
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken.png"]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, fsync = tmp_path / "a.png", os.fsync
    on_disk = []

    def recorded(number: int) -> None:
        fsync(number)
        on_disk.append((os.fstat(number).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", recorded)
    pictures.write(path, Picture(noise(3, "u1")))
    assert on_disk == [(path.stat().st_size, False)]


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes there")
def test_a_file_that_takes_the_place_of_another_one_is_as_private(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch(0o600)
    pictures.write(tmp_path / "a.png", Picture(noise(3, "u1")))
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o600


def test_a_write_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, access = tmp_path / "a.png", os.access
    path.write_bytes(b"kept")
    monkeypatch.setattr(os, "access", lambda place, mode: place != path and access(place, mode))
    with pytest.raises(UnwritablePicture, match="Permission denied"):
        pictures.write(path, Picture(noise(3, "u1")))
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("a.png", b"kept")]


def test_a_folder_that_is_a_file_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(UnwritablePicture, match="Cannot write"):
        pictures.write(tmp_path / "file" / "a.png", Picture(noise(3, "u1")))
    with pytest.raises(UnwritablePicture, match="Cannot write"):
        pictures.write(tmp_path / "file" / "folder" / "a.png", Picture(noise(3, "u1")))
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_names_may_be_as_long_as_the_system_takes_them(tmp_path: Path) -> None:
    picture = Picture(noise(3, "u1"))
    pictures.write(tmp_path / ("x" * 251 + ".png"), picture)
    with pytest.raises(UnwritablePicture, match="Cannot write"):
        pictures.write(tmp_path / ("x" * 252 + ".png"), picture)
    assert [len(entry.name) for entry in tmp_path.iterdir()] == [255]


@pytest.mark.parametrize(("name", "most"), [("a.webp", 16_383), ("a.jpg", 65_500), ("a.png", 1_000_000)])
def test_sides_that_a_format_cannot_hold_are_named(tmp_path: Path, name: str, most: int) -> None:
    pictures.write(tmp_path / name, Picture(noise(3, "u1", 1, most)))
    assert pictures.read(tmp_path / name).width == most
    (tmp_path / name).unlink()
    for height, width in ((1, most + 1), (most + 1, 1)):
        with pytest.raises(UnsupportedPicture, match=f"{most} on a side"):
            pictures.write(tmp_path / name, Picture(noise(3, "u1", height, width)))
    assert list(tmp_path.iterdir()) == []
