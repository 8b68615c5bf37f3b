"""The benchmark, on a small picture: its figures mean what their names say."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from harmonize_daemon import bench
from harmonize_daemon.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def _daemon_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("HARMONIZE_HOME", str(tmp_path))
    monkeypatch.setenv("HARMONIZE_DAEMON", json.dumps([sys.executable, "-m", "harmonize_daemon"]))
    monkeypatch.setenv("HARMONIZE_IDLE_EXIT", "60")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(ROOT / name) for name in ("plugins", "daemon", "models")))


@pytest.mark.usefixtures("_daemon_of_its_own")
def test_every_stage_is_measured_and_the_whole_is_more_than_its_parts() -> None:
    try:
        report = bench.run([""], sizes=[(300, 200)], repeats=2)
    finally:
        main(["daemon", "stop"])
    (measurement,) = report.measurements
    stages = {stage.name: stage for stage in measurement.stages}
    assert stages["memcpy of the layer"].ratio == 1
    assert stages["whole request"].milliseconds > stages["render alone"].milliseconds
    for stage in measurement.stages:
        assert stage.ratio == pytest.approx(stage.milliseconds / stages["memcpy of the layer"].milliseconds)
    assert report.first_answer_milliseconds > 0
    if sys.platform == "linux":
        assert report.peak_megabytes["worker"] > report.peak_megabytes["front"] > 10
