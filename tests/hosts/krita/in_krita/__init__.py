"""A plug-in that runs one test script, as a generator: each `yield` gives Krita's event loop so many seconds."""

import faulthandler
import importlib
import json
import os
import sys
import traceback
from pathlib import Path

from krita import Extension, Krita

try:
    from PyQt6.QtCore import QTimer
except ImportError:
    from PyQt5.QtCore import QTimer

sys.path.insert(0, str(Path(__file__).parent))
OUT = Path(os.environ["HARMONIZE_TEST_OUT"])
faulthandler.enable(2)  # where Krita crashes, the log says what Python was doing


class Runner(Extension):
    def setup(self):
        self._steps = None
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.windowCreated.connect(lambda *_: QTimer.singleShot(1000, self._begin))

    def createActions(self, window):  # noqa: N802
        pass

    def _begin(self):
        if self._steps is None:
            name, *arguments = json.loads(os.environ["HARMONIZE_TEST_SCRIPT"])
            self._steps = self._guarded(lambda: importlib.import_module(name).steps(*arguments))
            self._advance()

    def _advance(self):
        if _docker_is_at_it():
            QTimer.singleShot(5, self._advance)
            return
        seconds = self._guarded(lambda: next(self._steps, None))
        if seconds is None:
            (OUT / "finished").touch()
            self._end()
        QTimer.singleShot(int(seconds * 1000), self._advance)

    def _guarded(self, act):
        try:
            return act()
        except BaseException:
            traceback.print_exc()
            self._end()

    @staticmethod
    def _end():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _docker_is_at_it():
    """Krita lets timers in while the docker works. What is asked for then waits, but scripts would look at once."""
    register = sys.modules.get("harmonize_selection.register")
    return register is not None and any(docker.presenter._turns.taken for docker in register.HarmonizeDocker.opened)


Krita.instance().addExtension(Runner(Krita.instance()))
