"""Runs scripts inside the real GIMP, with the plug-in installed as a user's would be."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from harmonize_daemon.install import common
from harmonize_daemon.install import gimp as gimp_plugin

from .. import environment, pictures
from ..said import Said, heard

SCRIPTS = Path(__file__).parent / "in_gimp"
PICTURE_SIZE = (480, 320)
_WINDOWED = environment.with_screen("${HARMONIZE_TEST_SCREEN:-1440x900}") + 'exec gimp "$@"'


@dataclass(frozen=True)
class Gimp:
    """GIMP of one host, with a configuration folder of its own."""

    host: environment.Host
    shared: Path

    @property
    def configuration(self) -> Path:
        return self.shared / f"gimp-{self.host.gimp}"

    def set_up(self) -> None:
        """Installs the plug-in, and makes the pictures that scripts work on."""
        shutil.rmtree(self.configuration, ignore_errors=True)
        location = common.Location(self.configuration / "plug-ins", f"GIMP {self.host.gimp}")
        # Inside the host there is no Python with the daemon: it runs outside already, or cannot be started.
        common.install(gimp_plugin.PROGRAM, location, ["/w/start-daemon"])
        (self.configuration / "gimprc").write_text(
            f'(config-version "{self.host.gimp}.99")\n(show-welcome-dialog no)\n(check-updates no)\n'
            "(color-profile-policy keep)\n"
        )
        shutil.copytree(SCRIPTS, self.shared / "in_gimp", dirs_exist_ok=True)
        if not (self.shared / "pictures").exists():
            pictures.main(str(self.shared / "pictures"), *map(str, PICTURE_SIZE))

    def run(
        self,
        script: str,
        *arguments: str,
        windowed: bool = False,
        environ: dict[str, str] | None = None,
        timeout: float = 240,
    ) -> Said:
        """Runs `in_gimp/SCRIPT.py` to its end. Fails unless the script came to its last line."""
        out = self.shared / f"out-{uuid.uuid4().hex[:8]}"
        out.mkdir()
        code = (
            f"import sys; sys.path.insert(0, '/w/in_gimp'); sys.argv = {[script, *arguments]!r}; "
            f"import runpy; runpy.run_path('/w/in_gimp/{script}.py', run_name='__main__'); "
            f"import pathlib; pathlib.Path('/w/{out.name}/finished').touch()"
        )
        options = ["-d", "--batch-interpreter=python-fu-eval", "-b", code]
        # With a window the script ends GIMP itself: only so can it look at what happens after the last click.
        start = ["sh", "-c", _WINDOWED, "sh"] if windowed else ["gimp-console", "-i", "--quit"]
        outcome = environment.enter(
            self.host,
            self.shared,
            [*start, *options],
            environment={
                "GIMP3_DIRECTORY": f"/w/{self.configuration.name}",
                "HARMONIZE_HOME": "/w/home",
                "HARMONIZE_TEST_OUT": f"/w/{out.name}",
                **(environ or {}),
            },
            timeout=timeout,
        )
        return heard(script, out, outcome)
