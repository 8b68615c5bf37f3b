"""Writing: whole or not at all, in the format that the file's suffix names."""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin

from .errors import UnsupportedPicture, UnwritablePicture
from .formats import PNG_SIGNATURE, TIFF_TEXT_TAGS
from .picture import Metadata, Picture

_QUICK_FILTERS = imagecodecs.PNG.FILTER.SUB | imagecodecs.PNG.FILTER.UP | imagecodecs.PNG.FILTER.AVG
"""All but Paeth's, which takes long to undo."""
_PNG_COMPRESSION = {"level": 1, "strategy": imagecodecs.PNG.STRATEGY.RLE, "filter": _QUICK_FILTERS}
"""What filters leave of a photo hardly ever repeats itself but in runs: looking for more takes four times as long, and
gains nothing (`python -m harmonize_daemon.bench.files`)."""
_TIFF_COMPRESSION = {"level": 1}
"""Higher levels take several times as long and gain next to nothing."""
_TIFF_EXIF_TAG = 34665
_EXIF_PLACEHOLDER_TAG = 34666  # unassigned, and sorted where the EXIF tag will stand
_TIFF_LONG = 4
_NESTED_EXIF_TAGS = (ExifTags.Base.MakerNote, int(ExifTags.IFD.Interop))  # their offsets mean nothing elsewhere


def write(path: Path, picture: Picture) -> None:
    """Write a picture in the format that the file's suffix names. The file appears whole or not at all.

    Raises UnsupportedPicture where the format cannot hold it, and UnwritablePicture.
    """
    write_whole(path, encode(path.suffix, picture, path.name))


def encode(suffix: str, picture: Picture, name: str = "the picture") -> bytes:
    """The content of a file with that suffix. Raises UnsupportedPicture where the format cannot hold the picture."""
    encoder = _ENCODERS.get(suffix.lower())
    if encoder is None:
        known = ", ".join(sorted(_ENCODERS))
        raise UnsupportedPicture(f"Cannot write {name}, its suffix is not known", f"use one of {known}")
    return encoder(picture)


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


def _encode_png(picture: Picture) -> bytes:
    if picture.pixels.dtype.kind == "f":
        raise _cannot_hold("PNG", "float pixels", "TIFF")
    squeezed = picture.pixels[:, :, 0] if picture.pixels.shape[2] == 1 else picture.pixels
    content = imagecodecs.png_encode(np.ascontiguousarray(squeezed), **_PNG_COMPRESSION)
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
    end_of_header = len(PNG_SIGNATURE) + 25
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
        compressionargs=_TIFF_COMPRESSION,
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
        (int(tag), "s", 0, exif[tag], True) for tag in TIFF_TEXT_TAGS if isinstance(exif.get(tag), str)
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
