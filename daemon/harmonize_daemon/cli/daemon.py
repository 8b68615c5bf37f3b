"""`harmonize daemon run|start|stop|status`."""

from __future__ import annotations

import argparse
import os
import sys
import time

from harmonize_client.errors import NoDaemon

from ..options import Limits, Options

CLIENT_NAME = "command-line"
STOP_SECONDS = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    run_parser = actions.add_parser("run", help="run in the foreground")
    start = actions.add_parser("start", help="start in the background; says where it already runs")
    actions.add_parser("stop", help="end all jobs and the daemon")
    actions.add_parser("status", help="what it is doing")
    defaults, limits = Options(), Limits()
    for each in (run_parser, start):
        each.add_argument(
            "--device",
            default=os.environ.get("HARMONIZE_DEVICE", defaults.device),
            metavar="NAME",
            help="auto, cpu, cuda or cuda:N (default: %(default)s)",
        )
    run_parser.add_argument(
        "--idle-exit",
        type=int,
        default=int(os.environ.get("HARMONIZE_IDLE_EXIT", defaults.idle_exit_seconds)),
        metavar="SECONDS",
        help="exit after so long without a request, 0 = never (default: %(default)s)",
    )
    run_parser.add_argument("--port", type=int, default=defaults.port, help="0 = any free one (default)")
    run_parser.add_argument(
        "--max-pixels", type=int, default=limits.pixels, metavar="N", help="largest layer (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises HarmonizeError."""
    return {"run": _run, "start": _start, "stop": _stop, "status": _status}[arguments.action](arguments)


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

    os.environ["HARMONIZE_DEVICE"] = arguments.device
    with connect(CLIENT_NAME, start=True) as client:
        status = client.status()
    print(f"The daemon runs, process {status.pid}: {status.detail}")
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    from harmonize_client import connect, paths

    try:
        with connect(CLIENT_NAME, start=False) as client:
            client.shutdown()
    except NoDaemon:
        print("No daemon runs.")
        return 0
    deadline = time.monotonic() + STOP_SECONDS
    while paths.connection_file().exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    print("The daemon has stopped.")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from harmonize_client import connect

    try:
        with connect(CLIENT_NAME, start=False) as client:
            status = client.status()
    except NoDaemon as error:
        print(f"No daemon runs ({error})", file=sys.stderr)
        return 1
    print(f"{status.state}: {status.detail}")
    print(f"version {status.version}, process {status.pid}, device {status.device or 'not known yet'}")
    print(f"jobs: {status.jobs.running} running, {status.jobs.queued} waiting")
    print(f"networks: {', '.join(network.key for network in status.networks) or 'not known yet'}")
    return 0
