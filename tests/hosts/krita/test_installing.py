"""Tools › Scripts › Import Python Plugin: Krita's own importer takes the zip that `make dist` builds."""

from __future__ import annotations

from pathlib import Path

from harmonize_daemon.install import common, dist, krita

from .. import environment

# The importer as Krita starts it: with Krita's own word for translating.
IMPORT = """
import builtins, runpy, sys
builtins.i18n = str
runpy.run_path("/usr/share/krita/pykrita/plugin_importer/plugin_importer.py", run_name="__main__")
"""


def test_the_zip_gives_what_installing_gives(host: environment.Host, tmp_path: Path) -> None:
    zip_file = dist.build_zip("krita", tmp_path)
    (tmp_path / "resources").mkdir()
    outcome = environment.enter(host, tmp_path, ["python3", "-c", IMPORT, f"/w/{zip_file.name}", "/w/resources"])
    assert "Imported plugin: Harmonize Selection" in outcome.output
    common.install(krita.PROGRAM, common.Location(tmp_path / "installed", "Krita"), ["harmonize"])
    assert _files(tmp_path / "resources" / "pykrita") == _files(tmp_path / "installed") - {
        Path("harmonize_selection") / common.COMMAND_FILE
    }
    assert (tmp_path / "resources" / "actions" / "harmonize_selection.action").is_file()


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
