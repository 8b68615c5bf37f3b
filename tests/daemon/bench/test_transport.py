"""The benchmark of the wire moves real bytes; how fast is for people to read."""

from __future__ import annotations

from harmonize_daemon.bench.transport import run


def test_the_benchmark_counts_layer_and_mask_there_and_layer_back() -> None:
    figures = run(width=300, height=200, repeats=1)
    assert figures.megabytes == (2 * 4 + 1) * 300 * 200 / 1e6
    assert figures.milliseconds > 0
    assert figures.ratio > 0
    assert figures.client_ratio > 0
