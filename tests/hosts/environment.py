"""Folders that hold a small Debian with the real GIMP and the real Krita, and running a command inside one.

A folder is built once (two to four minutes, 1.4 GB) under `HARMONIZE_HOSTS_DIR` and used again by every later run.
Building and entering need root on Linux: `mmdebstrap` builds, `unshare` gives each run private mounts, so that nothing
that a test does inside can be seen outside but the one folder that both share.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GIMP = ("gimp", "python3-gi-cairo", "gir1.2-gegl-0.4")
DISPLAY = ("xvfb", "xauth", "xdotool", "openbox", "x11-utils", "imagemagick", "fonts-dejavu-core", "adwaita-icon-theme")
PACKAGES = ("krita", *DISPLAY, "dbus-bin", "ca-certificates")

SHARED = Path("/w")
"""Where the inside sees the folder that both sides share."""

# The network stays shared on purpose: a daemon on 127.0.0.1 outside is reachable inside.
# It also means that two runs at a time need different X display numbers: see `with_screen`.
# The table of processes: a client asks whether the process that a connection file names is alive.
_ENTER = """
set -e
root=$1; shared=$2; shift 2
mkdir -p "$root/w"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
mount --bind "$shared" "$root/w"
exec chroot "$root" "$@"
"""

# Debian's experimental is no release of its own, but packages on top of sid, of which apt takes none unasked.
_ON_TOP_OF_SID = (
    """--setup-hook=printf 'Package: src:krita\\nPin: release a=experimental\\nPin-Priority: 990\\n' """
    """> "$1/etc/apt/preferences.d/krita\"""",
)
_SOURCES = tuple(f"deb http://deb.debian.org/debian {suite} main" for suite in ("sid", "experimental"))

_BASE_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "XDG_RUNTIME_DIR": "/run",
    "LIBGL_ALWAYS_SOFTWARE": "1",
}


def with_screen(size: str) -> str:
    """A shell script's beginning: what follows sees a screen of its own, whatever else runs, with a window manager."""
    return f"""
Xvfb -displayfd 3 -screen 0 {size}x24 -nolisten tcp 3>/tmp/display >/dev/null 2>&1 &
for i in $(seq 600); do [ -s /tmp/display ] && break; sleep 0.1; done
export DISPLAY=:$(cat /tmp/display)
openbox >/dev/null 2>&1 &
"""


@dataclass(frozen=True)
class Host:
    """One Debian release and the programs that it brings."""

    suite: str
    krita: str
    gimp: str = ""
    """Empty where another host has the same one."""
    qt: tuple[str, ...] = ("python3-pyqt5",)
    """What Krita's plug-ins are drawn with."""

    @property
    def name(self) -> str:
        return f"gimp{self.gimp}-krita{self.krita}" if self.gimp else f"krita{self.krita}"

    @property
    def root(self) -> Path:
        return hosts_folder() / self.suite

    @property
    def programs(self) -> tuple[Path, ...]:
        names = ("krita", "gimp-console") if self.gimp else ("krita",)
        return tuple(self.root / "usr/bin" / name for name in names)

    @property
    def packages(self) -> tuple[str, ...]:
        return (*PACKAGES, *self.qt, *(GIMP if self.gimp else ()))

    @property
    def is_experimental(self) -> bool:
        """Changes from day to day, and on some days cannot be installed."""
        return self.suite == "experimental"


TRIXIE = Host("trixie", gimp="3.0", krita="5.2")
FORKY = Host("forky", gimp="3.2", krita="5.3")
EXPERIMENTAL = Host("experimental", krita="6", qt=("python3-pyqt6", "qt6-svg-plugins"))
HOSTS = (TRIXIE, FORKY, EXPERIMENTAL)


@dataclass(frozen=True)
class Outcome:
    """How a command inside a host ended. `code` is None when it was stopped because its time was up."""

    code: int | None
    output: str


