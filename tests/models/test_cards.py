"""The model cards beside the shipped weights match them."""

from __future__ import annotations

import hashlib

import pytest
from harmonize_models.checkpoints import SHIPPED_DIR, ShippedWeights, load, shipped
from harmonize_models.networks import registry

SHIPPED = shipped()


def page_of(item: ShippedWeights) -> str:
    return (SHIPPED_DIR / f"{item.key}.md").read_text(encoding="utf-8")


def test_weights_of_the_s2crnet_family_are_shipped() -> None:
    assert {"s2crnet", "s2crnet-c", "s2crnet-cs"} <= {item.key for item in SHIPPED}


@pytest.mark.parametrize("item", SHIPPED, ids=lambda item: item.key)
def test_the_card_names_the_very_file(item: ShippedWeights) -> None:
    page = page_of(item)
    assert hashlib.sha256(item.path.read_bytes()).hexdigest() == item.sha256
    assert item.sha256 in page
    assert registry.get(item.key).title in page


@pytest.mark.parametrize("item", SHIPPED, ids=lambda item: item.key)
def test_the_card_has_the_commands_the_measures_and_the_licences(item: ShippedWeights) -> None:
    page = page_of(item)
    assert item.card.steps > 0
    for command in item.card.command.split(" && "):
        assert command in page
    row = next(line for line in page.splitlines() if line.startswith(f"| {item.key} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    measured = item.card.metrics
    assert cells[1] == f"{measured['psnr']:.2f}"
    assert float(cells[2]) == pytest.approx(measured["mse"], abs=0.06)
    assert float(cells[3]) == pytest.approx(measured["fmse"], abs=0.06)
    assert "research only" in page
    assert "| source | masks | licence |" in page


@pytest.mark.parametrize("item", SHIPPED, ids=lambda item: item.key)
def test_the_card_says_that_it_beats_doing_nothing(item: ShippedWeights) -> None:
    rows = {line.split("|")[1].strip(): line.split("|")[2:] for line in page_of(item).splitlines() if line[:2] == "| "}
    own, nothing = ([float(cell) for cell in rows[name][:4]] for name in (item.key, "untouched composite"))
    assert own[0] > nothing[0]
    assert own[1] < nothing[1]
    assert own[2] < nothing[2]
    assert own[3] > nothing[3]


@pytest.mark.parametrize("item", SHIPPED, ids=lambda item: item.key)
def test_the_weights_load_and_are_finite(item: ShippedWeights) -> None:
    assert all(bool(value.isfinite().all()) for value in load(item.key).state_dict().values())
