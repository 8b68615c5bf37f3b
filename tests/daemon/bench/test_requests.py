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


def test_what_is_rendered_is_a_change_of_curves_and_where_it_is_local_of_a_grid() -> None:
    assert not bench.typical_adjustment(local=False).is_identity
    assert bench.typical_adjustment(local=False).grid is None
    local = bench.typical_adjustment(local=True)
    assert local.grid is not None
    assert local.grid.shape == (4, 8, 8)
    assert local.to_json() == bench.typical_adjustment(local=True).to_json()  # always the same
