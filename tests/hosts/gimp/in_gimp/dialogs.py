"""The dialog in a script's own process, with an artist who acts within its loop.

What the artist does is a generator that yields what it waits for. A thread beside the loop would be simpler to write,
but both would talk to GIMP over one wire, in the middle of each other's words.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import support
from gi.repository import Gimp, GLib

from harmonize_client import Session  # isort: skip  (support makes it importable)
from harmonize_gimp.dialog import Dialog, GimpUi  # isort: skip

LOOK_MILLISECONDS = 50
SETTLED_SECONDS = 0.5
KEY_SECONDS = 0.7


@dataclass(frozen=True)
class Until:
    """Waits until `condition` gives something true."""

    condition: Callable[[], object]
    what: str
    seconds: float = 30

    def is_over(self, passed: float) -> bool:
        """Raises TimeoutError when it was waited for too long."""
        if self.condition():
            return True
        if passed > self.seconds:
            raise TimeoutError(f"{self.what}: not within {self.seconds} s")
        return False


@dataclass(frozen=True)
class Pause:
    """Lets the dialog do what it has to do."""

    seconds: float = SETTLED_SECONDS

    def is_over(self, passed: float) -> bool:
        return passed >= self.seconds


Acting = Generator[Until | Pause, None, None]
Act = Callable[[Any, Any], Acting]
"""What the artist does; called with the dialog and its configuration."""


def show(image: Any, targets: list[Any], act: Act, home: Path | None = None) -> None:
    """Shows the dialog until the artist has done everything and closes it.

    home: where the daemon is to be found, in place of where it is.
    """
    procedure = Gimp.get_pdb().lookup_procedure(support.PLUGIN)
    config = procedure.create_config()
    with Session("tests", start=False, folder=home) as session:
        dialog = Dialog(procedure, config, image, targets, session)
        GLib.timeout_add(LOOK_MILLISECONDS, _Artist(_whole(dialog, config, act)).step)
        dialog.run()


def _whole(dialog: Any, config: Any, act: Act) -> Acting:
    try:
        yield Until(lambda: support.windows("Harmonize Selection"), "the dialog")
        yield Until(lambda: dialog._networks or dialog._state._code, "the daemon's networks, or why there are none")
        yield from act(dialog, config)
    except Exception:
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
    yield from press("Escape")


class _Artist:
    """Goes on with what the artist does whenever what is waited for has come."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting
        self._wait: Until | Pause = Pause(0)
        self._since = time.monotonic()

    def step(self) -> bool:
        """One look; False when there is no more to do. What goes wrong is raised where it was waited for."""
        try:
            try:
                if not self._wait.is_over(time.monotonic() - self._since):
                    return True
            except Exception as error:
                self._wait = self._acting.throw(error)
            else:
                self._wait = next(self._acting)
        except StopIteration:
            return False
        self._since = time.monotonic()
        return True


def press(*keys: str) -> Acting:
    for key in keys:
        support.xdotool("key", key)
        yield Pause(KEY_SECONDS)


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
