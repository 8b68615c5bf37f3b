"""Writing: whole or not at all, in the format that the file's suffix names."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import imagecodecs
import numpy as np
import tifffile
from harmonize_models.commands import check_writable
from PIL import Image

from . import captions, exif
from .errors import UnsupportedPicture, UnwritablePicture
from .formats import PNG_SIGNATURE, PNG_XMP, TIFF_IPTC_TAG, TIFF_XMP_TAG
from .picture import Metadata, Picture

_PNG_COMPRESSION = {"level": 1, "strategy": imagecodecs.PNG.STRATEGY.RLE, "filter": imagecodecs.PNG.FILTER.FAST}
"""What filters leave of a photo hardly ever repeats itself but in runs: looking for more takes four times as long, and
gains nothing (`python -m harmonize_daemon.bench.files`)."""
_TIFF_COMPRESSION = {"level": 1}
"""Higher levels take several times as long and gain next to nothing."""
_WEBP_EFFORT = 0
"""Pillow calls it quality where nothing is lost. Its own 80 takes two to five times as long to gain less than
a hundredth."""
_MOST_PIXELS_ASIDE = {"JPEG": 65_500, "PNG": 1_000_000, "WEBP": 16_383}
"""What the formats, or the libraries that write them, take as width and height."""
_JPEG_HEAD = 20
"""Bytes of the marker and of the segment that say that it is a JPEG file (JFIF specification, page 5)."""
_MOST_JPEG_EXIF = 65_533
"""One marker's bytes."""


def write(path: Path, picture: Picture) -> None:
    """Write a picture in the format that the file's suffix names. The file appears whole or not at all.

    Raises UnsupportedPicture where the format cannot hold it, and UnwritablePicture.
    """
    write_all([(path, encode(path.suffix, picture, path.name))])


def encode(suffix: str, picture: Picture, name: str = "the picture") -> bytes:
    """The content of a file with that suffix. Raises UnsupportedPicture where the format cannot hold the picture."""
    return _encoder_of(suffix, name)(picture)


def check_suffix(path: Path) -> None:
    """Raises UnsupportedPicture where no picture can be written to a file of that name."""
    _encoder_of(path.suffix, path.name)


def _encoder_of(suffix: str, name: str) -> Callable[[Picture], bytes]:
    encoder = _ENCODERS.get(suffix.lower())
    if encoder is None:
        known = ", ".join(sorted(_ENCODERS))
        raise UnsupportedPicture(f"Cannot write {name}, its suffix is not known", f"use one of {known}")
    return encoder


