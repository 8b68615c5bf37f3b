"""Every color model and depth in the real Krita gives what the same request gives when the client makes it directly."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import harmonize_client as client
import numpy as np
import numpy.typing as npt
import pytest

from ..conftest import RunningDaemon
from ..said import Said
from .krita import PICTURE_SIZE, Krita

RGB, LIGHT, GREY, GREY_LIGHT = (
    "sRGB-elle-V2-srgbtrc.icc",
    "sRGB-elle-V2-g10.icc",
    "Gray-D50-elle-V2-srgbtrc.icc",
    "Gray-D50-elle-V2-g10.icc",
)


@dataclass(frozen=True)
class Case:
    name: str
    model: str
    depth: str
    profile: str
    selected: bool = False
    size: tuple[int, int] = PICTURE_SIZE
    tolerance: float = 0.0
    """Of an encoded value: what the layer's own depth cannot hold after the conversion back. 0: the same bytes."""


CASES = (
    Case("u8", "RGBA", "U8", RGB),
    Case("u8-selected", "RGBA", "U8", RGB, selected=True),
    Case("u8-small", "RGBA", "U8", RGB, size=(420, 280)),  # no larger than its thumbnail
    Case("u16", "RGBA", "U16", RGB),
    Case("f16", "RGBA", "F16", RGB),
    Case("f32", "RGBA", "F32", RGB),
    Case("u16-linear", "RGBA", "U16", LIGHT, tolerance=4e-4),
    Case("f16-linear", "RGBA", "F16", LIGHT, tolerance=2e-3),
    Case("f32-linear", "RGBA", "F32", LIGHT, tolerance=2e-4),
    Case("f32-linear-selected", "RGBA", "F32", LIGHT, selected=True, tolerance=2e-4),
    Case("u8-wide", "RGBA", "U8", "ClayRGB-elle-V2-g22.icc", tolerance=2 / 255),
    Case("grey-u8", "GRAYA", "U8", GREY),
    Case("grey-f32", "GRAYA", "F32", GREY),
    Case("grey-u16-linear", "GRAYA", "U16", GREY_LIGHT, tolerance=4e-4),
    Case("lab-u16", "LABA", "U16", "Lab identity built-in", tolerance=4e-3),
)
_TYPES = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}


@pytest.fixture(scope="module")
def said(krita: Krita) -> Said:
    cases = [[case.name, case.model, case.depth, case.profile, case.selected, case.size] for case in CASES]
    return krita.run("agreement", json.dumps(cases), timeout=500)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
class TestEveryColorSpace:
    def test_the_layer_is_what_the_client_gets_directly(self, case: Case, said: Said, daemon: RunningDaemon) -> None:
        line = _line(said, case)
        adjustment = (said.out / f"{case.name}.adjustment").read_text()
        expected = _directly(said.out, case.name, line, adjustment, daemon.home)
        written = _values(said.out / f"{case.name}.rendered", line)
        mask = np.frombuffer((said.out / f"{case.name}.region-mask").read_bytes(), np.uint8) > 0
        expected = expected.reshape(mask.size, -1)[mask]
        written = written.reshape(mask.size, -1)[mask]
        if case.tolerance == 0:
            assert np.array_equal(written.view(np.uint8), expected.view(np.uint8))  # also tells NaN from NaN
        else:
            # What the layer's color space cannot hold at all (light below 0, above 1) is cut off there.
            colors = slice(0, -1)
            expected, written = np.clip(expected[:, colors], 0, 1), np.clip(written[:, colors], 0, 1)
            assert np.abs(written - expected).max() <= case.tolerance

    def test_its_change_is_what_the_client_is_told_directly(
        self, case: Case, said: Said, daemon: RunningDaemon
    ) -> None:
        line = _line(said, case)
        session = client.Session("test/1", start=False, folder=daemon.home)
        with client.Client(session) as direct:
            scene = client.Thumbnail(*line["thumbnail"], (said.out / f"{case.name}.composite").read_bytes())
            answer = direct.predict(scene, (said.out / f"{case.name}.mask").read_bytes()).adjustment
        adjustment = (said.out / f"{case.name}.adjustment").read_text()
        told, used = (_directly(said.out, case.name, line, each, daemon.home) for each in (answer, adjustment))
        most = np.iinfo(told.dtype).max if told.dtype.kind == "u" else 1.0
        told, used = np.clip(told / most, 0, 1), np.clip(used / most, 0, 1)
        # The daemon may have computed twice, and sums need not come out the same to the last bit.
        assert np.abs(told - used).max() <= 1 / 255

    def test_the_layer_has_changed(self, case: Case, said: Said) -> None:
        line = _line(said, case)
        before, after = (_pixels(said.out / f"{case.name}.{which}", line) for which in ("before", "after"))
        changed = (before != after).any(axis=-1)
        assert changed.sum() > 1000

    def test_nothing_changes_outside_the_mask_by_a_single_bit(self, case: Case, said: Said) -> None:
        line = _line(said, case)
        before, after = (_pixels(said.out / f"{case.name}.{which}", line) for which in ("before", "after"))
        x, y, width, height = line["rect"]
        outside = np.ones(before.shape[:2], bool)
        mask = np.frombuffer((said.out / f"{case.name}.region-mask").read_bytes(), np.uint8)
        outside[y : y + height, x : x + width] = mask.reshape(height, width) == 0
        assert outside.any()
        assert (before[outside] == after[outside]).all()

    def test_the_original_stays_and_is_hidden(self, case: Case, said: Said) -> None:
        line = _line(said, case)
        assert line["original_kept"]
        assert line["layers"][:3] == ["Scene", "(Figure)", "Figure harmonized"]  # then Krita's own selection mask


def test_a_selection_is_soft(said: Said) -> None:
    mask = np.frombuffer((said.out / "u8-selected.region-mask").read_bytes(), np.uint8)
    assert len(np.unique(mask)) > 50


def _line(said: Said, case: Case) -> dict[str, object]:
    line = said[case.name]
    assert "problem" not in line, line["problem"]
    return line


def _pixels(path: Path, line: dict[str, object]) -> npt.NDArray[np.uint8]:
    width, height = line["size"]
    return np.frombuffer(path.read_bytes(), np.uint8).reshape(height, width, line["pixel_bytes"])


def _values(path: Path, line: dict[str, object]) -> npt.NDArray[np.generic]:
    return np.frombuffer(path.read_bytes(), _TYPES[line["depth"]])


def _directly(out: Path, name: str, line: dict[str, object], adjustment: str, home: Path) -> npt.NDArray[np.generic]:
    """The same adjustment of the same pixels, rendered for the client itself."""
    _, _, width, height = line["rect"]
    layer = client.LayerFormat(width, height, line["layout"], line["depth"])
    target = bytearray(layer.nbytes)
    session = client.Session("test/1", start=False, folder=home)
    with client.Client(session) as direct:
        direct.render(
            adjustment,
            layer,
            (out / f"{name}.region").read_bytes(),
            (out / f"{name}.region-mask").read_bytes(),
            into=target,
            place=client.Place(*line["place"]),
        )
    return np.frombuffer(bytes(target), _TYPES[line["depth"]])
