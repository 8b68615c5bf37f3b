import json
from typing import Any

import numpy as np
import pytest
from harmonize_models.adjustments import Adjustment, AdjustmentError, ColorGrid, Curves, EdgeColors
from harmonize_models.layer import Place
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

values = arrays(np.float32, st.tuples(st.just(3), st.integers(2, 70)), elements=st.floats(-1000, 1000, width=32))
coefficients = arrays(
    np.float32,
    st.tuples(*[st.integers(1, 4)] * 3).map(lambda shape: (*shape, 3, 4)),
    elements=st.floats(-1000, 1000, width=32),
)


def whole(**changes: Any) -> str:
    grid = {"extent": [0, 0, 1, 1], "shape": [1, 1, 1], "coefficients": "AAAAAAAAAAAAAAAAAAAA" + "A" * 44}
    grid.update(changes.pop("grid_changes", {}))
    good = {"version": 1, "network": "idih", "curves": {"values": [[0, 1]] * 3}, "grid": grid}
    if "edges_changes" in changes:
        good["edges"] = {"extent": [0, 0, 1, 1], "shape": [1, 2], "colors": "AAECAwQF", **changes.pop("edges_changes")}
    good.update(changes)
    return json.dumps(good)


edge_colors = arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 64), st.just(3)))


@given(values, coefficients, st.text(st.characters().filter(str.isprintable), max_size=64), edge_colors)
@settings(max_examples=50)
def test_reading_what_was_written_gives_the_same_bits(curves: Any, grid: Any, network: str, edges: Any) -> None:
    place = Place(-0.1, 0.2, 0.7, 1.5)
    adjustment = Adjustment(Curves(curves), ColorGrid(grid, place), network, EdgeColors(edges, place))
    assert Adjustment.from_json(adjustment.to_json()) == adjustment
    assert Adjustment.from_json(adjustment.to_json().encode()) == adjustment


def test_the_text_is_as_the_protocol_says() -> None:
    text = Adjustment(Curves.identity(2), ColorGrid.identity((2, 3, 4)), "issam").to_json()
    read = json.loads(text)
    assert set(read) == {"version", "network", "curves", "grid"}
    assert read["version"] == 1
    assert read["curves"] == {"values": [[0.0, 0.5, 1.0]] * 3}
    assert read["grid"]["shape"] == [2, 3, 4]
    assert read["grid"]["extent"] == [0, 0, 1, 1]
    assert json.loads(Adjustment().to_json())["grid"] is None


def test_edge_colors_may_be_absent_and_are_not_written_then() -> None:
    assert Adjustment.from_json(whole()).edges is None
    assert "edges" not in json.loads(Adjustment().to_json())
    edges = Adjustment.from_json(whole(edges_changes={})).edges
    assert edges is not None
    assert edges.colors.tolist() == [[[0, 1, 2], [3, 4, 5]]]


def test_the_sample_of_these_tests_is_good() -> None:
    assert Adjustment.from_json(whole()).network == "idih"


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("null", "JSON object"),
        ('{"version": 1, "version": 1}', "twice"),
        (whole(version=2), "version"),
        (whole(version=True), "version"),
        (whole(network=7), "network"),
        (whole(network="x" * 65), "network"),
        (whole(network="idih\nLUT_3D_SIZE 2"), "one line"),
        (whole(network="\x1b[2Jidih"), "one line"),
        (whole(network="\ud800"), "one line"),
        (whole(more=1), "unknown field 'more'"),
        (whole(curves=None), "curves"),
        (whole(curves={"values": [[0, 1]] * 2}), "three lists"),
        (whole(curves={"values": [[0, 1], [0, 1], [0, 0.5, 1]]}), "same length"),
        (whole(curves={"values": [[0]] * 3}), "Curves"),
        (whole(curves={"values": [[0, "1"]] * 3}), "finite numbers"),
        (whole(curves={"values": [[0, True]] * 3}), "finite numbers"),
        (whole(curves={"values": [[0, 1e400]] * 3}), "not JSON|finite"),
        (whole(curves={"values": [[0, 1e5]] * 3}), "within"),
        (whole(curves={"values": [[0.0] * 4098] * 3}), "at most 4097"),
        (whole().replace("[0, 1]", "[0, NaN]"), "NaN"),
        (whole().replace("[0, 1]", "[0, 1" + "0" * 5000 + "]"), "not JSON|finite"),
        (whole(grid=7), "JSON object"),
        (whole(grid_changes={"shape": [1, 1]}), "shape"),
        (whole(grid_changes={"shape": [1, 1, 65]}), "shape"),
        (whole(grid_changes={"shape": [64, 64, 64]}), "shape"),
        (whole(grid_changes={"shape": [1, 1, -1]}), "shape"),
        (whole(grid_changes={"shape": [1, 1, True]}), "shape"),
        (whole(grid_changes={"shape": [1, 1, 2]}), "not what the shape says"),
        (whole(grid_changes={"extent": [0, 0, 0, 1]}), "left < right"),
        (whole(grid_changes={"extent": [0, 0, 5e-324, 1]}), "left < right"),
        (whole(grid_changes={"extent": [0, 0, 1]}), "four numbers"),
        (whole(grid_changes={"extent": [0, 0, 1, None]}), "finite numbers"),
        (whole(grid_changes={"coefficients": "A%A"}), "base64"),
        (whole(grid_changes={"coefficients": None}), "base64"),
        (whole(grid_changes={"coefficients": "AADA/w" + "A" * 58}), "finite"),
        (whole(edges=7), "JSON object"),
        (whole(edges_changes={"shape": [1]}), "shape"),
        (whole(edges_changes={"shape": [1, 65]}), "shape"),
        (whole(edges_changes={"shape": [True, 2]}), "shape"),
        (whole(edges_changes={"shape": [2, 2]}), "not what the shape says"),
        (whole(edges_changes={"extent": [0, 0, 1]}), "four numbers"),
        (whole(edges_changes={"extent": [0, 0, 0, 1]}), "left < right"),
        (whole(edges_changes={"extent": [0, 0, 1, 5e-324]}), "left < right"),
        (whole(edges_changes={"colors": "A%A"}), "base64"),
        (" " * (4 << 20) + whole(), "bytes, more than"),
    ],
)
def test_foreign_text_that_breaks_the_protocol_is_refused_with_a_reason(text: str | bytes, about: str) -> None:
    with pytest.raises(AdjustmentError, match=about) as caught:
        Adjustment.from_json(text)
    assert caught.value.cause
    assert caught.value.hint


def test_a_field_that_lacks_is_named() -> None:
    for name in ("version", "network", "curves", "grid"):
        fields = json.loads(whole())
        del fields[name]
        with pytest.raises(AdjustmentError, match=f"lacks the field '{name}'"):
            Adjustment.from_json(json.dumps(fields))


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_else_happens(data: bytes) -> None:
    with pytest.raises(AdjustmentError):
        Adjustment.from_json(data)
