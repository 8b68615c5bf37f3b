"""Errors that reach people: each has a stable code, says what happened, and what to do about it."""

from __future__ import annotations

from typing import ClassVar


class ModelError(Exception):
    """Something about a network or its weights that the caller can put right."""

    code: ClassVar[str] = "model_error"
    """A stable word for programs and for the guide."""

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(f"{cause} {hint}")
        self.cause = cause
        """What happened, one sentence."""
        self.hint = hint
        """What to do about it, one sentence."""


class BadSettings(ModelError):
    """Settings or files that do not go together."""

    code: ClassVar[str] = "bad_settings"


class NoPhotos(ModelError):
    """There is nothing to train or to evaluate on."""

    code: ClassVar[str] = "no_photos"
