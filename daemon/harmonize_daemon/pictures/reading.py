"""Reading: every format ends as the same upright pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import SEEK_CUR, BytesIO
from itertools import islice
from numbers import Real
from pathlib import Path
from typing import IO, Any

import imagecodecs
import numpy as np
import tifffile
from harmonize_client import BadMask, HarmonizeError
from numpy.typing import NDArray
from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from . import captions, exif
from .errors import PictureError, PictureTooLarge, UnreadablePicture, UnsupportedPicture, opening
from .formats import LAYERED_SUFFIXES, PNG_SIGNATURE, PNG_XMP, TIFF_ICC_TAG, TIFF_IPTC_TAG, TIFF_XMP_TAG
from .picture import DEPTHS, LUMA, Metadata, Picture, Pixels, to_u8

MAX_PIXELS = 500_000_000
"""Larger pictures are refused before they are decoded."""

_ASSOCIATED_ALPHA, _UNASSOCIATED_ALPHA = 1, 2
_TIFF_COLORS: dict[int, int] = {tifffile.PHOTOMETRIC.RGB: 3, tifffile.PHOTOMETRIC.MINISBLACK: 1}
_NOT_EVERYWHERE = {tifffile.COMPRESSION.WEBP, tifffile.COMPRESSION.ZSTD}
_TIFF_COMPRESSIONS = frozenset(TiffImagePlugin.COMPRESSION_INFO) - _NOT_EVERYWHERE
"""That Pillow reads, in all of its builds."""
_INCH, _CENTIMETER = 2, 3
_JPEG_BEGIN = b"\xff\xd8\xff"
_NO_FRAMES = (0xC4, 0xC8, 0xCC)
"""Markers among those of frames, 0xC0 … 0xCF, that are none (ITU-T T.81, table B.1)."""
_PNG_HEAD = 26
"""Bytes up to depth and color type (PNG specification, 11.2.2)."""
_MOST_PNG_PIXEL_BYTES = 10
"""Four channels of 16 bits and a row's filter, badly compressed."""
_COLOR_CHUNKS = {b"cICP": 4, b"mDCV": 24, b"cLLI": 8, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
"""And how many bytes they have (PNG specification, 11.3.2)."""
_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
_RAW_PROFILE = "Raw profile type "
"""How programs begin the keyword of a text that is, in hexadecimal numbers, what other formats have a place for."""
_READ_TEXTS = (PNG_XMP, *(f"{_RAW_PROFILE}{kind}".encode() for kind in ("exif", "xmp", "APP1", "icc", "icm")))
"""Keywords of texts that are read as something else, and written as that."""
_MOST_PNG_METADATA = 64 << 20
"""Bytes of profile, EXIF and texts."""

# Pillow refuses pictures of 179 megapixels, and warns from half of it on. It has no limit per picture, and one that is
# lifted and set again for each is no limit where pictures are read in several threads: ours holds for all.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# The same for a PNG file's profile and for each of its texts, of which Pillow takes no more than a megabyte.
PngImagePlugin.MAX_TEXT_CHUNK = _MOST_PNG_METADATA


def read(path: Path) -> Picture:
    """Read a picture, upright.

    Raises UnreadablePicture, PictureTooLarge or UnsupportedPicture.
    """
    with _reading(path):
        with path.open("rb") as file:
            if not file.seekable():
                raise UnreadablePicture(f"{path} is a pipe, which can be read only once", "give a file")
            head = file.read(_PNG_HEAD)
            if head.startswith(PNG_SIGNATURE):
                return _read_png(file, path, head)
            if head.startswith(_JPEG_BEGIN) and (bits := _jpeg_bits(file)) not in (0, 8):
                raise UnsupportedPicture(f"{path.name} is a JPEG file of {bits} bits", "save it as PNG or TIFF")
        if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _read_tiff(path)
        with _open_with_pillow(path, path) as image:
            return _from_pillow(image, path)


def read_png(stream: IO[bytes], name: str) -> Picture:
    """A PNG picture that lies within an archive; name: how errors call it. Raises what `read` raises.

    No more is read than a picture of its size can have: what is packed small may unpack to gigabytes.
    """
    path = Path(name)
    with _reading(path):
        data = stream.read(_PNG_HEAD)
        if not data.startswith(PNG_SIGNATURE) or len(data) < _PNG_HEAD:
            raise UnreadablePicture(f"{name} is no PNG picture", "save the file again")
        width, height = struct.unpack(">II", data[16:24])
        _check_size(path, width, height)
        data += stream.read(width * height * _MOST_PNG_PIXEL_BYTES + _MOST_PNG_METADATA)
        return _read_png(BytesIO(data), path, data)


def read_mask(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """Read a foreground mask as [H, W] uint8, 255 = foreground.

    A picture whose color is the same everywhere is taken by its alpha, if it is not opaque; any other by its luma.

    Raises BadMask for another size than `width` x `height`, and what `read` raises.
    """
    pixels = read(path).pixels
    if pixels.shape[:2] != (height, width):
        raise BadMask(
            f"The mask {path.name} is {pixels.shape[1]} x {pixels.shape[0]} pixels, the picture {width} x {height}",
            "save the mask at the size of the picture",
        )
    return _mask_from(to_u8(pixels))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what a file's place and size lead to into one clear error."""
    try:
        with opening(path):
            yield
    except UnidentifiedImageError as error:
        if path.suffix.lower() in LAYERED_SUFFIXES:
            raise UnreadablePicture(f"{path.name} has layers; a flat picture is wanted here", "export one") from error
        raise UnreadablePicture(f"{path.name} is no picture, or of a format that is not known") from error
    except OSError as error:
        raise _damaged(path, error) from error
    except MemoryError as error:
        raise PictureTooLarge(f"{path.name} takes more memory than there is") from error


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Around what only decoders do. Files of odd content make them raise anything, even AttributeError and TypeError;
    around our own code these would be our own errors."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except (HarmonizeError, OSError, MemoryError):
        raise
    except Exception as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> PictureError:
    return UnreadablePicture(f"{path.name} is damaged ({error})", "save it again")


def _too_large(path: Path) -> PictureError:
    return PictureTooLarge(f"{path.name} has more than {MAX_PIXELS // 1_000_000} megapixels")


def _several(path: Path, what: str) -> PictureError:
    return UnsupportedPicture(f"{path.name} has several {what}", "save the one to harmonize as a file of its own")


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(path)


@contextmanager
def _open_with_pillow(source: Path | IO[bytes], path: Path) -> Iterator[Image.Image]:
    with _decoding(path):
        image = Image.open(source, formats=("PNG", "JPEG", "TIFF", "WEBP"))
    with image:
        _check_size(path, *image.size)
        # The others in a JPEG file are previews and gain maps, those of a TIFF have been looked at.
        if image.format in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1:
            raise _several(path, "frames")
        yield image


def _from_pillow(image: Image.Image, path: Path) -> Picture:
    with _decoding(path):
        image.load()
        clear = image.mode == "PA" or "transparency" in image.info
    if image.mode in ("LA", "RGBA"):
        mode = image.mode
    elif image.mode in ("1", "L"):
        mode = "LA" if clear else "L"
    elif image.mode in ("RGB", "P", "PA"):
        mode = "RGBA" if clear else "RGB"
    else:
        raise UnsupportedPicture(f"{path.name} is in color mode {image.mode}")
    with _decoding(path):
        pixels = np.array(image if image.mode == mode else image.convert(mode))
    return _picture(pixels, _orientation(image), _pillow_metadata(image))


def _picture(pixels: Pixels, orientation: int, metadata: Metadata) -> Picture:
    """Of [H, W] or [H, W, C] pixels as they are stored."""
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return Picture(np.ascontiguousarray(_upright(pixels, orientation)), metadata)


def _orientation(image: Image.Image) -> int:
    """As EXIF or XMP says it: 1 … 8; 1 where that cannot be understood."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # the picture is not worse for it
        return 1
    return orientation if isinstance(orientation, int) else 1


def _pillow_metadata(image: Image.Image) -> Metadata:
    """Of a picture that will be upright."""
    tables, subsampling, iptc, segments = None, -1, None, b""
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        tables = tuple(tuple(table) for _, table in sorted(image.quantization.items()))
        subsampling = JpegImagePlugin.get_sampling(image)
        iptc = captions.iptc_of_jpeg(image.info.get("photoshop", {}))
        segments = captions.kept_segments(image.applist)
    block = _said(image, "exif") or _raw_profile(image, "exif")
    xmp = _said(image, "xmp") or _raw_profile(image, "xmp")
    return Metadata(
        icc=_said(image, "icc_profile"),
        exif=exif.upright(block) if block else None,
        xmp=captions.upright(xmp) if xmp else None,
        iptc=iptc,
        dpi=_dpi(image.info.get("dpi")),
        jpeg_tables=tables,
        jpeg_subsampling=subsampling,
        jpeg_segments=segments,
    )


def _said(image: Image.Image, what: str) -> bytes | None:
    """By Pillow; the texts of a PNG file stand among it, and may be called the same."""
    value = image.info.get(what)
    return value if isinstance(value, bytes) else None


def _raw_profile(image: Image.Image, kind: str) -> bytes | None:
    """What PNG files of older programs hold as text, whose lines are a kind, a length and hexadecimal."""
    profile = image.info.get(_RAW_PROFILE + kind)
    if not isinstance(profile, str):
        return None
    try:
        return bytes.fromhex("".join(profile.split("\n")[3:]))
    except ValueError:
        return None


def _dpi(dpi: tuple[Any, Any] | None) -> tuple[float, float] | None:
    """A resolution, where it is one that all formats can hold: JPEG has two bytes for it."""
    if not dpi or not all(isinstance(value, Real) for value in dpi):
        return None
    try:
        x, y = map(float, dpi)
    except ZeroDivisionError:  # by fractions of Pillow 12
        return None
    return (x, y) if 1 <= x <= 0xFFFF and 1 <= y <= 0xFFFF else None


def _is_beyond_pillow(png: bytes) -> bool:
    """Pillow does not hold 16 bits of color, and looks for the transparent grey of 2 and 4 bits among 8 bits."""
    depth, kind = png[24:25], png[25:26]
    return depth == b"\x10" or (depth in (b"\x02", b"\x04") and kind == b"\0")


def _jpeg_bits(file: IO[bytes]) -> int:
    """Of a number in a JPEG file, of which Pillow says nothing but that it is none; 0 where the file does not tell."""
    file.seek(2)
    while len(head := file.read(4)) == 4 and head[0] == 0xFF:
        if 0xC0 <= head[1] <= 0xCF and head[1] not in _NO_FRAMES:
            return int.from_bytes(file.read(1), "big")
        file.seek(int.from_bytes(head[2:], "big") - 2, SEEK_CUR)
    return 0


def _read_png(file: IO[bytes], path: Path, head: bytes) -> Picture:
    colors, texts = _kept_chunks(file)
    file.seek(0)
    if _is_beyond_pillow(head):
        picture = _read_png_whole(path, file.read())
    else:
        with _open_with_pillow(file, path) as image:
            picture = _from_pillow(image, path)
    return replace(picture, metadata=replace(picture.metadata, png_colors=colors, png_texts=texts))


def _kept_chunks(png: IO[bytes]) -> tuple[bytes, bytes]:
    """The chunks before the pixels that say, beside a profile, which colors their numbers mean, and those of texts."""
    colors, texts = {}, []
    before_pixels = True
    png.seek(len(PNG_SIGNATURE))
    while len(head := png.read(8)) == 8 and (kind := head[4:]) != b"IEND":
        length = int.from_bytes(head[:4], "big")
        before_pixels = before_pixels and kind != b"IDAT"
        if kind not in _TEXT_CHUNKS and not (before_pixels and length == _COLOR_CHUNKS.get(kind)):
            png.seek(length + 4, SEEK_CUR)
            continue
        chunk = head + png.read(length + 4)
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):  # nobody looks at those behind the pixels
            continue
        if kind in _COLOR_CHUNKS:
            colors[kind] = chunk
        elif chunk[8:].partition(b"\0")[0] not in _READ_TEXTS:
            texts.append(chunk)
    return b"".join(colors.values()), b"".join(texts)


def _read_png_whole(path: Path, data: bytes) -> Picture:
    width, height = struct.unpack(">II", data[16:24])
    _check_size(path, width, height)
    with _decoding(path):
        pixels = imagecodecs.png_decode(data)
    with _open_with_pillow(BytesIO(data), path) as image:  # for what it says about its pixels
        return _picture(pixels, _orientation(image), _pillow_metadata(image))


def _read_tiff(path: Path) -> Picture:
    with _decoding(path):
        tiff = tifffile.TiffFile(path)
    with tiff:
        with _decoding(path):
            page = tiff.pages.first
            width, height = int(page.imagewidth), int(page.imagelength)
            dtype, photometric = page.dtype, page.photometric
            extra = tuple(map(int, page.extrasamples))
            is_shallow = dtype is None or dtype == np.uint8 or dtype.kind == "b"
            compression = page.compression
            for_pillow = is_shallow and compression in _TIFF_COMPRESSIONS
            for_pillow &= not (tiff.is_bigtiff and tiff.byteorder == ">")  # which it does not know
            single = all(_is_thumbnail(other.aspage()) for other in islice(tiff.pages, 1, None))
        _check_size(path, width, height)
        if not single:
            raise _several(path, "pages")
        if extra not in ((), (_UNASSOCIATED_ALPHA,)) and not (for_pillow and extra == (_ASSOCIATED_ALPHA,)):
            raise UnsupportedPicture(
                f"{path.name} has premultiplied alpha or further channels",
                "save it with straight alpha, or without",
            )
        metadata = _tiff_metadata(path, page)
        if for_pillow:
            with _open_with_pillow(path, path) as image:
                return replace(_from_pillow(image, path), metadata=metadata)
        if compression not in tifffile.TIFF.DECOMPRESSORS:
            kind = getattr(compression, "name", compression)
            raise UnsupportedPicture(
                f"{path.name} is compressed in a way that is not known ({kind})",
                "save it with another compression, or with none",
            )
        colors = _TIFF_COLORS.get(photometric)
        if dtype is None or dtype.name not in DEPTHS or dtype.itemsize * 8 != page.bitspersample or colors is None:
            kind = getattr(photometric, "name", photometric)
            raise UnsupportedPicture(
                f"{path.name} holds {kind} pixels of type {dtype}, {page.bitspersample} bits of them",
                "convert it to RGB or grey at 8 bits, 16 bits or float first",
            )
        # What is packed small may unpack to any amount.
        if page.size not in (width * height * colors, width * height * (colors + 1)):
            raise UnsupportedPicture(f"{path.name} holds pixels of shape {page.shape}")
        with _decoding(path):
            pixels = page.asarray()
            orientation = page.tags.valueof(int(ExifTags.Base.Orientation), default=1)
            if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3:
                pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[:2] != (height, width) or pixels.shape[2] not in (colors, colors + 1):
        raise UnsupportedPicture(f"{path.name} holds pixels of shape {pixels.shape}")
    return _picture(pixels, orientation, metadata)


def _is_thumbnail(page: tifffile.TiffPage) -> bool:
    """The first page once more, smaller, for programs that show many; cameras store it as EXIF does."""
    return bool(page.is_reduced) or "JPEGInterchangeFormat" in page.tags


def _tiff_metadata(path: Path, page: tifffile.TiffPage) -> Metadata:
    """Profile, resolution, the camera's EXIF and the texts: not the tags that describe how the pixels are stored."""
    with path.open("rb") as file:
        block = exif.of_tiff(file)
    with _decoding(path):
        has_unit = page.tags.valueof("ResolutionUnit", default=_INCH) in (_INCH, _CENTIMETER)
        icc, xmp, iptc = (page.tags.valueof(tag) for tag in (TIFF_ICC_TAG, TIFF_XMP_TAG, TIFF_IPTC_TAG))
        return Metadata(
            icc=icc if isinstance(icc, bytes) else None,
            exif=block,
            xmp=captions.upright(xmp) if isinstance(xmp, bytes) else None,
            iptc=captions.iptc_of_tiff(iptc) if isinstance(iptc, bytes) else None,
            dpi=_dpi(page.get_resolution("INCH")) if has_unit and "XResolution" in page.tags else None,
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


def _mask_from(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    color = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, :1]
    alpha = pixels[:, :, -1]
    has_alpha = pixels.shape[2] in (2, 4) and (alpha != 255).any()  # many programs save alpha that says nothing
    if has_alpha and (color == color[0, 0]).all():
        return np.ascontiguousarray(alpha)
    if color.shape[2] == 1:
        return np.ascontiguousarray(color[:, :, 0])
    luma = color.astype(np.float32) @ LUMA
    return (luma + 0.5).astype(np.uint8)
