"""Reading: every format ends as the same upright pixels."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from harmonize_client import BadMask, HarmonizeError
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, JpegImagePlugin, UnidentifiedImageError

from .errors import PictureError, PictureTooLarge, UnreadablePicture, UnsupportedPicture
from .formats import PNG_SIGNATURE, TIFF_ICC_TAG, TIFF_TEXT_TAGS
from .picture import DEPTHS, Metadata, Picture, Pixels, to_u8

MAX_PIXELS = 500_000_000
"""Larger pictures are refused before they are decoded."""

_UNASSOCIATED_ALPHA = 2


def read(path: Path) -> Picture:
    """Read a picture, upright.

    Raises UnreadablePicture, PictureTooLarge or UnsupportedPicture.
    """
    with _reading(path):
        with path.open("rb") as file:
            head = file.read(26)
        if head.startswith(PNG_SIGNATURE) and len(head) == 26 and head[24] == 16:
            return _read_png16(path, path.read_bytes())
        if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _read_tiff(path)
        with _open_with_pillow(path, path) as image:
            return _from_pillow(image, path)


def read_png(data: bytes, name: str) -> Picture:
    """A PNG picture that lies within another file; name: how errors call it. Raises what `read` raises."""
    path = Path(name)
    with _reading(path):
        if not data.startswith(PNG_SIGNATURE) or len(data) < 26:
            raise UnreadablePicture(f"{name} is no PNG picture", "save the file again")
        if data[24] == 16:
            return _read_png16(path, data)
        with _open_with_pillow(BytesIO(data), path) as image:
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
    return _mask_from(to_u8(pixels))


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
def _open_with_pillow(source: Path | BytesIO, path: Path) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        # Pillow warns from 89 megapixels on; our own limit decides instead.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(source, formats=("PNG", "JPEG", "TIFF", "WEBP")) as image:
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


def _read_png16(path: Path, data: bytes) -> Picture:
    width, height = struct.unpack(">II", data[16:24])
    _check_size(path, width, height)
    pixels = imagecodecs.png_decode(data)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    with _open_with_pillow(BytesIO(data), path) as image:  # for its metadata only: nothing is decoded
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        metadata = _pillow_metadata(image)
    return Picture(np.ascontiguousarray(_upright(pixels, orientation)), metadata)


def _read_tiff(path: Path) -> Picture:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        _check_size(path, page.imagewidth, page.imagelength)
        if page.dtype == np.uint8 or page.dtype is None or page.dtype.kind == "b":
            with _open_with_pillow(path, path) as image:
                picture = _from_pillow(image, path)
            return replace(picture, metadata=_tiff_metadata(path, page))
        if page.dtype.name not in DEPTHS or page.photometric not in (
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
        for tag in TIFF_TEXT_TAGS:
            if isinstance(whole.get(tag), str):
                kept[tag] = whole[tag]
        camera = whole.get_ifd(ExifTags.IFD.Exif)
    if camera:
        kept.get_ifd(ExifTags.IFD.Exif).update(camera)
    return Metadata(
        icc=page.tags[TIFF_ICC_TAG].value if TIFF_ICC_TAG in page.tags else None,
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


def _mask_from(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    color = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, :1]
    if pixels.shape[2] in (2, 4) and not np.ptp(color.reshape(-1, color.shape[2]), axis=0).any():
        return np.ascontiguousarray(pixels[:, :, -1])
    if color.shape[2] == 1:
        return np.ascontiguousarray(color[:, :, 0])
    luma = color.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return (luma + 0.5).astype(np.uint8)
