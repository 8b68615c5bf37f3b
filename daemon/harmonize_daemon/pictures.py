"""Picture files in and out, at their own depth, with profile and EXIF: PNG, JPEG, TIFF and WebP.

Pillow reads everything of 8 bits. It cannot hold 16-bit color, so 16-bit PNG goes through imagecodecs and
16-bit and float TIFF through tifffile. Pictures are read as they are seen: the EXIF orientation is applied.
"""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from harmonize_client import BadMask, HarmonizeError
from harmonize_client.values import Depth, Layout
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, JpegImagePlugin, TiffImagePlugin, UnidentifiedImageError

Pixels = NDArray[Any]

MAX_PIXELS = 500_000_000
"""Larger pictures are refused before they are decoded."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LAYOUTS: dict[int, Layout] = {1: "Y", 2: "YA", 3: "RGB", 4: "RGBA"}
_DEPTHS: dict[str, Depth] = {"uint8": "u8", "uint16": "u16", "float16": "f16", "float32": "f32"}
_TIFF_ICC_TAG = 34675
_TIFF_EXIF_TAG = 34665
_EXIF_PLACEHOLDER_TAG = 34666  # unassigned, and sorted where the EXIF tag will stand
_TIFF_LONG = 4
_TIFF_TEXT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
_NESTED_EXIF_TAGS = (ExifTags.Base.MakerNote, int(ExifTags.IFD.Interop))  # their offsets mean nothing elsewhere
_UNASSOCIATED_ALPHA = 2


class PictureError(HarmonizeError):
    """A picture file that cannot be read or written."""


class UnreadablePicture(PictureError):
    """The file is missing, damaged or no picture."""

    default_code = "unreadable_picture"
    default_hint = "use a PNG, JPEG, TIFF or WebP file"


class UnsupportedPicture(PictureError):
    """The file holds, or should hold, something that is not supported."""

    default_code = "unsupported_picture"
    default_hint = "convert it to RGB or grey first"


class PictureTooLarge(PictureError):
    """The picture has more pixels than are accepted."""

    default_code = "too_large"
    default_hint = "crop the picture or scale it down"


class UnwritablePicture(PictureError):
    """The file cannot be written where it should be."""

    default_code = "unwritable_picture"
    default_hint = "check the folder and the space left"


@dataclass(frozen=True)
class Metadata:
    """What a file says about its picture, carried over to the result."""

    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    jpeg_tables: tuple[tuple[int, ...], ...] | None = None
    """The source's own quantization tables, so that saving as JPEG again loses as little as possible."""
    jpeg_subsampling: int = -1


@dataclass(frozen=True)
class Picture:
    """A decoded picture."""

    pixels: Pixels
    """[H, W, C], C = 1 … 4 (grey, grey + alpha, RGB, RGBA); uint8, uint16, float16 or float32; contiguous."""
    metadata: Metadata = Metadata()

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def layout(self) -> Layout:
        """`Y`, `YA`, `RGB` or `RGBA`."""
        return _LAYOUTS[self.pixels.shape[2]]

    @property
    def depth(self) -> Depth:
        """`u8`, `u16`, `f16` or `f32`."""
        return _DEPTHS[self.pixels.dtype.name]

    def with_pixels(self, pixels: Pixels) -> Picture:
        """The same file with other pixels."""
        return replace(self, pixels=pixels)


def read(path: Path) -> Picture:
    """Read a picture, upright.

    Raises UnreadablePicture, PictureTooLarge or UnsupportedPicture.
    """
    with _reading(path):
        with path.open("rb") as file:
            head = file.read(26)
        if head.startswith(_PNG_SIGNATURE) and len(head) == 26 and head[24] == 16:
            return _read_png16(path, head)
        if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _read_tiff(path)
        with _open_with_pillow(path) as image:
            return _from_pillow(image, path)


