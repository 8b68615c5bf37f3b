"""What SceneFit relies on, on small cases made here."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.evaluation.cases import Cases
from harmonize_models.evaluation.parts import PARTS, Part, main, measured_without
from harmonize_models.networks.scenefit import INPUT_SIZE, SceneFit


@pytest.fixture(scope="module")
def network() -> SceneFit:
    """Every head and block of which says something."""
    torch.manual_seed(0)
    network = SceneFit()
    for head in (network.curve_head, network.affine_head, network.local_head):
        torch.nn.init.normal_(head.weight, std=0.02)
    for block in network.deeper:
        torch.nn.init.normal_(block.wide.weight, std=0.05)  # type: ignore[union-attr, arg-type]
    return network.eval()


@pytest.fixture(scope="module")
def cases() -> Cases:
    generator = torch.Generator().manual_seed(1)
    few = (3, 3, 12, 12)
    targets = torch.randint(20, 230, few, generator=generator, dtype=torch.uint8)
    targets = targets.repeat_interleave(INPUT_SIZE // 12, 2).repeat_interleave(INPUT_SIZE // 12, 3)
    masks = torch.zeros(3, 1, INPUT_SIZE, INPUT_SIZE, dtype=torch.uint8)
    for number in range(3):
        masks[number, :, 20:100, 30 : 80 + 20 * number] = 255
    composites = torch.where(masks > 0, targets - 15, targets)
    names = ("a#0", "b#0", "c#0")
    return Cases(composites, masks, targets, torch.zeros(3).long(), torch.full((3,), -1), names, torch.arange(3))


@pytest.mark.parametrize("part", PARTS[1:], ids=lambda part: part.name)
def test_every_part_matters_to_a_network_that_uses_it(part: Part, network: SceneFit, cases: Cases) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    whole, without = (measured_without(each, network, cases) for each in (PARTS[0], part))
    assert without.fmse != pytest.approx(whole.fmse, rel=1e-6)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(("network", "about"), [("s2crnet-c", "is not SceneFit"), ("scenefit", "neither a folder nor")])
def test_what_cannot_be_measured_is_said_in_a_sentence(
    network: str, about: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([network, "--data", "nowhere"])
    assert caught.value.code == 2
    assert about in capsys.readouterr().err
