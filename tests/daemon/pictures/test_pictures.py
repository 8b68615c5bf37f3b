"""Picture files in and out at their own depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from harmonize_client import BadMask
from harmonize_daemon import pictures
from harmonize_daemon.pictures import (
    Metadata,
    Picture,
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
    assert ExifTags.Base.Orientation not in kept


def test_mask_of_one_color_is_taken_by_its_alpha(tmp_path: Path) -> None:
    alpha = noise(1, "u1")[:, :, 0]
    Image.merge("LA", (Image.new("L", (53, 37), 0), Image.fromarray(alpha))).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(pictures.read_mask(tmp_path / "mask.png", 53, 37), alpha)


def test_mask_of_sixteen_bits_is_scaled_to_eight(tmp_path: Path) -> None:
    alpha = noise(1, "u1")
    pictures.write(tmp_path / "mask.png", Picture(alpha.astype("u2") * 257))
    np.testing.assert_array_equal(pictures.read_mask(tmp_path / "mask.png", 53, 37), alpha[:, :, 0])


def test_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    Image.new("L", (10, 10)).save(tmp_path / "mask.png")
    with pytest.raises(BadMask):
        pictures.read_mask(tmp_path / "mask.png", 53, 37)


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


def test_failed_write_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(UnwritablePicture):
        pictures.write(tmp_path / "taken.png", Picture(noise(3, "u1")))
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken.png"]
