"""`harmonize daemon run|start|restart|stop|status`."""

from __future__ import annotations

import argparse
import os
import sys
import time

from harmonize_client import paths
from harmonize_client.errors import VersionMismatch

from .. import CLIENT_NAME
from ..devices import device_name
from ..front.lifetime import daemon_runs, end_other_version
from ..options import Limits, Options

STOP_SECONDS = 10.0
_HIGHEST_PORT = 65_535
SETTINGS = {
    "device": "HARMONIZE_DEVICE",
    "idle_exit": "HARMONIZE_IDLE_EXIT",
    "max_pixels": "HARMONIZE_MAX_PIXELS",
}
"""What can be set, and the variables of the environment in which a daemon that another command starts finds it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    run_parser = actions.add_parser("run", help="run in the foreground")
    start = actions.add_parser("start", help="start in the background; says where it already runs")
    restart = actions.add_parser("restart", help="stop it if it runs, and start it with these settings")
    actions.add_parser("stop", help="end all jobs and the daemon")
    actions.add_parser("status", help="what it is doing")
    for each in (run_parser, start, restart):
        _add_settings(each)
    run_parser.add_argument("--port", type=_port, default=Options.port, metavar="N", help="0 = any free one (default)")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    # Defaults are strings: argparse looks at a variable only for the action that needs it, and names the option.
    parser.add_argument(
        "--device",
        type=device_name,
        default=os.environ.get(SETTINGS["device"]) or Options.device,
        metavar="NAME",
        help="auto, cpu, cuda or cuda:N (default: %(default)s)",
    )
    parser.add_argument(
        "--idle-exit",
        type=_whole_number,
        default=os.environ.get(SETTINGS["idle_exit"]) or str(Options.idle_exit_seconds),
        metavar="SECONDS",
        help="exit after so long without a request, 0 = never (default: %(default)s)",
    )
    parser.add_argument(
        "--max-pixels",
        type=_whole_number,
        default=os.environ.get(SETTINGS["max_pixels"]) or str(Limits.pixels),
        metavar="N",
        help="largest layer (default: %(default)s)",
    )


def _whole_number(word: str) -> int:
    if not word.isdecimal():
        raise argparse.ArgumentTypeError(f"{word!r} is no number from 0 on (given here or in the environment)")
    return int(word)


def _port(word: str) -> int:
    if not word.isdecimal() or int(word) > _HIGHEST_PORT:  # libzmq takes what remains of it after division by 65536
        raise argparse.ArgumentTypeError(f"{word!r} is no port: give a number from 0 to {_HIGHEST_PORT}")
    return int(word)


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises HarmonizeError."""
    actions = {"run": _run, "start": _start, "restart": _restart, "stop": _stop, "status": _status}
    return actions[arguments.action](arguments)


def _run(arguments: argparse.Namespace) -> int:
    from harmonize_daemon.front.process import run as serve

    options = Options(
        device=arguments.device,
        port=arguments.port,
        idle_exit_seconds=arguments.idle_exit,
        limits=Limits(pixels=arguments.max_pixels),
    )
    return serve(options)


def _start(arguments: argparse.Namespace) -> int:
    from harmonize_client import connect

    for setting, variable in SETTINGS.items():
        os.environ[variable] = str(getattr(arguments, setting))
    ran_before = daemon_runs(paths.home())
    with connect(CLIENT_NAME, start=True) as client:
        status = client.status()
    print(f"The daemon {'runs already' if ran_before else 'runs'}, process {status.pid}: {status.detail}")
    if ran_before:
        print("It keeps the settings that it was started with; `harmonize daemon restart` gives it new ones.")
    return 0


def _restart(arguments: argparse.Namespace) -> int:
    return _stop(arguments) or _start(arguments)


def _stop(arguments: argparse.Namespace) -> int:
    from harmonize_client import connect

    home = paths.home()
    if not daemon_runs(home):
        print("No daemon runs.")
        return 0
    try:
        with connect(CLIENT_NAME, start=False) as client:
            pid = client.status().pid
            client.shutdown()
    except VersionMismatch:
        other = end_other_version(home)
        if other is None:
            raise
        pid = other
    deadline = time.monotonic() + STOP_SECONDS
    while daemon_runs(home):
        if time.monotonic() > deadline:
            print(f"The daemon, process {pid}, has not ended within {STOP_SECONDS:g} seconds.", file=sys.stderr)
            return 1
        time.sleep(0.02)
    print("The daemon has stopped.")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from harmonize_client import connect

    if not daemon_runs(paths.home()):
        print("No daemon runs.", file=sys.stderr)
        return 1
    with connect(CLIENT_NAME, start=False) as client:
        status = client.status()
    print(f"{status.state}: {status.detail}")
    print(f"version {status.version}, process {status.pid}, device {status.device or 'not known yet'}")
    print(f"jobs: {status.jobs.running} running, {status.jobs.queued} waiting")
    print(f"networks: {', '.join(network.key for network in status.networks) or 'not known yet'}")
    return 0
