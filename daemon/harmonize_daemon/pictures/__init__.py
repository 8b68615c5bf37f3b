"""Picture files in and out, at their own depth, with profile and EXIF: PNG, JPEG, TIFF and WebP.

Pillow reads everything of 8 bits. It cannot hold 16-bit color, so 16-bit PNG goes through imagecodecs and
16-bit and float TIFF through tifffile. Pictures are read as they are seen: the EXIF orientation is applied.
Files with layers are in `openraster`.
"""

from .errors import PictureError, PictureTooLarge, UnreadablePicture, UnsupportedPicture, UnwritablePicture
from .formats import LAYERED_SUFFIXES
from .picture import Metadata, Picture, Pixels, to_u8_rgb
from .reading import read, read_mask
from .writing import write, write_whole

__all__ = [
    "LAYERED_SUFFIXES",
    "Metadata",
    "Picture",
    "PictureError",
    "PictureTooLarge",
    "Pixels",
    "UnreadablePicture",
    "UnsupportedPicture",
    "UnwritablePicture",
    "read",
    "read_mask",
    "to_u8_rgb",
    "write",
    "write_whole",
]
