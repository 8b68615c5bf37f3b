"""Photos and masks decoded once, held as uint8 tensors from which batches are cut on the device."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from ..errors import BadSettings, NoPhotos
from .categories import foreground_class
from .sources import RawMask, RawPhoto, Skipped, brings_composites, has_split, read_photos

SAMPLES = 512
"""Foreground pixels kept of every mask: enough for the statistics that color transfer needs."""
CELLS = 32
"""Rows and columns of the coarse table that tells how much foreground a crop holds."""
SMALLEST_SHARE, LARGEST_SHARE = 0.002, 0.95
HELD_OUT = 10
"""Of a folder without its own split, one photo in this many is kept for validation."""


@dataclass(frozen=True)
class PhotoSet:
    """N photos with M masks, all squeezed to one square size S, as in the papers' 256 x 256 protocol.

    Scaled with antialiasing, as the product's thumbnails are; some of the papers' code scales without.
    """

    photos: Tensor
    """[N, S, S, 3] uint8, sRGB."""
    masks: Tensor
    """[M, S, S] uint8, 255 = foreground."""
    photo_of: Tensor
    """[M] int64: which photo a mask belongs to."""
    samples: Tensor
    """[M, 512, 3] uint8: foreground pixels, drawn with repetition."""
    coverage: Tensor
    """[M, 33, 33] int64: summed-area table of the mask over 32 x 32 cells."""
    labels: Tensor
    """[M] int64, values of `ForegroundClass`."""
    peers: Tensor
    """[M] int64: masks ordered by category; with `peer_start` and `peer_count` [M], those of one's own category."""
    peer_start: Tensor
    peer_count: Tensor
    composites: Tensor | None = None
    """[M, S, S, 3] uint8 where the data brings its own composites (iHarmony4)."""
    names: tuple[str, ...] = ()
    """M names, for reports."""

    def __len__(self) -> int:
        return len(self.masks)

    def to(self, device: torch.device) -> PhotoSet:
        """All tensors on `device`."""
        own: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        own = {name: value.to(device) if isinstance(value, Tensor) else value for name, value in own.items()}
        return PhotoSet(**own)


@dataclass(frozen=True)
class _Decoded:
    photo: NDArray[np.uint8]
    masks: list[tuple[RawMask, NDArray[np.uint8], NDArray[np.uint8] | None]]


def load_photos(
    places: Sequence[Path],
    split: str,
    side: int,
    skipped: Skipped,
    limit: int | None = None,
    threads: int = 2,
    whole: Collection[Path] = (),
) -> PhotoSet:
    """Decode all photos with masks of `places` for one split ("train" or "val").

    A place that does not say what is for validation keeps back every tenth photo, chosen by its name.
    whole: the places that give all they hold instead.
    Raises NoPhotos if no usable mask is found, BadSettings if only some places bring composites.
    """
    if len({brings_composites(place) for place in places}) > 1:
        raise BadSettings(
            "Some of these places hold ready-made composites (iHarmony4), others photos of which they are to be made.",
            "Take one kind at a time: train on the one, then with --init on the other.",
        )
    found = (photo for place in places for photo in _of_split(place, split, skipped, place in whole))
    raw = islice(found, limit)
    with ThreadPoolExecutor(threads) as pool:
        decoded = [item for item in pool.map(lambda photo: _decode(photo, side, skipped), raw) if item is not None]
    if not decoded:
        raise NoPhotos(
            f"There is no usable photo with a mask for {split} in {', '.join(map(str, places))}: {skipped.summary()}.",
            "Photos need masks beside them, and ten photos or more leave some for validation: docs/training.md, Data.",
        )
    return _assemble(decoded, side)


def _of_split(place: Path, split: str, skipped: Skipped, whole: bool) -> Iterable[RawPhoto]:
    photos = read_photos(place, split, skipped)
    if has_split(place) or whole:
        return photos
    return (photo for photo in photos if (crc32(photo.name.encode()) % HELD_OUT == 0) == (split == "val"))


def _opened(content: bytes) -> Image.Image:
    """The picture as it is to be seen: turned as its EXIF says, 8 bits a channel."""
    picture = Image.open(io.BytesIO(content))
    ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
        return Image.fromarray((np.asarray(picture).clip(0, 65535) / 257).round().astype(np.uint8))
    return picture


