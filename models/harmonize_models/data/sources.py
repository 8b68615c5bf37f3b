"""Where photos with masks come from: tar shards, folders, iHarmony4. Broken ones are named, never fatal."""

from __future__ import annotations

import csv
import re
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import NoPhotos

PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")
_MASK = re.compile(r"(?P<key>.+?)[._-]masks?(?P<number>\d*)$")

Read = Callable[[], bytes]


@dataclass(frozen=True)
class RawMask:
    """One foreground of a photo, not decoded yet."""

    name: str
    read: Read
    category: str = ""
    composite: Read | None = None
    """The composite that comes with it (iHarmony4); None where composites are to be made."""


@dataclass(frozen=True)
class RawPhoto:
    """A photo and its masks, not decoded yet."""

    name: str
    read: Read
    masks: tuple[RawMask, ...]


@dataclass
class Skipped:
    """What was left out, and why: counted and named, so that nothing vanishes silently."""

    reasons: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, reason: str) -> None:
        self.reasons.append((name, reason))

    def __len__(self) -> int:
        return len(self.reasons)

    def summary(self, names: int = 5) -> str:
        """One line for the screen: the count and the first names."""
        if not self.reasons:
            return "nothing skipped"
        shown = ", ".join(f"{name} ({reason})" for name, reason in self.reasons[:names])
        return f"{len(self)} skipped: {shown}" + (", ..." if len(self) > names else "")


def read_photos(path: Path, split: str, skipped: Skipped) -> Iterator[RawPhoto]:
    """The photos of one place: a tar file, a folder of tar files, a folder in iHarmony4's layout, or a plain folder.

    split: "train" or "val"; picks the shards (`val*.tar` are validation) or iHarmony4's lists. A place that does not
    say what is for validation (`has_split`) gives all that it holds.
    Raises NoPhotos if nothing is there.
    """
    if path.is_file():
        return _from_tar(path, _categories(path.parent / "manifest.csv"), skipped)
    if not path.is_dir():
        raise NoPhotos(f"{path} is neither a folder nor a tar file.", "Name what exists: docs/training.md, Data.")
    shards = sorted(path.glob("*.tar"))
    if shards:
        chosen = [s for s in shards if s.name.startswith("val") == (split == "val")] if has_split(path) else shards
        categories = _categories(path / "manifest.csv")
        return (photo for shard in chosen for photo in _from_tar(shard, categories, skipped))
    roots = _iharmony4_roots(path)
    if roots:
        return (photo for root in roots for photo in _from_iharmony4(root, split, skipped))
    return _from_folder(path, skipped)


def tars_of(places: Iterable[Path]) -> list[Path]:
    """The places that are tar files: whoever names one to be measured on means all of it."""
    return [place for place in places if place.is_file()]


def brings_composites(path: Path) -> bool:
    """Whether a place holds composites (iHarmony4), so that none are to be made."""
    return path.is_dir() and not any(path.glob("*.tar")) and bool(_iharmony4_roots(path))


def has_split(path: Path) -> bool:
    """Whether the place itself says what is for training and what for validation."""
    if not path.is_dir():
        return False
    return any(path.glob("val*.tar")) or any(path.glob("*_test.txt")) or any(path.glob("*/*_test.txt"))


def _iharmony4_roots(path: Path) -> list[Path]:
    if (path / "composite_images").is_dir():
        return [path]
    return sorted(found.parent for found in path.glob("*/composite_images"))


def _categories(manifest: Path) -> dict[tuple[str, int], str]:
    if not manifest.is_file():
        return {}
    with manifest.open(newline="", encoding="utf-8") as file:
        return {(row["key"], int(row["mask"])): row["category"] for row in csv.DictReader(file)}


def _mask_key(stem: str) -> tuple[str, int] | None:
    match = _MASK.match(stem)
    return (match["key"], int(match["number"] or 0)) if match else None


def _from_tar(path: Path, categories: dict[tuple[str, int], str], skipped: Skipped) -> Iterator[RawPhoto]:
    photos: dict[str, bytes] = {}
    masks: dict[str, list[RawMask]] = defaultdict(list)
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                stem, dot, ending = member.name.rpartition(".")
                opened = archive.extractfile(member) if member.isfile() else None
                if opened is None or dot + ending.lower() not in PHOTO_ENDINGS:
                    continue
                content = opened.read()
                if len(content) != member.size:
                    raise tarfile.ReadError("it ends within a file")
                found = _mask_key(stem)
                if found is None:
                    photos[stem] = content
                else:
                    masks[found[0]].append(RawMask(member.name, _given(content), categories.get(found, "")))
    except (tarfile.TarError, OSError, EOFError) as error:
        skipped.add(path.name, f"broken tar, read up to the fault: {error}")
    for key, content in photos.items():
        yield RawPhoto(key, _given(content), tuple(sorted(masks.pop(key, []), key=lambda mask: mask.name)))
    for key in masks:
        skipped.add(key, "mask without photo")


def _given(content: bytes) -> Read:
    return lambda: content


def _from_folder(root: Path, skipped: Skipped) -> Iterator[RawPhoto]:
    """`NAME.jpg` with `NAME.mask.png`, `NAME.mask0.png`, `NAME_mask.png` beside it, or with `masks/NAME.png`."""
    photos: dict[str, Path] = {}
    masks: dict[str, list[RawMask]] = defaultdict(list)
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in PHOTO_ENDINGS:
            continue
        stem = path.relative_to(root).with_suffix("").as_posix()
        in_masks = path.parent.name == "masks"
        if in_masks:
            stem = (path.parent.parent.relative_to(root) / path.stem).as_posix()
        found = _mask_key(stem) or ((stem, 0) if in_masks else None)
        if found is None:
            photos[stem.removeprefix("photos/")] = path
        else:
            masks[found[0].removeprefix("photos/")].append(RawMask(path.name, path.read_bytes))
    for key, path in photos.items():
        yield RawPhoto(key, path.read_bytes, tuple(masks.pop(key, [])))
    for key in masks:
        skipped.add(key, "mask without photo")


def _from_iharmony4(root: Path, split: str, skipped: Skipped) -> Iterator[RawPhoto]:
    """`composite_images/REAL_MASK_VARIANT.jpg`, `masks/REAL_MASK.png`, `real_images/REAL.jpg`, lists of both splits."""
    lists = sorted(root.glob("*_train.txt" if split == "train" else "*_test.txt"))
    if lists:
        names = [Path(line).name for text in lists for line in text.read_text().split() if line.strip()]
    else:
        names = sorted(path.name for path in (root / "composite_images").iterdir())
    by_real: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_real[name.partition("_")[0]].append(name)
    for real, composites in by_real.items():
        photo = root / "real_images" / f"{real}.jpg"
        if not photo.is_file():
            skipped.add(photo.name, "real image missing")
            continue
        masks = tuple(
            RawMask(
                name,
                (root / "masks" / f"{name.rpartition('_')[0]}.png").read_bytes,
                composite=(root / "composite_images" / name).read_bytes,
            )
            for name in composites
        )
        yield RawPhoto(f"{root.name}/{real}", photo.read_bytes, masks)
