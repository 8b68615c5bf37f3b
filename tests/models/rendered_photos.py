"""Photos that are rendered here: a sky, a ground, an object, one light over all of it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CATEGORIES = ("person", "car", "rabbit", "bowl")


def rendered_photo(seed: int, width: int = 96, height: int = 80) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture [H, W, 3] with one ellipse on it, all under one colored light, and the ellipse's mask [H, W]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    scene = np.where((y < 0.5)[..., None], random.uniform(0.5, 0.8, 3), random.uniform(0.25, 0.5, 3))
    scene = scene + 0.1 * np.sin(x * random.uniform(5, 40))[..., None]
    cx, cy = random.uniform(0.35, 0.65, 2)
    inside = ((x - cx) / random.uniform(0.15, 0.3)) ** 2 + ((y - cy) / random.uniform(0.15, 0.3)) ** 2 < 1
    shading = 0.4 + 0.25 * (1 - ((x - cx) ** 2 + (y - cy) ** 2) * 4)
    scene = np.where(inside[..., None], shading[..., None] * random.uniform(0.8, 1.2, 3), scene)
    lit = scene * random.uniform(0.6, 1.2, 3) + random.normal(0, 0.01, scene.shape)
    return (lit.clip(0, 1) * 255).round().astype(np.uint8), (inside * 255).astype(np.uint8)


def png(picture: NDArray[np.uint8]) -> bytes:
    """The picture as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def write_photos(folder: Path, count: int, start: int = 0) -> Path:
    """`NAME.png` with `NAME.mask.png` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        photo, mask = rendered_photo(number)
        (folder / f"p{number:03d}.png").write_bytes(png(photo))
        (folder / f"p{number:03d}.mask.png").write_bytes(png(mask))
    return folder


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    """A plain tar file."""
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def shard(start: int, count: int) -> dict[str, bytes]:
    """Members of a shard: `KEY.png` and `KEY.mask0.png`."""
    members = {}
    for number in range(start, start + count):
        photo, mask = rendered_photo(number)
        members |= {f"k{number}.png": png(photo), f"k{number}.mask0.png": png(mask)}
    return members
