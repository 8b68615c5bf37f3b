"""Picture files in and out, at their own depth, with profile, EXIF and captions: PNG, JPEG, TIFF and WebP.

Pillow reads everything of 8 bits. It cannot hold 16-bit color, so 16-bit PNG goes through imagecodecs and
16-bit and float TIFF through tifffile. Pictures are read as they are seen: the EXIF orientation is applied.
Files with layers are Krita's, GIMP's, Photoshop's or OpenRaster's: `read_layered`.
"""

from pathlib import Path

from .errors import (
    NothingAbove,
    PictureError,
    PictureTooLarge,
    UnreadablePicture,
    UnsupportedPicture,
    UnwritablePicture,
)
from .formats import LAYERED_SUFFIXES
from .layered import Layer, LayeredPicture
from .picture import Metadata, Picture, Pixels, to_u8
from .reading import read, read_mask
from .writing import check_place, check_suffix, encode, write, write_all

__all__ = [
    "LAYERED_SUFFIXES",
    "Layer",
    "LayeredPicture",
    "Metadata",
    "NothingAbove",
    "Picture",
    "PictureError",
    "PictureTooLarge",
    "Pixels",
    "UnreadablePicture",
    "UnsupportedPicture",
    "UnwritablePicture",
    "check_place",
    "check_suffix",
    "encode",
    "read",
    "read_layered",
    "read_mask",
    "read_merged",
    "to_u8",
    "write",
    "write_all",
]


def read_merged(path: Path) -> Picture:
    """A flat picture, or what is seen of a file with layers. Raises PictureError."""
    return read_layered(path).merged() if path.suffix.lower() in LAYERED_SUFFIXES else read(path)


def read_layered(path: Path) -> LayeredPicture:
    """Open a file with layers, by its suffix. Raises PictureError."""
    if path.suffix.lower() == ".ora":
        from .openraster import OpenRaster

        return OpenRaster(path)
    if path.suffix.lower() == ".kra":
        from .krita.document import Krita

        return Krita(path)
    if path.suffix.lower() == ".xcf":
        from .xcf.document import Xcf

        return Xcf(path)
    try:
        from .photoshop import Photoshop
    except ModuleNotFoundError as error:  # psd-tools, for Python 3.10
        raise UnsupportedPicture(
            f"{path.name} needs psd-tools ({error})", "install it, with Python 3.11 or newer"
        ) from error
    return Photoshop(path)
