"""Zip archives that hold pictures, as OpenRaster and Krita write them.

They are read with limits, and copied entry by entry, so that what is not known here comes through.
"""

from __future__ import annotations

import lzma
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

from .errors import PictureTooLarge, UnreadablePicture, opening

MAX_ENTRY_BYTES = 4 << 30
_BLOCK = 1 << 20
_UTF8_NAME = 0x800
"""The flag of an entry whose name is UTF-8 (APPNOTE.TXT, 4.4.4). Krita writes such names without it."""
_BROKEN = (
    OSError,
    EOFError,
    LookupError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What `zipfile` raises for damaged, encrypted and unknown archives, and for entries that are not there."""


class Archive:
    """One file, open while it is read."""

    def __init__(self, path: Path, kind: str) -> None:
        """kind: as people call such files, "OpenRaster". Raises UnreadablePicture."""
        self.name = path.name
        self._path = path
        self._open: zipfile.ZipFile | None = None
        try:
            with opening(path):
                infos = self._file().infolist()
        except _BROKEN as error:
            raise UnreadablePicture(f"{path.name} is no {kind} file ({error})", "save it again") from error
        self.entries: Mapping[str, zipfile.ZipInfo] = {_real_name(info): info for info in infos}

    def close(self) -> None:
        """Let go of the file, which on Windows nobody could replace before. Reading opens it again."""
        if self._open is not None:
            self._open.close()
        self._open = None

    def _file(self) -> zipfile.ZipFile:
        if self._open is None:
            self._open = zipfile.ZipFile(self._path)
        return self._open

    def read(self, name: str, limit: int = MAX_ENTRY_BYTES) -> bytes:
        """Raises UnreadablePicture, PictureTooLarge."""
        with self.opened(name, limit) as stream:
            return stream.read()

    @contextmanager
    def opened(self, name: str, limit: int = MAX_ENTRY_BYTES) -> Iterator[IO[bytes]]:
        """An entry, to be read in parts; what fails on the way is raised as UnreadablePicture.

        Raises UnreadablePicture, PictureTooLarge.
        """
        try:
            info = self.entries[name]
            if info.file_size > limit:
                raise PictureTooLarge(f"{self.name}: {name} has {info.file_size} bytes")
            with self._file().open(info) as stream:
                yield stream
        except _BROKEN as error:
            entry = name or "a layer"
            raise UnreadablePicture(f"{self.name}: {entry} cannot be read ({error})", "save it again") from error

    def rewritten(self, mimetype: str, changed: Mapping[str, bytes | None]) -> bytes:
        """The archive with some entries exchanged, added or (None) left out, to be written, maybe in its own place.

        The type comes first and is not compressed. Raises UnreadablePicture.
        """
        stream = BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("mimetype", mimetype)
            for name, info in self.entries.items():
                if name != "mimetype" and name not in changed:
                    with self.opened(name) as old, archive.open(_copy(name, info), "w") as new:
                        shutil.copyfileobj(old, new, _BLOCK)
            for name, data in changed.items():
                if data is not None:
                    archive.writestr(name, data)
        self.close()
        return stream.getvalue()


def _real_name(info: zipfile.ZipInfo) -> str:
    """Python takes names without the flag for code page 437."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _copy(name: str, info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """What compressed nothing is not tried again: pictures, and Krita's layers."""
    copy = zipfile.ZipInfo(name, info.date_time)
    smaller = info.compress_size < 0.9 * info.file_size
    copy.compress_type = zipfile.ZIP_DEFLATED if smaller else zipfile.ZIP_STORED
    copy.external_attr, copy.file_size = info.external_attr, info.file_size
    return copy
