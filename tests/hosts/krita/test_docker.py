"""The docker at 300 px, in dark and light themes and in another language.

    HARMONIZE_SCREENSHOTS=docs/images pytest tests/hosts/krita/test_docker.py -k krita5.2

writes the pictures of the documentation.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .krita import Krita

PICTURES = ("preview", "adjusting", "trouble", "window-before", "window-after")


@pytest.mark.parametrize(
    ("name", "theme", "language", "button"),
    [("dark", "Krita dark", "en", "Harmonize"), ("light", "Krita bright", "de", "Harmonisieren")],
)
def test_it_fits_its_300_pixels(krita: Krita, name: str, theme: str, language: str, button: str) -> None:
    said = krita.run("screenshots", theme=theme, language=language)
    line = said["width"]
    assert line["docker"] <= 320
    assert line["texts"] == [button]
    for picture in PICTURES:
        image = Image.open(said.out / f"{picture}.png").convert("RGB")
        assert np.asarray(image).std() > 10, f"{picture} is empty"
        folder = os.environ.get("HARMONIZE_SCREENSHOTS")
        if folder:
            image.save(said.out / "small.png", optimize=True)
            shutil.copy(said.out / "small.png", Path(folder) / f"krita-{picture}-{name}.png")
