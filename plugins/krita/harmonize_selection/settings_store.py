"""The artist's last choices, kept in Krita's own settings: a plug-in's folder is replaced when it is updated."""

from __future__ import annotations

import json

from krita import Krita  # type: ignore[attr-defined]

from .client import Look
from .values import Output, Settings

_GROUP, _KEY = "harmonize_selection", "settings"


def load_settings() -> Settings:
    """What was chosen last; defaults for what cannot be read. Looks, layers and files belong to one picture."""
    try:
        data = json.loads(Krita.instance().readSetting(_GROUP, _KEY, "{}"))
        return Settings(
            network=str(data.get("network", "")),
            look=Look(),
            output=Output(data.get("output", Output.NEW_LAYER.value)),
            hide_original=bool(data.get("hide_original", True)),
        )
    except (ValueError, TypeError, AttributeError):
        return Settings()


def save_settings(settings: Settings) -> None:
    data = {
        "network": settings.network,
        "output": settings.output.value,
        "hide_original": settings.hide_original,
    }
    Krita.instance().writeSetting(_GROUP, _KEY, json.dumps(data))