def _squeezed(picture: Image.Image, mode: str, side: int) -> NDArray[np.uint8]:
    return np.asarray(picture.convert(mode).resize((side, side), Image.Resampling.BILINEAR))


def _decode(raw: RawPhoto, side: int, skipped: Skipped) -> _Decoded | None:
    try:
        picture = _opened(raw.read())
        photo = _squeezed(picture, "RGB", side)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        skipped.add(raw.name, f"photo does not open: {error}")
        return None
    if not raw.masks:
        skipped.add(raw.name, "no mask")
    masks = []
    for mask in raw.masks:
        try:
            masks.append((mask, *_decode_mask(mask, picture.size, side)))
        except (OSError, ValueError, SyntaxError, UnidentifiedImageError) as error:
            skipped.add(mask.name, str(error))
    return _Decoded(photo, masks) if masks else None


def _decode_mask(raw: RawMask, size: tuple[int, int], side: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    opened = _opened(raw.read())
    if opened.size != size:
        raise ValueError(f"mask is {opened.size[0]}x{opened.size[1]}, photo is {size[0]}x{size[1]}")
    mask = _squeezed(opened, "L", side)
    share = float(mask.mean()) / 255
    if raw.composite is not None:
        if share == 0:
            raise ValueError("mask is empty")
        return mask, _squeezed(_opened(raw.composite()), "RGB", side)
    if not SMALLEST_SHARE <= share <= LARGEST_SHARE:
        raise ValueError(f"mask covers {share:.1%}")
    return mask, None


def _assemble(decoded: Sequence[_Decoded], side: int) -> PhotoSet:
    count = sum(len(item.masks) for item in decoded)
    photos = np.empty((len(decoded), side, side, 3), np.uint8)
    masks = np.empty((count, side, side), np.uint8)
    samples = np.empty((count, SAMPLES, 3), np.uint8)
    photo_of = np.empty(count, np.int64)
    ready_made = decoded[0].masks[0][2] is not None  # all or none: `load_photos` takes no mixture
    composites = np.empty((count, side, side, 3), np.uint8) if ready_made else None
    raws: list[RawMask] = []
    for n, item in enumerate(decoded):
        photos[n] = item.photo
        for raw, mask, composite in item.masks:
            m = len(raws)
            masks[m], photo_of[m] = mask, n
            inside = item.photo[mask > 127] if (mask > 127).any() else item.photo[mask > 0]
            random = np.random.default_rng(crc32(raw.name.encode()))
            samples[m] = inside[random.integers(len(inside), size=SAMPLES)]
            if composites is not None and composite is not None:
                composites[m] = composite
            raws.append(raw)
    peers, start, size = _peers([raw.category for raw in raws])
    return PhotoSet(
        photos=torch.from_numpy(photos),
        masks=torch.from_numpy(masks),
        photo_of=torch.from_numpy(photo_of),
        samples=torch.from_numpy(samples),
        coverage=_coverage(torch.from_numpy(masks)),
        labels=torch.tensor([foreground_class(raw.category).value for raw in raws]),
        peers=peers,
        peer_start=start,
        peer_count=size,
        composites=None if composites is None else torch.from_numpy(composites),
        names=tuple(raw.name for raw in raws),
    )


def _coverage(masks: Tensor) -> Tensor:
    """[M, S, S] uint8 -> [M, 33, 33] int64: entry (i, j) sums the coarse cells above row i and left of column j."""
    small = torch.cat(
        [torch.nn.functional.adaptive_avg_pool2d(part.float(), CELLS) for part in torch.split(masks, 256)]
    )
    return torch.nn.functional.pad(small.long().cumsum(1).cumsum(2), (1, 0, 1, 0))


def _peers(categories: Sequence[str], fewest: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Who is of whose kind: categories, of which rare ones (below `fewest` masks) join the group of their class.

    Returns int64 [M] each: all masks ordered by group, and for each mask where its group starts there and how many it
    has.
    """
    counts = Counter(categories)
    groups = [
        name if name and counts[name] >= fewest else f"class {foreground_class(name).name}" for name in categories
    ]
    _, group = np.unique(groups, return_inverse=True)
    size = np.bincount(group)
    start = np.concatenate([[0], size.cumsum()[:-1]])
    return (
        torch.from_numpy(np.argsort(group, kind="stable")),
        torch.from_numpy(start[group]),
        torch.from_numpy(size[group]),
    )
