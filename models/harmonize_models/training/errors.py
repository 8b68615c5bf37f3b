"""What is wrong with a command, said before time is spent on it."""

from __future__ import annotations

from typing import ClassVar

from ..errors import ModelError


class BadSettings(ModelError):
    """Settings or files that do not go together."""

    code: ClassVar[str] = "bad_settings"


class NoPhotos(ModelError):
    """There is nothing to train or to evaluate on."""

    code: ClassVar[str] = "no_photos"
