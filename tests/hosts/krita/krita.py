"""Runs scripts inside the real Krita, with the plug-in installed as a user's would be."""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from harmonize_daemon.install import common
from harmonize_daemon.install import krita as krita_plugin

from .. import environment, pictures
from ..said import Said, heard

SCRIPTS = Path(__file__).parent / "in_krita"
PICTURES = "krita-pictures"
"""The folder of the scripts' pictures; GIMP's scripts have others, of another size, beside it."""
PICTURE_SIZE = (600, 400)

_RUNNER_DESKTOP = """[Desktop Entry]
Type=Service
ServiceTypes=Krita/PythonPlugin
X-KDE-Library=harmonize_runner
X-Python-2-Compatible=false
Name=Runner
Comment=Runs one test script
"""
_START = environment.with_screen("1600x1000") + "exec krita --nosplash"


@dataclass(frozen=True)
class Krita:
    """Krita of one host, with a data folder and settings of its own."""

    host: environment.Host
    shared: Path

    @property
    def folder(self) -> Path:
        return self.shared / f"krita-{self.host.krita}"

    def set_up(self) -> None:
        """Installs the plug-in and the runner, and makes the pictures that scripts work on."""
        shutil.rmtree(self.folder, ignore_errors=True)
        plugins = self.folder / "data" / "krita" / "pykrita"
        # Inside the host there is no Python with the daemon: it runs outside already, or cannot be started.
        common.install(krita_plugin.PROGRAM, common.Location(plugins, "Krita"), ["/w/start-daemon"])
        shutil.copytree(SCRIPTS, plugins / "harmonize_runner")
        (plugins / "harmonize_runner.desktop").write_text(_RUNNER_DESKTOP)
        if not (self.shared / PICTURES).exists():
            pictures.main(str(self.shared / PICTURES), *map(str, PICTURE_SIZE))

    def run(
        self,
        script: str,
        *arguments: str,
        theme: str = "Krita dark",
        language: str = "en",
        environ: dict[str, str] | None = None,
        timeout: float = 300,
        opengl: bool = True,
    ) -> Said:
        """Runs `in_krita/SCRIPT.py` to its end. Fails unless the script came to its last line.

        opengl: Krita's canvas is drawn with OpenGL, which takes the processor's time where there is no graphics card.
        """
        out = self.shared / f"out-{uuid.uuid4().hex[:8]}"
        out.mkdir()
        settings = self.folder / "config"
        shutil.rmtree(settings, ignore_errors=True)
        settings.mkdir()
        (settings / "kritarc").write_text(
            f"[python]\nenable_harmonize_selection=true\nenable_harmonize_runner=true\n[theme]\nTheme={theme}\n"
        )
        if not opengl:
            (settings / "kritadisplayrc").write_text("[General]\nOpenGLRenderer=none\n")
        outcome = environment.enter(
            self.host,
            self.shared,
            ["sh", "-c", _START],
            environment={
                "XDG_DATA_HOME": f"/w/{self.folder.name}/data",
                "XDG_CONFIG_HOME": f"/w/{self.folder.name}/config",
                "XDG_CACHE_HOME": f"/w/{self.folder.name}/cache",
                "HARMONIZE_HOME": "/w/home",
                "HARMONIZE_TEST_OUT": f"/w/{out.name}",
                "HARMONIZE_TEST_SCRIPT": json.dumps([script, *arguments]),
                "LANGUAGE": language,
                "LC_ALL": "C.UTF-8" if language == "en" else f"{language}.UTF-8",
                **(environ or {}),
            },
            timeout=timeout,
        )
        return heard(script, out, outcome)
