"""One composite through a client that takes down what it is asked, and darkens what it is to render."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from harmonize_client import Client, Exported, HarmonizeError, LayerFormat, Look, Prediction, Rendered, Thumbnail
from harmonize_daemon import composites, harmonizing, pictures
from harmonize_daemon.harmonizing import (
    EmptyReference,
    ImageRequest,
    ImageResult,
    Inputs,
    NothingBelow,
    harmonize_inputs,
    without_holes,
)
from harmonize_daemon.pictures import NothingAbove, Picture, PictureTooLarge, UnwritablePicture
from harmonize_models.adjustments import Adjustment, EdgeColors
from numpy.typing import NDArray

from .pictures.layered_files import Node, flat, save


class FakeClient:
    """Stands in for the daemon."""

    def __init__(self) -> None:
        self.scene = self.mask = self.reference = np.zeros(0, np.uint8)
        self.edges: EdgeColors | None = None
        self.exact = True

    def predict(self, scene: Thumbnail, mask: Any, *, reference: Thumbnail | None = None, **_: object) -> Prediction:
        self.scene, self.mask = _pixels(scene), np.asarray(mask)
        if reference is not None:
            self.reference = _pixels(reference)
        return Prediction(Adjustment(network="fake", edges=self.edges).to_json(), "fake", "cpu", 1.0, (), None)

    def render(
        self, adjustment: str, form: LayerFormat, pixels: NDArray[Any], mask: Any, *, into: NDArray[Any], **_: object
    ) -> Rendered:
        into[...] = pixels // 2
        return Rendered(1.0, ())

    def export(self, *_: object) -> Exported:
        return Exported("LUT", self.exact)


def _pixels(seen: Thumbnail) -> NDArray[np.uint8]:
    return np.frombuffer(bytes(seen.rgb), np.uint8).reshape(seen.height, seen.width, 3)


def ask(client: FakeClient, composite: Path, mask: Path | None = None, **more: Any) -> ImageResult:
    request = ImageRequest(composite, mask, more.pop("output", composite.parent / "out.png"), **more)
    return harmonize_inputs(cast(Client, client), request, Inputs.read(request))


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A bright scene on the left, nothing on the right, a dark hat on both."""
    hat, scene = Node("hat", flat(4, 2, 20, 20, 20, 255), 2, 2), Node("scene", flat(4, 8, 220, 210, 200, 255))
    return save(tmp_path / "half.ora", 8, 8, hat, scene)


def test_where_nothing_lies_below_the_network_sees_the_mean_color_of_the_scene(client: FakeClient, half: Path) -> None:
    ask(client, half)
    assert client.scene[0, 0].tolist() == client.scene[0, 7].tolist() == [220, 210, 200]
    assert client.scene[2, 5].tolist() == [20, 20, 20]
    assert int((client.mask > 0).sum()) == 8


@pytest.mark.parametrize("hidden", [(255, 0, 255), (0, 0, 0)])
def test_colors_under_full_transparency_are_not_seen_and_no_part_of_the_mask(
    tmp_path: Path, client: FakeClient, hidden: tuple[int, int, int]
) -> None:
    pixels = flat(8, 8, 100, 120, 140, 255)
    pixels[:, 4:] = (*hidden, 0)
    pixels[4, 3, 3] = 128
    pictures.write(tmp_path / "a.png", Picture(pixels))
    mask = np.zeros((8, 8, 1), np.uint8)
    mask[4:6] = 255
    pictures.write(tmp_path / "mask.png", Picture(mask))
    ask(client, tmp_path / "a.png", tmp_path / "mask.png")
    assert (client.scene == (100, 120, 140)).all()
    assert client.mask[4].tolist() == [255, 255, 255, 128, 0, 0, 0, 0]
    after = pictures.read(tmp_path / "out.png").pixels
    assert after[4, 2:4].tolist() == [[50, 60, 70, 127], [50, 60, 70, 64]]


