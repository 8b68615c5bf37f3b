"""Folders of rendered photos for the tests of training and evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.rendered_photos import CATEGORIES, shard, write_photos, write_tar


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty rendered photos with masks in a plain folder."""
    return write_photos(tmp_path_factory.mktemp("photos"), 40)


@pytest.fixture(scope="session")
def shard_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards in the habit of WebDataset: two for training, one for validation, and a manifest."""
    folder = tmp_path_factory.mktemp("shards")
    rows = ["key,mask,split,category,source,licence"]
    for name, start, count in (("train-0", 0, 12), ("train-1", 12, 12), ("val", 24, 6)):
        write_tar(folder / f"{name}.tar", shard(start, count))
        split = name.partition("-")[0]
        for number in range(start, start + count):
            rows.append(f"k{number},0,{split},{CATEGORIES[number % 4]},rendered,CC0")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder
