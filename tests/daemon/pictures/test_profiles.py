"""Pixels of other color profiles as sRGB, and back."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from harmonize_daemon.pictures import Metadata, Picture, profiles
from harmonize_daemon.pictures.profiles import Conversion
from PIL import ImageCms

SRGB_PRIMARIES = [0.64, 0.33, 1, 0.30, 0.60, 1, 0.15, 0.06, 1]
D65 = [0.3127, 0.3290, 1.0]
LINEAR = imagecodecs.cms_profile("rgb", gamma=1.0, whitepoint=D65, primaries=SRGB_PRIMARIES)
ADOBE = imagecodecs.cms_profile("adobergb")
PILLOWS_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREY = imagecodecs.cms_profile("gray")


def colors(dtype: str, channels: int = 3) -> np.ndarray:
    random = np.random.default_rng(0)
    if dtype == "f4":
        return random.random((20, 30, channels), np.float32)
    return random.integers(0, np.iinfo(dtype).max, (20, 30, channels), dtype, endpoint=True)


def conversion_of(icc: bytes | None, pixels: np.ndarray) -> Conversion | None:
    return Conversion.of(Picture(pixels, Metadata(icc=icc)))


@pytest.mark.parametrize(
    "icc", [None, PILLOWS_SRGB, imagecodecs.cms_profile("srgb"), GREY, b"no profile", LINEAR[:200]]
)
def test_what_is_srgb_or_cannot_be_used_is_taken_as_it_is(icc: bytes | None) -> None:
    assert conversion_of(icc, colors("u1")) is None


def test_a_profile_without_a_way_back_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of scanners and cameras often are so."""
    there = profiles._transformed

    def only_there(colors: np.ndarray, source: bytes, target: bytes, dtype: type) -> np.ndarray:
        if target != profiles._srgb():
            raise imagecodecs.CmsError("cmsCreateTransform returned NULL")
        return there(colors, source, target, dtype)

    monkeypatch.setattr(profiles, "_transformed", only_there)
    assert conversion_of(ADOBE + b"another one", colors("u1")) is None


def test_grey_pixels_are_taken_as_they_are() -> None:
    assert conversion_of(ADOBE, colors("u1", 1)) is None


def test_linear_light_is_encoded_and_values_beyond_white_survive() -> None:
    pixels = np.array([[[0.2140411, 1.0, 0.0], [2.5, 0.5, 0.001]]], np.float32)
    picture = Picture(pixels, Metadata(icc=LINEAR))
    conversion = Conversion.of(picture)
    assert conversion is not None
    encoded = conversion.to_srgb(picture)
    np.testing.assert_allclose(encoded.pixels[0, 0], [0.5, 1, 0], atol=1e-4)
    assert encoded.pixels[0, 1, 0] > 1.4
    back = conversion.back(encoded.pixels + np.float32(1e-6), encoded, picture)
    np.testing.assert_allclose(back, pixels, atol=1e-4)
    np.testing.assert_allclose(conversion.seen(picture).pixels[0, 0], [128, 255, 0], atol=1)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("icc", [LINEAR, ADOBE], ids=["linear", "adobe"])
def test_what_was_not_changed_keeps_its_bits_and_the_rest_its_depth_and_alpha(
    icc: bytes, channels: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "_BAND_PIXELS", 100)  # several bands, the last one smaller
    picture = Picture(colors(dtype, channels), Metadata(icc=icc))
    conversion = Conversion.of(picture)
    assert conversion is not None
    asked = conversion.to_srgb(picture)
    rendered = asked.pixels.copy()
    np.testing.assert_array_equal(conversion.back(rendered, asked, picture), picture.pixels)
    rendered[5:10, :, :3] = 0.5
    back = conversion.back(rendered, asked, picture)
    assert back.dtype == picture.pixels.dtype
    grey = Picture(back[5:10], Metadata(icc=icc))
    np.testing.assert_allclose(conversion.to_srgb(grey).pixels[..., :3], 0.5, atol=3e-3)
    np.testing.assert_array_equal(back[..., 3:], picture.pixels[..., 3:])
    np.testing.assert_array_equal(np.delete(back, range(5, 10), 0), np.delete(picture.pixels, range(5, 10), 0))


def test_what_is_no_number_stays_so_and_spreads_nowhere() -> None:
    picture = Picture(colors("f4"), Metadata(icc=LINEAR))
    own = [[np.nan, np.inf, 0.5], [np.nan, 0.5, 0.5], [0.5, -np.inf, 0.5]]
    picture.pixels[3, 4:7] = own
    conversion = Conversion.of(picture)
    assert conversion is not None
    asked = conversion.to_srgb(picture)
    rendered = asked.pixels * np.float32(0.9)
    rendered[3, 4] = np.nan
    back = conversion.back(rendered, asked, picture)
    np.testing.assert_array_equal(back[3, 4:7], np.array(own, np.float32))
    assert np.isfinite(np.delete(back.reshape(-1, 3), np.arange(94, 97), 0)).all()
