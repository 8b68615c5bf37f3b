"""What is kept with a document."""

from __future__ import annotations

from dataclasses import replace

from harmonize_client.values import Look
from harmonize_selection import history
from harmonize_selection.values import LayerRef, Output, Reference, Result, Settings, Source

RESULT = Result(
    original=LayerRef("d", "figure"),
    written=LayerRef("d", "new"),
    layer_name="Figure",
    settings=Settings(
        "ours", Look(strength=0.5, color_only=True), Output.CURVES, Reference(Source.FILE, "/a.png"), False
    ),
    adjustment='{"version": 1}',
    network="ours",
    when="2026-01-02T03:04:05",
)


def test_what_is_written_is_read_again() -> None:
    assert history.from_text(history.to_text((RESULT,))) == (RESULT,)


def test_a_result_takes_the_place_of_an_earlier_one_of_the_same_layer() -> None:
    later = replace(RESULT, when="2026-01-02T04:00:00")
    other = replace(RESULT, written=LayerRef("d", "other"))
    assert history.added((RESULT, other), later) == (later, other)


def test_only_the_newest_are_kept() -> None:
    kept: tuple[Result, ...] = ()
    for index in range(30):
        kept = history.added(kept, replace(RESULT, written=LayerRef("d", str(index))))
    assert len(kept) == history.LONGEST
    assert kept[0].written.layer == "29"


def test_damaged_and_newer_texts_are_left_out() -> None:
    assert history.from_text("") == ()
    assert history.from_text("{") == ()
    assert history.from_text('{"version": 99, "results": [{}]}') == ()
    good = history.to_text((RESULT,))
    assert history.from_text(good.replace('"strength": 0.5', '"strength": 7')) == ()


def test_another_layer_does_not_get_the_colors_of_the_edges_of_the_first() -> None:
    result = replace(RESULT, adjustment='{"version": 1, "edges": {}}')
    assert history.adjustment_for(result.original, result) == result.adjustment
    assert history.adjustment_for(LayerRef("d", "other"), result) == '{"version": 1}'
    assert history.adjustment_for(LayerRef("d", "other"), replace(result, adjustment="[1]")) == "[1]"
    assert history.adjustment_for(LayerRef("d", "other"), replace(result, adjustment="?")) == "?"


def test_a_file_that_is_opened_again_is_another_document() -> None:
    (moved,) = history.moved((RESULT,), "again")
    assert (moved.original, moved.written) == (LayerRef("again", "figure"), LayerRef("again", "new"))
