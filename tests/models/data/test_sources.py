"""Where photos come from, and what happens to broken ones."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from harmonize_models.data.categories import foreground_class
from harmonize_models.data.composites import CompositeMaker, seeded
from harmonize_models.data.photos import PhotoSet, load_photos
from harmonize_models.data.sources import Skipped
from harmonize_models.errors import BadSettings, NoPhotos
from harmonize_models.evaluation.cases import build_cases
from harmonize_models.networks.base import ForegroundClass
from PIL import Image

from tests.models.rendered_photos import png, rendered_photo, shard, write_photos, write_tar


def load_all(place: Path, skipped: Skipped) -> PhotoSet:
    return load_photos([place], "train", 32, skipped, whole=[place])


def test_shards_know_their_split_and_categories(shard_folder: Path) -> None:
    train, val = (load_photos([shard_folder], split, 32, Skipped()) for split in ("train", "val"))
    assert (len(train), len(val)) == (24, 6)
    assert set(train.labels.tolist()) == {0, 1, 3, 4}
    assert train.photos.dtype == torch.uint8
    assert train.photos.shape == (24, 32, 32, 3)


def test_a_plain_folder_keeps_some_photos_for_validation(photo_folder: Path) -> None:
    train, val = (load_photos([photo_folder], split, 32, Skipped()) for split in ("train", "val"))
    assert len(train) + len(val) == 40
    assert 0 < len(val) < 12
    assert not set(train.names) & set(val.names)


def test_iharmony4_brings_its_own_composites(tmp_path: Path) -> None:
    root = tmp_path / "HCOCO"
    for name in ("composite_images", "masks", "real_images"):
        (root / name).mkdir(parents=True)
    photo, mask = rendered_photo(1)
    (root / "real_images" / "c1.jpg").write_bytes(png(photo))
    (root / "masks" / "c1_7.png").write_bytes(png(mask))
    for variant in (1, 2):
        (root / "composite_images" / f"c1_7_{variant}.jpg").write_bytes(png(photo // 2))
    (root / "HCOCO_train.txt").write_text("c1_7_1.jpg\n")
    (root / "HCOCO_test.txt").write_text("HCOCO/composite_images/c1_7_2.jpg\n")
    train = load_photos([tmp_path], "train", 32, Skipped())
    assert train.names == ("c1_7_1.jpg",)
    assert train.composites is not None
    assert float(train.composites.float().mean()) == pytest.approx(float(train.photos.float().mean()) / 2, abs=1)
    val = load_photos([tmp_path], "val", 32, Skipped())
    assert val.names == ("c1_7_2.jpg",)
    cases = build_cases(val, 32)
    assert torch.equal(cases.targets[0], val.photos[0].permute(2, 0, 1))
    assert torch.equal(cases.composites[0], val.composites[0].permute(2, 0, 1))
    batch = CompositeMaker(train).batch(3, 24, seeded(1))
    assert torch.allclose(batch.composite, batch.target / 2, atol=0.02)


def iharmony4(root: Path) -> Path:
    """One photo, one composite, in iHarmony4's layout."""
    photo, mask = rendered_photo(1)
    files = {"real_images/c1.jpg": photo, "masks/c1_7.png": mask, "composite_images/c1_7_1.jpg": photo // 2}
    for name, pixels in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(pixels))
    return root


@pytest.mark.parametrize("first", [True, False])
def test_ready_made_composites_and_ones_to_be_made_are_not_mixed(tmp_path: Path, first: bool) -> None:
    places = [iharmony4(tmp_path / "HCOCO"), write_photos(tmp_path / "own", 12)]
    with pytest.raises(BadSettings, match="one kind at a time"):
        load_photos(places if first else places[::-1], "train", 32, Skipped())


