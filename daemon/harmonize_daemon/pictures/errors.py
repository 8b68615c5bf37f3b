"""What can be wrong with a picture file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harmonize_client import HarmonizeError


class PictureError(HarmonizeError):
    """A picture file that cannot be read or written."""


class UnreadablePicture(PictureError):
    """The file is missing, damaged or no picture."""

    default_code = "unreadable_picture"
    default_hint = "use a PNG, JPEG, TIFF, WebP, KRA, XCF, PSD or OpenRaster file"


class UnsupportedPicture(PictureError):
    """The file holds, or should hold, something that is not supported."""

    default_code = "unsupported_picture"
    default_hint = "convert it to RGB or grey first"


class PictureTooLarge(PictureError):
    """The picture has more pixels than are accepted."""

    default_code = "too_large"
    default_hint = "crop the picture or scale it down"


class NothingAbove(PictureError):
    """No layer lies above the one that is to fit what does."""

    default_code = "nothing_above"
    default_hint = "name a lower layer with --layer"


class UnwritablePicture(PictureError):
    """The file cannot be written where it should be."""

    default_code = "unwritable_picture"
    default_hint = "check the folder and the space left"


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Raises UnreadablePicture for what the system refuses. What decoders raise has no word of the system's."""
    try:
        yield
    except FileNotFoundError as error:
        raise UnreadablePicture(f"There is no file {path}", "check the path") from error
    except OSError as error:
        if not error.strerror:
            raise
        raise UnreadablePicture(f"Cannot read {path} ({error.strerror})", "check the path") from error
