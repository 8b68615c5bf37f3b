"""The dialog's own buttons: Save Settings, Reset and Load Saved Settings, and what the widgets show then."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import support
from gi.repository import Gimp, GLib

from harmonize_client import Session  # isort: skip  (support makes it importable)
from harmonize_gimp.dialog import Dialog, GimpUi  # isort: skip

NETWORK = "s2crnet"
FILE = str(support.PICTURES / "scene.png")


def main() -> None:
    image, background, figure = support.composite()
    procedure = Gimp.get_pdb().lookup_procedure(support.PLUGIN)
    config = procedure.create_config()
    GimpUi.init("resetting")
    with Session("tests", start=False) as session:
        dialog = Dialog(procedure, config, image, [figure], session)
        artist = threading.Thread(target=lambda: act(dialog, config, background), daemon=True)
        artist.start()
        dialog.run()
        artist.join()


def act(dialog: Any, config: Any, background: Any) -> None:
    """What the artist does, beside the dialog's own loop."""
    support.window("Harmonize Selection")
    support.until(lambda: dialog._networks, 30, "the daemon's networks")
    in_loop(lambda: say("opened", dialog, config))
    in_loop(lambda: choose(dialog, config, str(background.get_id())))
    in_loop(lambda: say("chosen", dialog, config))
    press("alt+s")
    press("alt+r")
    press("Down", "Return")
    in_loop(lambda: say("reset", dialog, config))
    press("alt+l")
    in_loop(lambda: say("loaded", dialog, config))
    press("Escape")


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


def in_loop(do: Callable[[], object]) -> None:
    """Does something where the dialog lives, and waits until it is done."""
    done = threading.Event()

    def once() -> bool:
        try:
            do()
        finally:
            done.set()
        return bool(GLib.SOURCE_REMOVE)

    GLib.idle_add(once)
    if not done.wait(20):
        raise TimeoutError("the dialog's loop stands still")
    time.sleep(0.5)


def press(*keys: str) -> None:
    for key in keys:
        support.xdotool("key", key)
        time.sleep(0.7)


try:
    main()
    (support.OUT / "finished").touch()
except BaseException:
    import traceback

    traceback.print_exc(file=sys.stdout)
    sys.stdout.flush()
# GIMP would stay open: its window waits for the artist.
os.kill(os.getppid(), signal.SIGKILL)