@pytest.mark.parametrize("split_shards", [True, False])
def test_tars_that_do_not_say_what_is_for_validation_keep_some_photos_back(tmp_path: Path, split_shards: bool) -> None:
    tar = write_tar(tmp_path / "photos.tar", shard(0, 40))
    place = tmp_path if split_shards else tar
    train, val = (load_photos([place], split, 32, Skipped()) for split in ("train", "val"))
    assert 0 < len(val) < 12
    assert len(train) + len(val) == 40
    assert not set(train.names) & set(val.names)
    assert len(load_photos([place], "val", 32, Skipped(), whole=[place])) == 40


@pytest.mark.parametrize("orientation", [3, 6])
def test_photos_are_turned_as_their_exif_says(tmp_path: Path, orientation: int) -> None:
    photo, mask = rendered_photo(0)
    turned = np.rot90(photo, 2 if orientation == 3 else 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(turned).save(file, "PNG", exif=exif)
    members = {"a.png": file.getvalue(), "a.mask.png": png(mask), "b.png": png(photo), "b.mask.png": png(mask)}
    skipped = Skipped()
    photos = load_all(write_tar(tmp_path / "p.tar", members), skipped)
    assert len(skipped) == 0
    assert torch.equal(photos.photos[0], photos.photos[1])


def test_pictures_of_16_bits_of_grey_are_not_clipped(tmp_path: Path) -> None:
    photo, mask = rendered_photo(0)
    grey, deep = photo[..., 0], photo[..., 0].astype(np.uint16) * 257
    soft = (mask // 4).astype(np.uint16) * 257
    members = {"a.png": png(deep), "a.mask.png": png(soft), "b.png": png(grey), "b.mask.png": png(mask // 4)}
    photos = load_all(write_tar(tmp_path / "p.tar", members), Skipped())
    assert torch.equal(photos.photos[0], photos.photos[1])
    assert torch.equal(photos.masks[0], photos.masks[1])


def test_bad_data_is_skipped_counted_and_named(tmp_path: Path) -> None:
    photo, mask = rendered_photo(0)
    good = shard(0, 2)
    members = {
        **good,
        "broken.png": png(photo)[:200],
        "broken.mask0.png": png(mask),
        "empty.png": png(photo),
        "empty.mask0.png": png(np.zeros_like(mask)),
        "full.png": png(photo),
        "full.mask0.png": png(np.full_like(mask, 255)),
        "other.png": png(photo),
        "other.mask0.png": png(mask[:-3]),
        "lonely.mask0.png": png(mask),
    }
    skipped = Skipped()
    photos = load_all(write_tar(tmp_path / "train.tar", members), skipped)
    assert len(photos) == 2
    reasons = dict(skipped.reasons)
    assert set(reasons) == {"broken", "empty.mask0.png", "full.mask0.png", "other.mask0.png", "lonely"}
    assert "96x77" in reasons["other.mask0.png"]
    assert skipped.summary().startswith("5 skipped")


def test_a_truncated_tar_gives_what_came_before_the_fault(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "train.tar", shard(0, 4))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    skipped = Skipped()
    photos = load_all(path, skipped)
    assert 0 < len(photos) < 4
    assert "train.tar" in dict(skipped.reasons)


def test_nothing_usable_is_an_error_that_says_so(tmp_path: Path) -> None:
    write_photos(tmp_path / "p", 1)
    (tmp_path / "p" / "p000.mask.png").unlink()
    with pytest.raises(NoPhotos, match="no usable photo"):
        load_photos([tmp_path / "p"], "train", 32, Skipped())
    with pytest.raises(NoPhotos, match="neither"):
        load_photos([tmp_path / "nowhere"], "train", 32, Skipped())


@pytest.mark.parametrize(
    ("category", "wanted"),
    [
        ("person (all)", ForegroundClass.PERSON),
        ("carLeft", ForegroundClass.VEHICLE),
        ("rabbit", ForegroundClass.ANIMAL),
        ("hot dog", ForegroundClass.FOOD),
        ("teddy bear", ForegroundClass.OTHER),
        ("garment:14", ForegroundClass.OTHER),
        ("", ForegroundClass.OTHER),
    ],
)
def test_categories_become_the_five_classes(category: str, wanted: ForegroundClass) -> None:
    assert foreground_class(category) is wanted
