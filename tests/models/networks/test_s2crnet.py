"""S²CRNet."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.networks import registry
from harmonize_models.networks.s2crnet import (
    PIECES,
    S2CRNet,
    apply_curves,
    crop_to_mask,
    knots_of,
    squeezenet_features,
)
from torch import Tensor

PUBLISHED_HEADS = {
    f"fusion.cr{stage}.{name}": torch.Size(shape)
    for stage in (1, 2)
    for name, shape in (
        ("fc_f_1.fc1.weight", (192, 512)),
        ("fc_f_1.fc1.bias", (192,)),
        ("fc_b_1.fc1.weight", (192, 512)),
        ("fc_b_1.fc1.bias", (192,)),
        ("fc_label_1.weight", (32, 5)),
        ("fc_label_1.bias", (32,)),
        ("fc_label_2.weight", (64, 32)),
        ("fc_label_2.bias", (64,)),
        ("fc_f_label.weight", (192, 576)),
        ("fc_f_label.bias", (192,)),
    )
}
PUBLISHED_FIRES = {3: (16, 64), 4: (16, 128), 6: (32, 128), 7: (32, 256), 9: (48, 256), 10: (48, 384), 11: (64, 384)}
PUBLISHED_EXPANDED = {3: 64, 4: 64, 6: 128, 7: 128, 9: 192, 10: 192, 11: 256}


def published_shapes() -> dict[str, torch.Size]:
    """Names and shapes of the authors' checkpoint (cascaded, with label)."""
    shapes = {
        "squeezenet1_1.0.weight": torch.Size((64, 3, 3, 3)),
        "squeezenet1_1.0.bias": torch.Size((64,)),
        **PUBLISHED_HEADS,
    }
    for number, (squeezed, inputs) in PUBLISHED_FIRES.items():
        expanded, fire = PUBLISHED_EXPANDED[number], f"squeezenet1_1.{number}"
        for name, outputs, ins, side in (
            ("squeeze", squeezed, inputs, 1),
            ("expand1x1", expanded, squeezed, 1),
            ("expand3x3", expanded, squeezed, 3),
        ):
            shapes[f"{fire}.{name}.weight"] = torch.Size((outputs, ins, side, side))
            shapes[f"{fire}.{name}.bias"] = torch.Size((outputs,))
    return shapes


def a_batch(count: int = 2, side: int = 64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    composite = torch.rand(count, 3, side, side, generator=generator)
    mask = torch.zeros(count, 1, side, side)
    mask[:, :, side // 4 : side // 2, side // 8 : side // 2] = 1
    return composite, mask


def excited(network: S2CRNet) -> S2CRNet:
    """With heads that bend the curves, as after training."""
    torch.manual_seed(3)
    for name, parameter in network.named_parameters():
        if name.startswith("fusion") and name.endswith("weight"):
            torch.nn.init.normal_(parameter, std=0.05)
    return network.eval()


def test_names_and_shapes_are_those_of_the_published_checkpoint() -> None:
    own = {name: value.shape for name, value in S2CRNet(cascaded=True, semantic=True).state_dict().items()}
    assert own == published_shapes()


def test_sizes_are_those_of_the_paper() -> None:
    count = sum(p.numel() for p in squeezenet_features().parameters())
    assert count == 525_312
    cascaded = sum(p.numel() for p in S2CRNet(cascaded=True).parameters())
    assert cascaded == 919_296 == registry.get("s2crnet-c").parameters
    semantic = S2CRNet(cascaded=True, semantic=True)
    unused = sum(p.numel() for name, p in semantic.named_parameters() if ".fc_f_1." in name)
    assert sum(p.numel() for p in semantic.parameters()) - unused == 948_480 == registry.get("s2crnet-cs").parameters


@pytest.mark.parametrize("key", ["s2crnet", "s2crnet-c", "s2crnet-cs"])
def test_its_own_weights_are_recognised(key: str) -> None:
    shapes = {name: value.shape for name, value in registry.get(key).build().state_dict().items()}
    assert registry.detect(shapes).key == key


def test_untrained_network_hardly_changes_anything() -> None:
    composite, mask = a_batch()
    assert (S2CRNet(cascaded=True)(composite, mask).harmonized - composite).abs().max() < 0.02


@pytest.mark.parametrize("key", ["s2crnet", "s2crnet-c", "s2crnet-cs"])
def test_curves_say_the_same_as_the_picture(key: str) -> None:
    network = registry.get(key).build()
    assert isinstance(network, S2CRNet)
    composite, mask = a_batch()
    prediction = excited(network)(composite, mask)
    assert prediction.curves is not None
    rendered = torch.lerp(composite, apply_curves(prediction.curves, composite), mask)
    assert (prediction.harmonized - composite).abs().max() > 0.05
    # A cascade's curve is sampled, and the second one's kinks lie between the samples.
    assert (rendered - prediction.harmonized).abs().max() < (1e-5 if key == "s2crnet" else 0.02)


def test_mask_zero_leaves_pixels_identical() -> None:
    composite, mask = a_batch()
    harmonized = excited(S2CRNet(cascaded=True))(composite, mask).harmonized
    outside = (mask == 0).expand_as(composite)
    assert torch.equal(harmonized[outside], composite[outside])


def test_curve_is_the_papers_sum_of_clamped_ramps() -> None:
    generator = torch.Generator().manual_seed(0)
    parameters = torch.rand(2, 3, PIECES, generator=generator, dtype=torch.float64) + 0.2
    values = torch.rand(2, 3, 50, generator=generator, dtype=torch.float64)
    ramps = sum(parameters[..., i : i + 1] * (values - i / PIECES).clamp(0, 1 / PIECES) for i in range(PIECES))
    wanted = PIECES / parameters.sum(dim=2, keepdim=True) * ramps
    assert torch.allclose(apply_curves(knots_of(parameters), values), wanted, atol=1e-12)


def test_parameters_that_cancel_out_give_the_identity_instead_of_infinity() -> None:
    parameters = torch.ones(1, 3, PIECES)
    parameters[..., ::2] = -1
    assert torch.allclose(knots_of(parameters), torch.linspace(0, 1, PIECES + 1).expand(1, 3, -1), atol=1e-6)


def test_crop_stretches_the_bounding_box_of_the_mask_over_the_frame() -> None:
    picture = torch.zeros(1, 1, 32, 32)
    mask = torch.zeros(1, 1, 32, 32)
    mask[:, :, 8:16, 4:20] = 1
    picture[:, :, 8:16, 4:20] = 1
    assert crop_to_mask(picture, mask).min() > 0.99
    picture[:, :, 8:12, 4:20] = 0
    cropped = crop_to_mask(picture, mask)
    assert cropped[:, :, :12].max() < 0.01
    assert cropped[:, :, 20:].min() > 0.99


def test_empty_mask_is_no_accident() -> None:
    composite, mask = a_batch()
    harmonized = excited(S2CRNet())(composite, torch.zeros_like(mask)).harmonized
    assert torch.equal(harmonized, composite)


def test_label_matters_to_the_semantic_network_only() -> None:
    composite, mask = a_batch()
    person, food = torch.tensor([0, 0]), torch.tensor([2, 2])
    semantic, plain = excited(S2CRNet(True, semantic=True)), excited(S2CRNet(True))
    assert not torch.equal(semantic(composite, mask, person).harmonized, semantic(composite, mask, food).harmonized)
    assert torch.equal(plain(composite, mask, person).harmonized, plain(composite, mask, food).harmonized)