def read_mask(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """Read a foreground mask as [H, W] uint8, 255 = foreground.

    A picture whose color is the same everywhere is taken by its alpha, any other by its luma.

    Raises BadMask for another size than `width` x `height`, and what `read` raises.
    """
    pixels = read(path).pixels
    if pixels.shape[:2] != (height, width):
        raise BadMask(
            f"The mask {path.name} is {pixels.shape[1]} x {pixels.shape[0]} pixels, the picture {width} x {height}",
            "save the mask at the size of the picture",
        )
    return _mask_from(_to_u8(pixels))


def write(path: Path, picture: Picture) -> None:
    """Write a picture in the format that the file's suffix names. The file appears whole or not at all.

    Raises UnsupportedPicture where the format cannot hold it, and UnwritablePicture.
    """
    encoder = _ENCODERS.get(path.suffix.lower())
    if encoder is None:
        known = ", ".join(sorted(_ENCODERS))
        raise UnsupportedPicture(f"Cannot write {path.name}, its suffix is not known", f"use one of {known}")
    write_whole(path, encoder(picture))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, then rename it, so that nobody ever sees half of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UnwritablePicture(f"Cannot write {path} ({error.strerror})") from error


def to_u8_rgb(picture: Picture) -> NDArray[np.uint8]:
    """[H, W, 3] uint8: the picture without alpha at 8 bits, for thumbnails and previews."""
    pixels = _to_u8(picture.pixels)
    if pixels.shape[2] <= 2:
        return np.ascontiguousarray(np.repeat(pixels[:, :, :1], 3, axis=2))
    return np.ascontiguousarray(pixels[:, :, :3])


# Reading


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what decoders raise into one clear error."""
    try:
        yield
    except HarmonizeError:
        raise
    except FileNotFoundError as error:
        raise UnreadablePicture(f"There is no file {path}", "check the path") from error
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except OSError as error:
        known = not isinstance(error, UnidentifiedImageError)
        raise UnreadablePicture(f"{path.name} cannot be read" + (f" ({error})" if known else "")) from error
    except (ValueError, KeyError, IndexError, struct.error, SyntaxError, RuntimeError, zlib.error) as error:
        raise UnreadablePicture(f"{path.name} is damaged ({error})", "save it again") from error


def _too_large(path: Path) -> PictureError:
    return PictureTooLarge(f"{path.name} has more than {MAX_PIXELS // 1_000_000} megapixels")


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(path)


@contextmanager
def _open_with_pillow(path: Path) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        # Pillow warns from 89 megapixels on; our own limit decides instead.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=("PNG", "JPEG", "TIFF", "WEBP")) as image:
            _check_size(path, *image.size)
            yield image


def _from_pillow(image: Image.Image, path: Path) -> Picture:
    upright = ImageOps.exif_transpose(image)
    metadata = _pillow_metadata(image)
    if upright.mode in ("1", "L", "LA", "RGB", "RGBA"):
        converted = upright.convert("L") if upright.mode == "1" else upright
    elif upright.mode in ("P", "PA"):
        transparent = "transparency" in upright.info or upright.mode == "PA"
        converted = upright.convert("RGBA" if transparent else "RGB")
    else:
        raise UnsupportedPicture(f"{path.name} is in color mode {upright.mode}")
    pixels = np.array(converted)
    return Picture(pixels[:, :, None] if pixels.ndim == 2 else pixels, metadata)


def _pillow_metadata(image: Image.Image) -> Metadata:
    exif = image.getexif()
    exif.pop(ExifTags.Base.Orientation, None)  # the pixels are upright from here on
    tables, subsampling = None, -1
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        tables = tuple(tuple(table) for _, table in sorted(image.quantization.items()))
        subsampling = JpegImagePlugin.get_sampling(image)
    return Metadata(
        icc=image.info.get("icc_profile"),
        exif=exif.tobytes() if len(exif) else None,
        dpi=image.info.get("dpi"),
        jpeg_tables=tables,
        jpeg_subsampling=subsampling,
    )


def _read_png16(path: Path, head: bytes) -> Picture:
    width, height = struct.unpack(">II", head[16:24])
    _check_size(path, width, height)
    pixels = imagecodecs.png_decode(path.read_bytes())
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    with _open_with_pillow(path) as image:  # for its metadata only: nothing is decoded
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        metadata = _pillow_metadata(image)
    return Picture(np.ascontiguousarray(_upright(pixels, orientation)), metadata)


def _read_tiff(path: Path) -> Picture:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        _check_size(path, page.imagewidth, page.imagelength)
        if page.dtype == np.uint8 or page.dtype is None or page.dtype.kind == "b":
            with _open_with_pillow(path) as image:
                picture = _from_pillow(image, path)
            return replace(picture, metadata=_tiff_metadata(path, page))
        if page.dtype.name not in _DEPTHS or page.photometric not in (
            tifffile.PHOTOMETRIC.RGB,
            tifffile.PHOTOMETRIC.MINISBLACK,
        ):
            raise UnsupportedPicture(
                f"{path.name} holds {page.photometric.name} pixels of type {page.dtype}",
                "convert it to RGB or grey at 8 bits, 16 bits or float first",
            )
        if any(sample != _UNASSOCIATED_ALPHA for sample in page.extrasamples):
            raise UnsupportedPicture(
                f"{path.name} has premultiplied alpha or further channels",
                "save it with straight alpha, or without",
            )
        pixels = page.asarray()
        orientation = page.tags[274].value if 274 in page.tags else 1
        metadata = _tiff_metadata(path, page)
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return Picture(np.ascontiguousarray(_upright(pixels, int(orientation))), metadata)


def _tiff_metadata(path: Path, page: tifffile.TiffPage) -> Metadata:
    """Profile, resolution, the camera's EXIF and the texts: not the tags that describe how the pixels are stored."""
    whole, kept = Image.Exif(), Image.Exif()
    with path.open("rb") as file:
        whole.load_from_fp(file)
        for tag in _TIFF_TEXT_TAGS:
            if isinstance(whole.get(tag), str):
                kept[tag] = whole[tag]
        camera = whole.get_ifd(ExifTags.IFD.Exif)
    if camera:
        kept.get_ifd(ExifTags.IFD.Exif).update(camera)
    return Metadata(
        icc=page.tags[_TIFF_ICC_TAG].value if _TIFF_ICC_TAG in page.tags else None,
        exif=kept.tobytes() if len(kept) else None,
        dpi=page.get_resolution("INCH") if "XResolution" in page.tags else None,
    )


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Apply an EXIF orientation (1 … 8) to [H, W, C] pixels."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _to_u8(pixels: Pixels) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return (np.nan_to_num(pixels.astype(np.float32)).clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _mask_from(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    color = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, :1]
    if pixels.shape[2] in (2, 4) and not np.ptp(color.reshape(-1, color.shape[2]), axis=0).any():
        return np.ascontiguousarray(pixels[:, :, -1])
    if color.shape[2] == 1:
        return np.ascontiguousarray(color[:, :, 0])
    luma = color.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return (luma + 0.5).astype(np.uint8)


# Writing


def _encode_png(picture: Picture) -> bytes:
    if picture.pixels.dtype.kind == "f":
        raise _cannot_hold("PNG", "float pixels", "TIFF")
    squeezed = picture.pixels[:, :, 0] if picture.pixels.shape[2] == 1 else picture.pixels
    content = imagecodecs.png_encode(np.ascontiguousarray(squeezed), level=5)
    return _with_png_chunks(bytes(content), picture.metadata)


def _with_png_chunks(content: bytes, metadata: Metadata) -> bytes:
    """Put profile, EXIF and resolution behind the IHDR chunk (PNG specification, sections 5.6 and 11.3)."""
    chunks = b""
    if metadata.icc:
        chunks += _png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dpi:
        per_meter = [max(1, round(float(dpi) / 0.0254)) for dpi in metadata.dpi]
        chunks += _png_chunk(b"pHYs", struct.pack(">IIB", *per_meter, 1))
    if metadata.exif:
        chunks += _png_chunk(b"eXIf", metadata.exif.removeprefix(b"Exif\0\0"))
    end_of_header = len(_PNG_SIGNATURE) + 25
    return content[:end_of_header] + chunks + content[end_of_header:]


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _encode_jpeg(picture: Picture) -> bytes:
    tables = picture.metadata.jpeg_tables
    channels = picture.pixels.shape[2]
    # Tables of a grey source do not fit a color result, and the other way round.
    if tables and (len(tables) > 1) == (channels == 3):
        options: dict[str, Any] = {"qtables": tables, "subsampling": picture.metadata.jpeg_subsampling}
    else:
        options = {"quality": 95, "subsampling": 0}
    return _encode_with_pillow(picture, "JPEG", alpha=False, optimize=True, **options)


def _encode_webp(picture: Picture) -> bytes:
    return _encode_with_pillow(picture, "WEBP", lossless=True, exact=True)


def _encode_tiff(picture: Picture) -> bytes:
    exif = Image.Exif()
    exif.load(picture.metadata.exif or b"")
    channels = picture.pixels.shape[2]
    stream = BytesIO()
    tifffile.imwrite(
        stream,
        picture.pixels[:, :, 0] if channels == 1 else picture.pixels,
        photometric="rgb" if channels >= 3 else "minisblack",
        planarconfig=None if channels == 1 else "contig",
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression="zlib",
        predictor=picture.pixels.dtype.kind == "u",
        iccprofile=picture.metadata.icc,
        resolution=picture.metadata.dpi,
        resolutionunit="INCH" if picture.metadata.dpi else None,
        metadata=None,
        software=False,
        extratags=_tiff_exif_tags(exif),
    )
    return _with_exif_directory(stream.getvalue(), exif)


def _tiff_exif_tags(exif: Image.Exif) -> list[tuple[int, str, int, str | int, bool]]:
    """The text tags of the main directory, and a place for the offset of the EXIF directory."""
    tags: list[tuple[int, str, int, str | int, bool]] = [
        (int(tag), "s", 0, exif[tag], True) for tag in _TIFF_TEXT_TAGS if isinstance(exif.get(tag), str)
    ]
    if exif.get_ifd(ExifTags.IFD.Exif):
        tags.append((_EXIF_PLACEHOLDER_TAG, "I", 1, 0, True))
    return tags


def _with_exif_directory(content: bytes, exif: Image.Exif) -> bytes:
    """Append the EXIF directory to a TIFF and point tag 34665 to it: tifffile does not write sub-directories."""
    fields = exif.get_ifd(ExifTags.IFD.Exif)
    if not fields:
        return content
    content += b"\0" * (len(content) % 2)  # directories begin at even offsets
    with tifffile.TiffFile(BytesIO(content)) as tiff:
        order, entry = tiff.byteorder, tiff.pages[0].tags[_EXIF_PLACEHOLDER_TAG].offset
    directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II" if order == "<" else b"MM")
    directory.update({tag: value for tag, value in fields.items() if tag not in _NESTED_EXIF_TAGS})
    pointer = struct.pack(order + "HHII", _TIFF_EXIF_TAG, _TIFF_LONG, 1, len(content))
    return content[:entry] + pointer + content[entry + 12 :] + directory.tobytes(len(content))


def _encode_with_pillow(picture: Picture, fmt: str, *, alpha: bool = True, **options: Any) -> bytes:
    pixels = picture.pixels
    if pixels.dtype != np.uint8:
        raise _cannot_hold(fmt, f"{pixels.dtype.itemsize * 8}-bit pixels", "PNG or TIFF")
    if not alpha and pixels.shape[2] in (2, 4):
        raise _cannot_hold(fmt, "transparency", "PNG, TIFF or WebP")
    stream = BytesIO()
    for name, value in (
        ("icc_profile", picture.metadata.icc),
        ("exif", picture.metadata.exif),
        ("dpi", picture.metadata.dpi),
    ):
        if value:
            options[name] = value
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stream, fmt, **options)
    return stream.getvalue()


def _cannot_hold(fmt: str, what: str, instead: str) -> UnsupportedPicture:
    return UnsupportedPicture(f"{fmt} cannot hold {what}", f"save as {instead}")


_ENCODERS = {
    ".jpeg": _encode_jpeg,
    ".jpg": _encode_jpeg,
    ".png": _encode_png,
    ".tif": _encode_tiff,
    ".tiff": _encode_tiff,
    ".webp": _encode_webp,
}
