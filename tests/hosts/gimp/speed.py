"""How long a large layer takes from the click to the written layer, split into GIMP's part and ours.

    python -m tests.hosts.gimp.speed [WIDTH HEIGHT]

Prints a table: the best of three runs in each GIMP, with the daemon on the CPU. The daemon keeps what it has
predicted, so only the first run waits for the network.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from .. import environment
from ..conftest import start_daemon, stop_daemon
from .gimp import Gimp


def main(width: str = "6000", height: str = "4000") -> None:
    shared = Path(tempfile.mkdtemp(prefix="harmonize-speed-"))
    daemon = start_daemon(shared)
    try:
        print(f"{width} x {height} RGBA, 8 bit; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; seconds\n")
        for host in (host for host in environment.HOSTS if host.gimp):
            reason = environment.why_unavailable(host)
            if reason:
                print(f"GIMP {host.gimp}: left out, {reason}")
                continue
            environment.build(host)
            gimp = Gimp(host, shared)
            gimp.set_up()
            said = gimp.run("speed", width, height, timeout=600)
            first = said.lines[0]["phases"]["ours: predict"]
            report(host, min(said.lines, key=lambda line: float(line["total"])), first)
    finally:
        stop_daemon(daemon)
        shutil.rmtree(shared, ignore_errors=True)


def report(host: environment.Host, best: dict[str, object], first_predict: float) -> None:
    phases = best["phases"]
    assert isinstance(phases, dict)
    print(f"GIMP {host.gimp}")
    for name, seconds in sorted(phases.items(), key=lambda item: str(item[0])):
        print(f"  {name:30}{seconds:7.2f}")
    for side in ("GIMP", "ours"):
        total = sum(seconds for name, seconds in phases.items() if name.startswith(side))
        print(f"  {side + ', together':30}{total:7.2f}")
    print(f"  {'(predict, the first time)':30}{first_predict:7.2f}")
    print(f"  {'from click to written layer':30}{best['total']:7.2f}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
