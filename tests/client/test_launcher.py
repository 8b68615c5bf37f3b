"""Finding and starting the daemon: with commands that play its part as real processes."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import harmonize_client
import pytest
from harmonize_client import (
    CannotConnect,
    CannotStart,
    NotInstalled,
    Session,
    State,
    VersionMismatch,
    connect,
    launcher,
    sandbox,
)
from harmonize_client.paths import Connection, read_connection, write_connection

from tests.client.fake_daemon import PATIENCE_SECONDS, FakeDaemon, Message, pid_of_the_dead
from tests.client.test_session import run

ROOT = Path(__file__).parents[2]

SERVE = f"""
import os, sys, time
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "plugins")!r}]
from pathlib import Path
from tests.client.fake_daemon import FakeDaemon
assert sys.argv[1:] == ["daemon", "run"]
time.sleep(DELAY)
with FakeDaemon(Path(os.environ["HARMONIZE_HOME"])) as daemon:
    daemon._stop.wait(20)
"""


def command_of(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def serve(delay: float = 0) -> list[str]:
    return command_of(SERVE.replace("DELAY", str(delay)))


def wait_for_the_end_of(pid: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while launcher.is_running(pid):  # a zombie still counts as running
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def ended(folder: Path) -> Iterator[None]:
    """Ends the daemon that a test has started."""
    yield
    connection = read_connection(folder)
    if connection and connection.pid != os.getpid():
        os.kill(connection.pid, signal.SIGKILL)


@pytest.mark.usefixtures("ended")
class TestStarting:
    def test_the_first_request_starts_the_daemon_and_waits_for_it(self, folder: Path) -> None:
        with connect("test/1", command=serve()) as client:
            assert client.status().pid != os.getpid()

    def test_starting_does_not_block_the_event_loop(self, folder: Path) -> None:
        with Session("test/1", command=serve(delay=2)) as session:
            session.start()
            session.poll()
            assert session.state is State.STARTING
            states = []
            longest, end = 0.0, time.monotonic() + PATIENCE_SECONDS
            while session.state is not State.READY:
                start = time.monotonic()
                session.poll()
                longest = max(longest, time.monotonic() - start)
                states.append(session.state)
                assert time.monotonic() < end
                time.sleep(0.01)
            assert states.count(State.STARTING) > 10
            assert longest < 1.5

    def test_a_running_daemon_is_found_and_none_is_started(self, folder: Path) -> None:
        with FakeDaemon(folder), connect("test/1", command=["/no/such/command"]) as client:
            assert client.status().pid == os.getpid()

    def test_a_stale_file_does_not_keep_the_daemon_from_being_started(self, folder: Path) -> None:
        write_connection(folder, Connection(1, "a" * 64, pid_of_the_dead(), "0.1.0"))
        with connect("test/1", command=serve()) as client:
            assert client.status().state == "ready"

    def test_a_stale_file_of_another_version_does_not_keep_the_daemon_from_being_started(self, folder: Path) -> None:
        """As after a crash and an update, whoever has the old daemon's process id now."""
        write_connection(folder, Connection(1, "a" * 64, os.getpid(), "0.0.1", protocol=99))
        with connect("test/1", command=serve()) as client:
            assert client.status().state == "ready"

    def test_a_daemon_that_was_killed_is_started_again_by_the_next_request(self, folder: Path) -> None:
        with connect("test/1", command=serve()) as client:
            first = read_connection(folder)
            assert first is not None
            os.kill(first.pid, signal.SIGKILL)
            wait_for_the_end_of(first.pid)
            client.status()
            assert read_connection(folder) != first

    def test_the_daemon_outlives_the_signal_that_ends_a_terminals_programs(self, folder: Path) -> None:
        with connect("test/1", command=serve()):
            connection = read_connection(folder)
            assert connection is not None
            assert os.getsid(connection.pid) == connection.pid != os.getsid(0)

    def test_a_folder_that_is_named_from_where_we_are_is_the_daemons_too(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder.parent)
        monkeypatch.setenv("HARMONIZE_HOME", folder.name)
        with connect("test/1", command=serve()):
            assert read_connection(folder) is not None

    @pytest.mark.usefixtures("folder")
    def test_a_command_that_is_named_from_where_we_are_is_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "daemon").write_text(f'#!/bin/sh\nexec {shlex.join(serve())} "$@"\n')
        (tmp_path / "daemon").chmod(0o755)
        monkeypatch.chdir(tmp_path)
        with connect("test/1", command=["./daemon"]) as client:
            assert client.status().pid != os.getpid()

    @pytest.mark.usefixtures("folder")
    def test_modules_in_the_users_home_do_not_stand_before_the_daemons(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = tmp_path / "user"
        home.mkdir()
        (home / "secrets.py").write_text("raise SystemExit('a diary')")
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.chdir(home)
        command = command_of("import secrets;" + SERVE.replace("DELAY", "0"))  # -c looks where -m does
        with connect("test/1", command=command) as client:
            assert client.status().pid != os.getpid()

    def test_no_zombie_stays_when_the_daemon_ends(self, folder: Path) -> None:
        with connect("test/1", command=serve()) as client:
            connection = read_connection(folder)
            assert connection is not None
            client.shutdown()
            wait_for_the_end_of(connection.pid)


class TestRunning:
    def test_a_process_that_is_gone_does_not_run(self) -> None:
        assert launcher.is_running(os.getpid())
        assert not launcher.is_running(pid_of_the_dead())

    @pytest.mark.parametrize(("number", "running"), [(errno.EPERM, False), (errno.EACCES, True)])
    def test_another_users_process_is_no_daemon_of_ours_but_a_sandbox_says_nothing(
        self, monkeypatch: pytest.MonkeyPatch, number: int, running: bool
    ) -> None:
        def kill(pid: int, signal: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "kill", kill)
        assert launcher.is_running(4711) is running


class TestFailing:
    def test_a_command_that_fails_is_quoted_with_what_it_said(self, folder: Path) -> None:
        program = "import sys; print('loading'); sys.exit('No module named torch')"
        with pytest.raises(CannotStart, match=r"(?s)status 1.*No module named torch.*harmonize doctor"):
            connect("test/1", command=command_of(program))

    def test_a_command_that_is_not_there_says_so(self, folder: Path) -> None:
        with pytest.raises(CannotStart, match=r"/no/such/command.*No such file"):
            connect("test/1", command=["/no/such/command"])

    def test_a_folder_that_cannot_be_written_is_not_taken_for_a_bad_command(self, folder: Path) -> None:
        (folder / "start.log").mkdir()
        with pytest.raises(CannotStart, match=r"folder .* cannot be written .*: check its permissions and the room"):
            connect("test/1", command=serve())

    def test_only_the_last_lines_are_quoted(self, folder: Path) -> None:
        with pytest.raises(CannotStart, match="line 99999") as caught:
            connect("test/1", command=command_of("for i in range(100000): print('line', i)\nraise SystemExit(3)"))
        assert len(str(caught.value)) < 500

    def test_a_daemon_of_another_version_that_still_runs_is_named(self, folder: Path) -> None:
        """The new one finds it, and ends with an error of its own."""
        write_connection(folder, Connection(1, "a" * 64, 4711, "0.0.1", protocol=99))
        for start in (True, False):
            with pytest.raises(VersionMismatch, match=r"version 0\.0\.1, process 4711\) speaks protocol 99"):
                connect("test/1", start=start, command=command_of("raise SystemExit(1)"))

    def test_it_is_named_too_where_no_other_can_be_started(self, folder: Path) -> None:
        write_connection(folder, Connection(1, "a" * 64, 4711, "0.0.1", protocol=99))
        with pytest.raises(VersionMismatch, match="process 4711"):
            connect("test/1", command=["/no/such/command"])

    def test_a_daemon_that_never_comes_up_is_given_up(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(launcher, "START_SECONDS", 0.3)
        with pytest.raises(CannotStart, match="did not answer within"):
            connect("test/1", command=command_of("import time; time.sleep(2)"))

    def test_a_running_daemon_that_does_not_answer_is_named(self, folder: Path) -> None:
        """The new one finds it, leaves it its place and ends with status 0."""
        hung = FakeDaemon(folder, hello=lambda daemon, message: None)
        with hung, Session("test/1", command=command_of("pass"), hello_seconds=0.2) as session:
            job = session.status()
            run(session, job)
            assert isinstance(job.error, CannotConnect)
            assert f"process {os.getpid()}) cannot be used: it does not answer: end that process" in str(job.error)

    def test_a_running_daemon_that_answered_the_new_one_is_asked_once_more(self, folder: Path) -> None:
        """It was frozen for a while, as a computer is that wakes, or this program was."""

        def be_slow_at_first(daemon: FakeDaemon, message: Message) -> None:
            if len(daemon.requests) > 1:
                daemon.on_hello(message)

        slow = FakeDaemon(folder, hello=be_slow_at_first)
        with slow, Session("test/1", command=command_of("pass"), hello_seconds=2) as session:
            job = session.status()
            run(session, job)
            assert job.error is None


class TestFinding:
    @pytest.fixture
    def nothing(self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A world without any daemon; gives the folder in which the client's package seems to lie."""
        package = tmp_path / "plug-in" / "harmonize_client"
        package.mkdir(parents=True)
        (tmp_path / "bin").mkdir()
        monkeypatch.setattr(launcher, "__file__", str(package / "launcher.py"))
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setattr(launcher.importlib.util, "find_spec", lambda name: None)
        return package.parent

    def executable(self, path: Path) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        return str(path)

    @pytest.mark.usefixtures("nothing")
    def test_nothing_installed_says_how_to_install(self) -> None:
        with pytest.raises(NotInstalled, match=r"pipx install harmonize-selection.*harmonize install"):
            launcher.find_command()

    @pytest.mark.usefixtures("nothing")
    @pytest.mark.parametrize("told", ['["/a b/python", "-m", "harmonize_daemon"]', "'/a b/python' -m harmonize_daemon"])
    def test_the_environment_comes_first(self, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
        monkeypatch.setenv("HARMONIZE_DAEMON", told)
        assert launcher.find_command() == ("/a b/python", "-m", "harmonize_daemon")

    @pytest.mark.usefixtures("nothing")
    @pytest.mark.parametrize("told", ["[1]", "[", "'", "[]", '["a", null]'])
    def test_nonsense_in_the_environment_is_named(self, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
        monkeypatch.setenv("HARMONIZE_DAEMON", told)
        with pytest.raises(NotInstalled, match="HARMONIZE_DAEMON"):
            launcher.find_command()

    def test_the_file_beside_the_package_comes_before_the_path(self, nothing: Path, tmp_path: Path) -> None:
        self.executable(tmp_path / "bin" / "harmonize")
        (nothing / "daemon.json").write_text(json.dumps({"command": ["/opt/harmonize", "--flag"]}))
        assert launcher.find_command() == ("/opt/harmonize", "--flag")

    @pytest.mark.parametrize(
        "text", ["", "{}", "[]", '{"command": []}', '{"command": "harmonize"}', '{"command": [1]}']
    )
    def test_a_broken_file_beside_the_package_is_named(self, nothing: Path, text: str) -> None:
        (nothing / "daemon.json").write_text(text)
        with pytest.raises(NotInstalled, match=r"daemon\.json.*harmonize install"):
            launcher.find_command()

    @pytest.mark.usefixtures("nothing")
    def test_the_path_is_searched_and_then_where_pipx_installs(self, tmp_path: Path) -> None:
        for_user = self.executable(tmp_path / ".local" / "bin" / "harmonize")
        assert launcher.find_command() == (for_user,)
        on_path = self.executable(tmp_path / "bin" / "harmonize")
        assert launcher.find_command() == (on_path,)

    @pytest.mark.usefixtures("nothing")
    def test_this_python_is_used_if_it_has_the_daemon_and_is_a_python(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(launcher.importlib.util, "find_spec", lambda name: name == "harmonize_daemon" or None)
        assert launcher.find_command() == (sys.executable, "-m", "harmonize_daemon")
        monkeypatch.setattr(sys, "executable", "/usr/bin/krita")
        with pytest.raises(NotInstalled):
            launcher.find_command()


class TestSandbox:
    @pytest.fixture
    def flatpak(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        info = tmp_path / "flatpak-info"
        monkeypatch.setattr(sandbox, "FLATPAK_INFO", info)

        def be_inside(text: str) -> None:
            info.write_text(f"[Application]\nname=org.kde.krita\n\n{text}")

        return be_inside

    def test_outside_of_any_sandbox_the_command_stays_as_it_is(self) -> None:
        assert sandbox.outside(["harmonize"]) == ["harmonize"]
        assert sandbox.without_network() == ""

    def test_a_flatpak_that_may_starts_the_daemon_on_the_host(
        self, flatpak: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flatpak("[Session Bus Policy]\norg.freedesktop.Flatpak=talk\n")
        monkeypatch.delenv("HARMONIZE_HOME", raising=False)
        assert sandbox.outside(["harmonize", "x"]) == ["flatpak-spawn", "--host", "harmonize", "x"]
        monkeypatch.chdir("/")
        for home in ("/elsewhere", "elsewhere"):
            monkeypatch.setenv("HARMONIZE_HOME", home)
            assert sandbox.outside(["h"]) == ["flatpak-spawn", "--host", "--env=HARMONIZE_HOME=/elsewhere", "h"]

    @pytest.mark.parametrize("text", ["", "[Session Bus Policy]\nother=talk\n", "not an ini file"])
    def test_a_flatpak_that_may_not_says_how_to_permit_it(self, flatpak: Callable[[str], None], text: str) -> None:
        flatpak(text)
        with pytest.raises(CannotStart, match=r"flatpak override --user --talk-name=org\.freedesktop\.Flatpak"):
            sandbox.outside(["harmonize"])

    def test_a_flatpak_without_network_is_told_from_one_with_it(self, flatpak: Callable[[str], None]) -> None:
        flatpak("[Context]\nshared=network;ipc;\n")
        assert sandbox.without_network() == ""
        flatpak("[Context]\nshared=ipc;\n")
        assert sandbox.without_network() == "org.kde.krita"

    def test_a_flatpak_without_network_gives_the_command_that_permits_it(
        self, flatpak: Callable[[str], None], folder: Path
    ) -> None:
        flatpak("[Context]\nshared=ipc;\n")
        write_connection(folder, Connection(1, "a" * 64, os.getpid(), "0.1.0"))
        with Session("test/1", start=False) as session:
            job = session.status()
            run(session, job)
            assert "flatpak override --user --share=network org.kde.krita" in str(job.error)

    def test_an_appimages_own_paths_are_taken_out(self) -> None:
        environ = {
            "APPDIR": "/tmp/.mount_krita",
            "HOME": "/home/a",
            "PATH": "/tmp/.mount_krita/usr/bin:/usr/bin",
            "LD_LIBRARY_PATH": "/tmp/.mount_krita/usr/lib",
            "XDG_DATA_DIRS": "/tmp/.mount_krita/share:/usr/share",
            "PYTHONPATH": "/tmp/.mount_krita/python",
            "PYTHONHOME": "/tmp/.mount_krita",
            "QT_PLUGIN_PATH": "/tmp/.mount_krita/plugins",
        }
        cleaned = sandbox.clean_environment(environ, ["/usr/bin/harmonize"])
        assert cleaned == {"HOME": "/home/a", "PATH": "/usr/bin", "XDG_DATA_DIRS": "/usr/share"}

    def test_the_loaders_path_of_before_is_restored(self) -> None:
        environ = {"LD_LIBRARY_PATH": "/bundle:/usr/local/lib", "LD_LIBRARY_PATH_ORIG": "/usr/local/lib"}
        assert sandbox.clean_environment(environ, ["harmonize"])["LD_LIBRARY_PATH"] == "/usr/local/lib"
        environ["LD_LIBRARY_PATH_ORIG"] = ""
        assert "LD_LIBRARY_PATH" not in sandbox.clean_environment(environ, ["harmonize"])

    def test_a_hosts_python_settings_are_kept_only_for_this_very_python(self) -> None:
        environ = {"PYTHONPATH": "/gimp/python", "HOME": "/home/a"}
        assert sandbox.clean_environment(environ, ["/usr/bin/harmonize"]) == {"HOME": "/home/a"}
        assert sandbox.clean_environment(environ, [sys.executable, "-m", "harmonize_daemon"]) == environ


def test_a_copy_of_the_package_beside_a_plug_in_finds_its_command(folder: Path, tmp_path: Path) -> None:
    """As GIMP runs a plug-in: another Python process, the package beside it, nothing else on its path."""
    plug_in = tmp_path / "plug-in"
    shutil.copytree(Path(harmonize_client.__file__).parent, plug_in / "harmonize_client")
    harmonize_client.wire.vendor_msgpack(plug_in / "harmonize_client")
    (plug_in / "daemon.json").write_text(json.dumps({"command": serve()}))
    (plug_in / "plug_in.py").write_text(
        "import harmonize_client\n"
        "with harmonize_client.connect('plug-in/1') as client:\n"
        "    print(client.status().device)\n"
        "    client.shutdown()\n"
    )
    result = subprocess.run(
        [sys.executable, "-S", str(plug_in / "plug_in.py")], capture_output=True, text=True, timeout=60
    )
    assert (result.stdout, result.stderr) == ("cpu\n", "")
