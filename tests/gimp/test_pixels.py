from __future__ import annotations

import pytest
from harmonize_gimp.pixels import Storage, storage_for


@pytest.mark.parametrize(
    ("encoding", "layout", "depth"),
    [
        ("R'G'B'A u8", "RGBA", "u8"),
        ("R'G'B' u16", "RGB", "u16"),
        ("R'G'B'A half", "RGBA", "f16"),
        ("R'G'B'A float", "RGBA", "f32"),
        ("Y' u8", "Y", "u8"),
        ("Y'A u16", "YA", "u16"),
    ],
)
def test_encoded_layers_in_srgb_travel_as_they_are(encoding: str, layout: str, depth: str) -> None:
    stored = storage_for(
        encoding, srgb=True, grey="Y" in encoding, indexed=False, alpha=encoding.split()[0].endswith("A")
    )
    assert stored == Storage(encoding, layout, depth, exact=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "encoding", ["RGBA u8", "RGBA float", "R~G~B~A u8", "R'G'B'A u32", "R'G'B'A double", "RGBA half"]
)
def test_linear_perceptual_and_wide_layers_travel_as_encoded_float(encoding: str) -> None:
    stored = storage_for(encoding, srgb=True, grey=False, indexed=False, alpha=True)
    assert stored == Storage("R'G'B'A float", "RGBA", "f32", exact=False)


def test_layers_in_another_profile_are_converted() -> None:
    stored = storage_for("R'G'B' u8-space-0.9642,1.0000", srgb=False, grey=False, indexed=False, alpha=False)
    assert stored == Storage("R'G'B' float", "RGB", "f32", exact=False)


def test_linear_grey_stays_grey() -> None:
    assert storage_for("YA u16", srgb=True, grey=True, indexed=False, alpha=True) == Storage(
        "Y'A float", "YA", "f32", False
    )


def test_palettes_travel_as_eight_bit_color() -> None:
    stored = storage_for("\\gimp-indexed-format-3-0x7f", srgb=True, grey=False, indexed=True, alpha=True)
    assert stored == Storage("R'G'B'A u8", "RGBA", "u8", exact=False)


def test_a_pixel_has_as_many_bytes_as_its_channels_need() -> None:
    assert storage_for("R'G'B'A half", srgb=True, grey=False, indexed=False, alpha=True).pixel_bytes == 8
