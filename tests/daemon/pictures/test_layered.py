"""What holds for files with layers of every format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harmonize_daemon.composites import read_composite
from harmonize_daemon.pictures import UnreadablePicture, UnsupportedPicture, read_layered

from . import kra_files, xcf_files
from .layered_files import Node, flat, save

HAT, PAPER = flat(8, 8, 255, 0, 0, 255), flat(8, 8, 10, 10, 10, 255)


def hidden_group_ora(path: Path) -> None:
    group = Node("outer", inside=(Node("group", inside=(Node("Hat", HAT),), attributes={"visibility": "hidden"}),))
    save(path, 8, 8, group, Node("paper", PAPER))


def hidden_group_kra(path: Path) -> None:
    group = kra_files.Node("group", inside=(kra_files.Node("Hat", HAT),), attributes={"visible": "0"})
    nodes = kra_files.Node("outer", inside=(group,)), kra_files.Node("paper", PAPER)
    kra_files.save(path, kra_files.Document(8, 8), *nodes)


def hidden_group_xcf(path: Path) -> None:
    group = xcf_files.hidden(xcf_files.Node("group", inside=(xcf_files.Node("Hat", HAT),)))
    xcf_files.save(path, 8, 8, xcf_files.Node("outer", inside=(group,)), xcf_files.Node("paper", PAPER))


def hidden_group_psd(path: Path) -> None:
    psd_tools = pytest.importorskip("psd_tools", reason="it needs Python 3.11")
    file = psd_tools.PSDImage.new("RGB", (8, 8))
    file.create_pixel_layer_from_array(PAPER, "paper")
    group = file.create_group(name="outer").create_group(name="group")
    group.create_pixel_layer_from_array(HAT, "Hat")
    group.visible = False
    file.save(path)


def test_a_layer_of_which_nothing_is_seen_is_passed_over_and_refused_by_name(tmp_path: Path) -> None:
    unseen = (
        Node("empty", flat(8, 8, 9, 9, 9, 0)),
        Node("outside", HAT, 100, 100),
        Node("clear", HAT, attributes={"opacity": "0"}),
        Node("group", inside=(Node("in a clear group", HAT),), attributes={"opacity": "0"}),
    )
    path = save(tmp_path / "a.ora", 8, 8, *unseen, Node("Hat", HAT), Node("paper", PAPER))
    composite = read_composite(path, None)
    assert composite.layer.name == "Hat"
    for name in ("empty", "outside", "clear"):
        with pytest.raises(UnsupportedPicture, match=f"nothing is seen of the layer '{name}'"):
            read_composite(path, None, name)
    with pytest.raises(UnsupportedPicture, match="nothing is seen of any layer"):
        read_composite(save(tmp_path / "b.ora", 8, 8, *unseen[:2]), None)


@pytest.mark.parametrize("make", [hidden_group_kra, hidden_group_ora, hidden_group_psd, hidden_group_xcf])
def test_a_layer_of_a_hidden_group_is_seen_with_its_group_once_it_is_chosen(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    name = f"a.{make.__name__[-3:]}"
    make(tmp_path / name)
    assert read_layered(tmp_path / name).merged().pixels[0, 0].tolist() == [10, 10, 10, 255]
    composite = read_composite(tmp_path / name, None, "Hat")
    assert composite.scene.pixels[0, 0].tolist() == [255, 0, 0, 255]
    green = composite.picture.pixels.copy()
    green[..., :3] = (0, 255, 0)
    assert composite.harmonized(green).pixels[0, 0].tolist() == [0, 255, 0]
    (tmp_path / f"b{name}").write_bytes(composite.encoded(tmp_path / f"b{name}", green))
    written = read_layered(tmp_path / f"b{name}")
    assert [layer.name for layer in written.layers() if layer.visible] == ["Hat (harmonized)", "paper"]
    assert np.unique(written.merged().pixels.reshape(-1, 4), axis=0).tolist() == [[0, 255, 0, 255]]


@pytest.mark.parametrize("suffix", [".ora", ".kra", ".xcf", ".psd"])
def test_a_file_that_the_system_does_not_open_is_not_called_damaged(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".psd":
        pytest.importorskip("psd_tools", reason="it needs Python 3.11")
    with pytest.raises(UnreadablePicture, match="There is no file"):
        read_layered(path)
    path.mkdir()
    with pytest.raises(UnreadablePicture, match=r"^Cannot read .*: check the path"):
        read_layered(path)