def hosts_folder() -> Path:
    return Path(os.environ.get("HARMONIZE_HOSTS_DIR", "/var/cache/harmonize-hosts"))


def why_unavailable(host: Host) -> str | None:
    """The reason why this machine can neither use nor build the host, in words; None when it can."""
    if sys.platform != "linux":
        return "the hosts are Linux folders"
    if os.geteuid() != 0:
        return "entering a host folder needs root"
    if shutil.which("unshare") is None:
        return "entering a host folder needs unshare (util-linux)"
    if not is_built(host) and shutil.which("mmdebstrap") is None:
        return f"{host.root} is not built, and building it needs mmdebstrap (apt-get install mmdebstrap)"
    return None


def is_built(host: Host) -> bool:
    return all(program.exists() for program in host.programs)


def build(host: Host) -> None:
    """Builds the host's folder beside its place, then renames it. Raises RuntimeError with mmdebstrap's last words."""
    if is_built(host):
        return
    beside = host.root.with_name(f"{host.suite}.{os.getpid()}")
    beside.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *("mmdebstrap", "--mode=root", "--variant=apt", "--format=directory"),
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=Acquire::Check-Valid-Until "false"',  # a mirror that stands still will do
        *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "doc", "help", "locale")),
        f"--include={','.join(host.packages)}",
        *(_ON_TOP_OF_SID if host.is_experimental else ()),
        "sid" if host.is_experimental else host.suite,
        str(beside),
        *(_SOURCES if host.is_experimental else ()),
    ]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode != 0:
        shutil.rmtree(beside, ignore_errors=True)
        raise RuntimeError(f"mmdebstrap could not build {host.suite}:\n{run.stdout[-3000:]}")
    beside.rename(host.root)


def enter(
    host: Host,
    shared: Path,
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> Outcome:
    """Runs `command` inside `host`, with the folder `shared` visible as /w; stops all of it after `timeout` seconds.

    Standard output and standard error come back together.
    """
    variables = {**_BASE_ENVIRONMENT, **(environment or {})}
    process = subprocess.Popen(
        [
            *("unshare", "--mount", "--ipc"),
            *("sh", "-c", _ENTER, "sh", str(host.root), str(shared)),
            *("/usr/bin/env", "-i", *(f"{name}={value}" for name, value in variables.items())),
            *command,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    reader = threading.Thread(target=lambda: output.append(process.stdout.read() if process.stdout else b""))
    output: list[bytes] = []
    reader.start()
    with _world_of(process) as world:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
        code = process.returncode
        # What was left running inside holds the pipe open.
        _end_all_in(world)
        process.wait()
        reader.join()
    if process.stdout:
        process.stdout.close()
    return Outcome(code, output[0].decode("utf-8", "replace"))


@contextlib.contextmanager
def _world_of(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """The number of the private set of mounts in which the process and all that it starts live; 0 if it ended at once.

    Held open, so that the kernel does not give the number to another one meanwhile.
    """
    own = os.stat("/proc/self/ns/mnt").st_ino
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(f"/proc/{process.pid}/ns/mnt", os.O_RDONLY)
            try:
                number = os.fstat(handle).st_ino
                if number != own:
                    yield number
                    return
            finally:
                os.close(handle)
        time.sleep(0.002)
    yield 0


def _end_all_in(world: int) -> None:
    """Looks again until nothing is left: what runs may start something else while it is looked for."""
    while left := _processes_in(world):
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)


def _processes_in(world: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if world and entry.name.isdigit():
            with contextlib.suppress(OSError):
                if os.stat(entry / "ns/mnt").st_ino == world:
                    found.append(int(entry.name))
    return found


def main() -> None:
    """Builds every host that is not there yet: `python -m tests.hosts.environment`."""
    for host in HOSTS:
        print(f"{host.name}: {host.root}", flush=True)
        build(host)


if __name__ == "__main__":
    main()