def test_a_layer_with_nothing_around_it_needs_a_reference(tmp_path: Path, client: FakeClient, half: Path) -> None:
    alone = save(tmp_path / "alone.ora", 8, 8, Node("hat", flat(4, 2, 20, 20, 20, 255), 2, 2))
    with pytest.raises(NothingBelow):
        ask(client, alone)
    assert not (tmp_path / "out.png").exists()
    pictures.write(tmp_path / "clear.png", Picture(flat(4, 4, 9, 9, 9, 0)))
    with pytest.raises(EmptyReference):
        ask(client, alone, reference=tmp_path / "clear.png")
    mood = flat(2, 1, 200, 100, 50, 255)
    mood[0, 1] = 0
    pictures.write(tmp_path / "mood.png", Picture(mood))
    ask(client, alone, reference=tmp_path / "mood.png")
    assert client.reference.tolist() == [[[200, 100, 50], [200, 100, 50]]]


def test_a_reference_is_read_once_for_all_pictures_until_it_changes(
    tmp_path: Path, client: FakeClient, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mood, read, times = tmp_path / "mood.png", pictures.read_merged, []

    def counted(path: Path) -> Picture:
        times.append(path)
        return read(path)

    monkeypatch.setattr(pictures, "read_merged", counted)
    pictures.write(mood, Picture(flat(2, 1, 200, 100, 50)))
    for _ in range(3):
        ask(client, half, reference=mood)
    assert times == [mood]
    pictures.write(mood, Picture(flat(2, 1, 50, 100, 200)))
    os.utime(mood, ns=(1, 1))
    ask(client, half, reference=mood)
    assert client.reference[0, 0].tolist() == [50, 100, 200]


def test_with_the_roles_reversed_a_flat_picture_changes_outside_its_mask(tmp_path: Path, client: FakeClient) -> None:
    pictures.write(tmp_path / "a.png", Picture(flat(8, 8, 100, 120, 140)))
    mask = np.zeros((8, 8, 1), np.uint8)
    mask[4:6] = 255
    mask[6] = 100
    pictures.write(tmp_path / "mask.png", Picture(mask))
    ask(client, tmp_path / "a.png", tmp_path / "mask.png", to_foreground=True)
    assert client.mask[:, 0].tolist() == [255] * 4 + [0, 0, 155, 255]


def test_with_the_roles_reversed_the_lowest_layer_is_changed(tmp_path: Path, client: FakeClient, half: Path) -> None:
    ask(client, half, to_foreground=True)
    assert client.mask[0].tolist() == [255] * 4 + [0] * 4
    assert client.mask[2].tolist() == [255, 255] + [0] * 6
    assert client.scene[2, 3].tolist() == [20, 20, 20]
    after = pictures.read(tmp_path / "out.png").pixels
    assert after[0, 0, :3].tolist() == [110, 105, 100]
    assert after[2, 3].tolist() == [20, 20, 20, 255]
    with pytest.raises(NothingAbove, match="above the layer 'hat'"):
        ask(client, half, to_foreground=True, layer="hat")


def test_edges_that_cannot_be_cleaned_are_no_secret(tmp_path: Path, client: FakeClient, half: Path) -> None:
    assert ask(client, half).notes == ()
    (note,) = ask(client, half, look=Look(clean_edges=True)).notes  # the client's adjustment has no colors of edges
    assert "no part of the foreground is opaque" in note
    client.edges = EdgeColors(np.zeros((1, 1, 3), np.uint8))
    assert ask(client, half, look=Look(clean_edges=True)).notes == ()
    pictures.write(tmp_path / "a.png", Picture(flat(8, 8, 9, 9, 9)[..., :3].copy()))
    pictures.write(tmp_path / "mask.png", Picture(np.full((8, 8, 1), 255, np.uint8)))
    (note,) = ask(client, tmp_path / "a.png", tmp_path / "mask.png", look=Look(clean_edges=True)).notes
    assert "no transparent pixels" in note


def test_what_a_cube_file_does_not_hold_is_said(tmp_path: Path, client: FakeClient, half: Path) -> None:
    wanted: dict[str, Any] = {"cube": tmp_path / "grade.cube"}
    assert ask(client, half, **wanted).notes == ()
    client.exact = False
    (note,) = ask(client, half, **wanted).notes
    assert "differs from place to place" in note


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["half.ora/x.cube", "folder", "."])
@pytest.mark.parametrize("option", ["cube", "adjustment_out", "output"])
def test_fault_32_nothing_is_written_where_one_of_the_files_cannot_be(
    tmp_path: Path, client: FakeClient, half: Path, monkeypatch: pytest.MonkeyPatch, option: str, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(harmonizing, "check_output", lambda *_: None)
    monkeypatch.setattr(composites.LayeredComposite, "encoded", lambda *_: b"picture")
    before = everything_below(tmp_path)
    with pytest.raises(UnwritablePicture):
        ask(client, half, **{"cube": tmp_path / "a.cube", option: Path(name)})
    assert everything_below(tmp_path) == before


def test_ctrl_c_while_files_are_written_leaves_none_of_them(
    tmp_path: Path, client: FakeClient, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything_below(tmp_path)

    def interrupted(number: int) -> None:
        assert everything_below(tmp_path) != before
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask(client, half)
    assert everything_below(tmp_path) == before


@pytest.mark.parametrize("name", ["out.gif", "out.psd", "out", "out.xcf"])
def test_a_result_that_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, half: Path, name: str
) -> None:
    pictures.write(tmp_path / "a.png", Picture(flat(8, 8, 9, 9, 9)))
    for composite, mask in ((half, None), (tmp_path / "a.png", tmp_path / "a.png")):
        for more in ({"output": tmp_path / name}, {"output": tmp_path / "out.png", "before_after": tmp_path / name}):
            composite.write_bytes(b"not looked at")
            with pytest.raises(HarmonizeError, match="suffix"):
                Inputs.read(ImageRequest(composite, mask, **more))


def test_too_little_memory_is_said_and_no_defect(
    tmp_path: Path, client: FakeClient, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starving(*_: object) -> None:
        raise MemoryError

    for where, name in ((composites.pictures, "read_layered"), (harmonizing.pictures, "write_all")):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, starving)
            with pytest.raises(PictureTooLarge, match=r"half\.ora takes more memory than there is"):
                ask(client, half)


def test_an_archive_is_closed_before_it_is_written_over(
    client: FakeClient, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[zipfile.ZipFile] = []

    class Noted(zipfile.ZipFile):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            opened.append(self)

    monkeypatch.setattr(zipfile, "ZipFile", Noted)
    replace = Path.replace

    def replaced(path: Path, target: Path) -> Path:
        assert opened
        assert all(file.fp is None for file in opened)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", replaced)
    ask(client, half, output=half)
    assert [layer.name for layer in pictures.read_layered(half).layers()][:2] == ["hat (harmonized)", "hat"]


@pytest.mark.parametrize("masked", [True, False])
def test_holes_are_filled_to_the_bit_as_by_the_plug_in_for_gimp(masked: bool) -> None:
    random = np.random.default_rng(5)
    pixels = random.integers(0, 256, (9, 11, 4), dtype=np.uint8)
    mask = (random.integers(0, 2, (9, 11), dtype=np.uint8) * 200) if masked else np.zeros((9, 11), np.uint8)
    found = without_holes(pixels, mask)
    assert found is not None
    assert found.tobytes() == holes_filled_one_by_one(pixels.tobytes(), mask.tobytes())


def holes_filled_one_by_one(rgba: bytes, mask: bytes) -> bytes:
    """`scene.without_holes` of the plug-in for GIMP, which only GIMP's Python can import."""
    channels, alpha = [bytearray(rgba[index::4]) for index in range(3)], rgba[3::4]
    outside = [a if not m else 0 for a, m in zip(alpha, mask, strict=True)]
    for channel in channels:
        mean = sum(value * a for value, a in zip(channel, outside, strict=True)) / sum(outside)
        for index, a in enumerate(alpha):
            if a != 255:
                channel[index] = round(mean + (channel[index] - mean) * a / 255)
    return b"".join(bytes(pixel) for pixel in zip(*channels, strict=True))
