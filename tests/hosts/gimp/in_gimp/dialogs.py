"""The dialog in a script's own process, with an artist beside its loop."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import support
from gi.repository import Gimp, GLib

from harmonize_client import Session  # isort: skip  (support makes it importable)
from harmonize_gimp.dialog import Dialog, GimpUi  # isort: skip

Act = Callable[[Any, Any], object]
"""What the artist does; called with the dialog and its configuration."""


def show(image: Any, targets: list[Any], act: Act) -> None:
    """Shows the dialog until the artist closes it."""
    procedure = Gimp.get_pdb().lookup_procedure(support.PLUGIN)
    config = procedure.create_config()
    with Session("tests", start=False) as session:
        dialog = Dialog(procedure, config, image, targets, session)
        artist = threading.Thread(target=lambda: _act(dialog, config, act), daemon=True)
        artist.start()
        dialog.run()
        artist.join()


def _act(dialog: Any, config: Any, act: Act) -> None:
    support.window("Harmonize Selection")
    support.until(lambda: dialog._networks, 30, "the daemon's networks")
    try:
        act(dialog, config)
    except Exception:
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
    press("Escape")


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


def main(run: Callable[[], object]) -> None:
    """Runs a script with dialogs, and ends GIMP, which would stay open: its window waits for the artist."""
    try:
        GimpUi.init("tests")
        run()
        (support.OUT / "finished").touch()
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
    os.kill(os.getppid(), signal.SIGKILL)
