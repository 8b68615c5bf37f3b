"""The benchmark, on a small picture: its figures mean what their names say."""

from __future__ import annotations

import sys

import pytest
from harmonize_daemon.bench import requests as bench


@pytest.mark.usefixtures("command_line_home")
def test_every_stage_is_measured_and_the_whole_is_more_than_its_parts() -> None:
    report = bench.run([""], sizes=[(300, 200)], repeats=2)
    (measurement,) = report.measurements
    stages = {stage.name: stage for stage in measurement.stages}
    assert stages["memcpy of the layer"].ratio == 1
    assert stages["whole request"].milliseconds > stages["render alone"].milliseconds
    for stage in measurement.stages:
        assert stage.ratio == pytest.approx(stage.milliseconds / stages["memcpy of the layer"].milliseconds)
    assert [inference.network for inference in report.inferences] == [measurement.network]
    assert report.first_answer_milliseconds > 0
    if sys.platform == "linux":
        assert report.peak_megabytes["worker"] > report.peak_megabytes["front"] > 10
