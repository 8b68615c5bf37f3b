"""Installing: whole or not at all, and never over what is not ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from harmonize_daemon.cli import main
from harmonize_daemon.install import common
from harmonize_daemon.install.common import ForeignFolder, InstallError, Location, Program

COMMAND = ["/opt/python", "-m", "harmonize_daemon"]


def build(folder: Path) -> None:
    (folder / "plug").mkdir()
    (folder / "plug" / "code.py").write_text("new")
    (folder / "plug.desktop").write_text("new")


PROGRAM = Program("gimp", "GIMP", "plug", ("plug.desktop",), lambda system: [], build, "start GIMP once")


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return Location(tmp_path / "plug-ins", "GIMP 3.2")


def listing(location: Location) -> list[str]:
    return sorted(path.name for path in location.folder.iterdir())


def test_the_plugin_knows_the_daemons_command(location: Location) -> None:
    folder = common.install(PROGRAM, location, COMMAND)
    assert json.loads((folder / "daemon.json").read_text()) == {"command": COMMAND}


def test_a_second_time_replaces_the_first(location: Location) -> None:
    folder = common.install(PROGRAM, location, COMMAND)
    (folder / "left-over.py").write_text("old")
    common.install(PROGRAM, location, COMMAND)
    assert not (folder / "left-over.py").exists()
    assert listing(location) == ["plug", "plug.desktop"]


def test_somebody_elses_folder_is_never_overwritten(location: Location) -> None:
    (location.folder / "plug").mkdir(parents=True)
    (location.folder / "plug" / "mine.py").write_text("mine")
    with pytest.raises(ForeignFolder, match="not a plug-in that"):
        common.install(PROGRAM, location, COMMAND)
    with pytest.raises(ForeignFolder):
        common.uninstall(PROGRAM, location)
    assert (location.folder / "plug" / "mine.py").read_text() == "mine"
    assert listing(location) == ["plug"]


def test_the_plugin_for_another_program_is_never_overwritten(location: Location) -> None:
    """Both have folders of the same name."""
    common.install(PROGRAM, location, COMMAND)
    krita = replace(PROGRAM, key="krita")
    for act in (lambda: common.install(krita, location, COMMAND), lambda: common.uninstall(krita, location)):
        with pytest.raises(ForeignFolder, match="`harmonize install krita` has put there"):
            act()
    assert (location.folder / "plug" / "code.py").read_text() == "new"


@pytest.mark.parametrize("content", ["", "[]", "{}", "\0"])
def test_a_folder_with_a_damaged_marker_is_somebody_elses(location: Location, content: str) -> None:
    marker = common.install(PROGRAM, location, COMMAND) / common.MARKER
    marker.write_text(content)
    with pytest.raises(ForeignFolder):
        common.uninstall(PROGRAM, location)
    assert marker.exists()


def test_somebody_elses_file_is_never_overwritten(location: Location) -> None:
    location.folder.mkdir()
    (location.folder / "plug.desktop").write_text("mine")
    with pytest.raises(ForeignFolder, match=r"plug\.desktop"):
        common.install(PROGRAM, location, COMMAND)
    assert (location.folder / "plug.desktop").read_text() == "mine"


def test_a_link_is_not_followed(location: Location, tmp_path: Path) -> None:
    location.folder.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    common.write_marker(elsewhere, PROGRAM)
    (location.folder / "plug").symlink_to(elsewhere)
    with pytest.raises(ForeignFolder, match="is a link"):
        common.uninstall(PROGRAM, location)
    assert elsewhere.exists()


def test_a_failure_leaves_the_old_plugin_as_it_was(location: Location) -> None:
    folder = common.install(PROGRAM, location, COMMAND)
    (folder / "code.py").write_text("old")

    def fail(target: Path) -> None:
        build(target)
        raise OSError(28, "No space left on device")

    with pytest.raises(InstallError, match="No space left"):
        common.install(replace(PROGRAM, build=fail), location, COMMAND)
    assert (folder / "code.py").read_text() == "old"
    assert listing(location) == ["plug", "plug.desktop"]


@pytest.mark.parametrize("step", ["plug", "plug.desktop"])
def test_what_cannot_be_moved_into_place_leaves_all_as_it_was(
    location: Location, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name == step and path.parent != location.folder:
            raise PermissionError(13, "Permission denied")
        return move(path, target)

    def install_in_vain() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", refuse)
            patched.setattr(Path, "replace", refuse)
            with pytest.raises(InstallError, match="Permission denied"):
                common.install(PROGRAM, location, COMMAND)

    install_in_vain()
    assert listing(location) == []
    folder = common.install(PROGRAM, location, COMMAND)
    files = (folder / "code.py", location.folder / "plug.desktop")
    for file in files:
        file.write_text("old")
    install_in_vain()
    assert [file.read_text() for file in files] == ["old", "old"]
    assert listing(location) == ["plug", "plug.desktop"]


def test_uninstalling_removes_everything_that_was_put_there(location: Location) -> None:
    folder = common.install(PROGRAM, location, COMMAND)
    assert common.uninstall(PROGRAM, location) == folder
    assert listing(location) == []
    assert common.uninstall(PROGRAM, location) is None


def test_the_command_line_installs_and_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "plug-ins"
    assert main(["install", "gimp", "--folder", str(folder)]) == 0
    restart = "Restart GIMP if it is running.\n"
    assert f"Installed for GIMP: {folder / 'harmonize_selection'}\n{restart}" in capsys.readouterr().out
    assert main(["uninstall", "gimp", "--folder", str(folder)]) == 0
    assert list(folder.iterdir()) == []
    assert capsys.readouterr().out == f"Removed from GIMP: {folder / 'harmonize_selection'}\n{restart}"
    assert main(["uninstall", "gimp", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out == "GIMP: not installed\n"


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_a_folder_without_a_name_is_not_the_current_one(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main([command, "gimp", "--folder", ""])
    assert "the folder's name is empty" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_one_folder_in_the_way_does_not_keep_the_others_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("GIMP3_DIRECTORY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    for version in ("3.0", "3.2"):
        (tmp_path / ".config/GIMP" / version).mkdir(parents=True)
    (tmp_path / ".config/GIMP/3.0/plug-ins/harmonize_selection").mkdir(parents=True)
    assert main(["install", "gimp"]) == 1
    said = capsys.readouterr().out
    assert "Not done for GIMP 3.0" in said
    assert "Installed for GIMP 3.2" in said


def test_a_foreign_package_called_like_the_program_is_not_taken_for_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("harmonize_client", "krita", "harmonize_plugins/krita/harmonize_selection"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("harmonize_client.__file__", str(tmp_path / "harmonize_client" / "__init__.py"))
    assert common.sources("krita", "harmonize_selection") == tmp_path / "harmonize_plugins" / "krita"
    with pytest.raises(InstallError, match="lacks the plug-in for nobody"):
        common.sources("nobody", "harmonize_selection")