def check_place(path: Path) -> None:
    """Raises UnwritablePicture where no file can be written there, as far as can be known before."""
    try:
        check_writable(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> UnwritablePicture:
    return UnwritablePicture(f"Cannot write {path} ({error.strerror})")


def write_all(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write all of the files or none. Raises UnwritablePicture.

    Each is written beside its place, and renamed when all are, so that nobody ever sees half of one.
    """
    # Names of their own: with something added, the files' may be too long.
    places = [(path, path.parent / f".{uuid4().hex}.part") for path, _ in files]
    path = Path()
    try:
        for (path, beside), (_, content) in zip(places, files, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_beside(path, beside, content)
        for path, beside in places:
            beside.replace(path)
    except BaseException as error:  # Ctrl-C as well
        for _, beside in places:
            with suppress(OSError):  # where it is not, for instance
                beside.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


def _write_beside(path: Path, beside: Path, content: bytes) -> None:
    """Write onto the disk what is to take the place of `path`: as private as what is there, which may be protected.

    After a power failure, what was only on its way to the disk would be an empty file.
    """
    check_writable(path)
    replaces = path.exists()
    with beside.open("wb") as file:
        if replaces:
            shutil.copymode(path, beside)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _encode_png(picture: Picture) -> bytes:
    if picture.pixels.dtype.kind == "f":
        raise _cannot_hold("PNG", "float pixels", "TIFF")
    _check_sides(picture, "PNG", "TIFF")
    squeezed = picture.pixels[:, :, 0] if picture.pixels.shape[2] == 1 else picture.pixels
    rows = picture.pixels.nbytes + picture.height  # a row begins with the number of its filter
    most = rows + rows // 8 + (1 << 16)  # imagecodecs has too little room for noise that is one pixel wide
    content = imagecodecs.png_encode(np.ascontiguousarray(squeezed), **_PNG_COMPRESSION, out=most)
    return _with_png_chunks(bytes(content), picture.metadata)


def _with_png_chunks(content: bytes, metadata: Metadata) -> bytes:
    """Put all that is said of a picture behind the IHDR chunk (PNG specification, sections 5.6 and 11.3)."""
    chunks = metadata.png_colors + metadata.png_texts
    if metadata.icc:
        chunks += _png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dpi:
        per_meter = [max(1, round(float(dpi) / 0.0254)) for dpi in metadata.dpi]
        chunks += _png_chunk(b"pHYs", struct.pack(">IIB", *per_meter, 1))
    if metadata.exif:
        chunks += _png_chunk(b"eXIf", metadata.exif.removeprefix(exif.PREFIX))
    if metadata.xmp:
        chunks += _png_chunk(b"iTXt", PNG_XMP + bytes(5) + metadata.xmp)  # not packed, of no language
    end_of_header = len(PNG_SIGNATURE) + 25
    return content[:end_of_header] + chunks + content[end_of_header:]


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _encode_jpeg(picture: Picture) -> bytes:
    if len(picture.metadata.exif or b"") > _MOST_JPEG_EXIF:
        raise _cannot_hold("JPEG", f"more than {_MOST_JPEG_EXIF} bytes of EXIF", "PNG, TIFF or WebP")
    if len(picture.metadata.xmp or b"") > captions.MOST_JPEG_XMP:
        picture = replace(picture, metadata=replace(picture.metadata, xmp=None))
    tables = picture.metadata.jpeg_tables
    channels = picture.pixels.shape[2]
    # Tables of a grey source do not fit a color result, and the other way round.
    if tables and (len(tables) > 1) == (channels == 3):
        options: dict[str, Any] = {"qtables": tables, "subsampling": picture.metadata.jpeg_subsampling}
    else:
        options = {"quality": 95, "subsampling": 0}
    try:
        content = _encode_with_pillow(picture, "JPEG", alpha=False, optimize=True, **options)
    except OSError:  # Pillow has two bytes a pixel for it, and grain at the highest quality takes more
        content = _encode_with_pillow(picture, "JPEG", alpha=False, **options)
    iptc = captions.jpeg_segment(picture.metadata.iptc) if picture.metadata.iptc else b""
    return content[:_JPEG_HEAD] + iptc + picture.metadata.jpeg_segments + content[_JPEG_HEAD:]


def _encode_webp(picture: Picture) -> bytes:
    return _encode_with_pillow(picture, "WEBP", lossless=True, exact=True, quality=_WEBP_EFFORT)


def _encode_tiff(picture: Picture) -> bytes:
    parts = exif.parts(picture.metadata.exif or b"")
    channels = picture.pixels.shape[2]
    xmp, iptc = picture.metadata.xmp or b"", captions.for_tiff(picture.metadata.iptc or b"")
    stream = BytesIO()
    tifffile.imwrite(
        stream,
        picture.pixels[:, :, 0] if channels == 1 else picture.pixels,
        byteorder="<",
        photometric="rgb" if channels >= 3 else "minisblack",
        planarconfig=None if channels == 1 else "contig",
        extrasamples=["unassalpha"] if picture.has_alpha else None,
        compression="zlib",
        compressionargs=_TIFF_COMPRESSION,
        predictor=picture.pixels.dtype.kind == "u",
        iccprofile=picture.metadata.icc,
        resolution=picture.metadata.dpi,
        resolutionunit="INCH" if picture.metadata.dpi else None,
        metadata=None,
        software=False,
        extratags=[
            *((tag, "s", 0, text, True) for tag, text in parts.texts.items()),
            *([(TIFF_XMP_TAG, "B", len(xmp), xmp, True)] if xmp else []),
            *([(TIFF_IPTC_TAG, "I", len(iptc) // 4, iptc, True)] if iptc else []),
            *((_placeholder(tag), "I", 1, 0, True) for tag in parts.directories),
        ],
    )
    _append_directories(stream, parts.directories)
    return stream.getvalue()


def _append_directories(stream: BytesIO, directories: dict[int, exif.Directory]) -> None:
    """Append them to a TIFF file, where placeholders become the tags that point to them: tifffile writes none."""
    if not directories:
        return
    stream.seek(0)
    with tifffile.TiffFile(stream) as tiff:
        entries = {tag: tiff.pages[0].tags[_placeholder(tag)].offset for tag in directories}
        is_big = tiff.is_bigtiff
    for tag, directory in directories.items():
        end = stream.seek(0, SEEK_END)
        at = end + end % 2  # directories begin at even offsets
        stream.write(b"\0" * (at - end) + exif.directory_bytes(directory, at, big=is_big))
        stream.seek(entries[tag])
        stream.write(exif.pointer_bytes(tag, at, big=is_big))


def _placeholder(tag: int) -> int:
    """A tag that is unassigned, and sorted where this one will stand."""
    return tag + 1


def _encode_with_pillow(picture: Picture, fmt: str, *, alpha: bool = True, **options: Any) -> bytes:
    pixels = picture.pixels
    if pixels.dtype != np.uint8:
        raise _cannot_hold(fmt, f"{pixels.dtype.itemsize * 8}-bit pixels", "PNG or TIFF")
    if picture.has_alpha and not alpha:
        raise _cannot_hold(fmt, "transparency", "PNG, TIFF or WebP")
    _check_sides(picture, fmt, "TIFF or PNG")
    stream = BytesIO()
    for name, value in (
        ("icc_profile", picture.metadata.icc),
        ("exif", picture.metadata.exif),
        ("dpi", picture.metadata.dpi),
        ("xmp", picture.metadata.xmp),
    ):
        if value:
            options[name] = value
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stream, fmt, **options)
    return stream.getvalue()


def _check_sides(picture: Picture, fmt: str, instead: str) -> None:
    most = _MOST_PIXELS_ASIDE[fmt]
    if max(picture.width, picture.height) > most:
        raise _cannot_hold(fmt, f"{picture.width} x {picture.height} pixels, but {most} on a side", instead)


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
