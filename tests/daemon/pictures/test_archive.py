"""Zip archives with pictures: read with limits, copied entry by entry."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from harmonize_daemon.pictures import PictureTooLarge, UnreadablePicture
from harmonize_daemon.pictures.archive import Archive

SMALL, LARGE = bytes(100_000), bytes(range(256))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("mimetype", "old", zipfile.ZIP_DEFLATED)
        archive.writestr("compressed", SMALL, zipfile.ZIP_DEFLATED)
        archive.writestr("stored", LARGE)
        archive.writestr("changed", b"before")
        archive.writestr("left out", b"before")
    return tmp_path / "a.zip"


def test_entries_are_exchanged_added_and_left_out(path: Path) -> None:
    data = Archive(path, "Test").rewritten("type", {"changed": b"after", "added": b"new", "left out": None})
    with zipfile.ZipFile(BytesIO(data)) as archive:
        found = {info.filename: archive.read(info) for info in archive.infolist()}
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
        assert archive.getinfo("compressed").compress_size < 1000
        assert archive.getinfo("stored").compress_type == zipfile.ZIP_STORED
    assert next(iter(found)) == "mimetype"
    assert found == {"mimetype": b"type", "compressed": SMALL, "stored": LARGE, "changed": b"after", "added": b"new"}


def test_fault_31_too_large_an_entry_is_not_read(path: Path) -> None:
    with pytest.raises(PictureTooLarge, match="100000"):
        Archive(path, "Test").read("compressed", 99_999)
    assert len(Archive(path, "Test").read("compressed", 100_000)) == 100_000


def test_fault_31_missing_and_damaged_entries_are_named(path: Path) -> None:
    with pytest.raises(UnreadablePicture, match="none"):
        Archive(path, "Test").read("none")
    data = path.read_bytes()
    path.write_bytes(data.replace(LARGE, bytes(256)))
    with pytest.raises(UnreadablePicture, match="stored"):
        Archive(path, "Test").read("stored")


def test_an_encrypted_entry_is_an_error_in_words(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.find(signature) + flags] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(UnreadablePicture, match="encrypted"):
        Archive(path, "Test").read("mimetype")
