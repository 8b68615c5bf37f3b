"""The dialog's own buttons: Save Settings, Reset and Load Saved Settings, and what the widgets show then."""

from __future__ import annotations

from typing import Any

import dialogs
import support
from dialogs import Acting, Pause, press

NETWORK = "s2crnet"
FILE = str(support.PICTURES / "scene.png")


def main() -> None:
    image, background, figure = support.composite()
    dialogs.show(image, [figure], lambda dialog, config: act(dialog, config, background))


def act(dialog: Any, config: Any, background: Any) -> Acting:
    say("opened", dialog, config)
    choose(dialog, config, str(background.get_id()))
    yield Pause()
    say("chosen", dialog, config)
    yield from press("alt+s", "alt+r", "Down", "Return")
    say("reset", dialog, config)
    yield from press("alt+l")
    say("loaded", dialog, config)


def choose(dialog: Any, config: Any, layer: str) -> None:
    dialog._network.set_active_id(NETWORK)
    dialog._layer.set_active_id(layer)
    config.set_property("reference-file", FILE)


def say(case: str, dialog: Any, config: Any) -> None:
    layer = config.get_property("reference-layer")
    support.say(
        case=case,
        shown=[
            dialog._network.get_active_id() or "",
            dialog._layer.get_active_text() or "",
            dialog._file.get_filename() or "",
        ],
        meant=[
            config.get_property("network"),
            layer.get_name() if layer else "",
            config.get_property("reference-file") or "",
        ],
        summary=dialog._summary.get_text(),
    )


dialogs.main(main)
