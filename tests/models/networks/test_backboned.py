"""Base networks with a backbone."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from harmonize_models.networks import registry
from harmonize_models.networks.backboned import Backboned, Scale, hrnet
from harmonize_models.networks.dih import DIH
from harmonize_models.networks.hrnet import W18_SMALL


@torch.no_grad()
def test_the_scale_of_the_mask_starts_at_a_tenth_and_its_sign_does_not_matter() -> None:
    scale, x = Scale(0.1), torch.randn(3)
    assert torch.allclose(scale(x), 0.1 * x)
    scale.scale.neg_()
    assert torch.allclose(scale(x), 0.1 * x)


@torch.no_grad()
def test_features_are_concatenated_behind_those_of_the_encoder() -> None:
    torch.manual_seed(0)
    network = DIH(joins=(5,)).eval()
    x, features = torch.randn(1, 4, 256, 256), torch.randn(1, 5, 64, 64)
    encoded = network.encoder(x, [features])
    block = network.encoder.blocks()[2]
    assert torch.allclose(encoded[2], block(torch.cat([encoded[1], features], dim=1)), atol=1e-5)


@pytest.mark.parametrize(
    ("key", "inputs"),
    [
        ("idih-hrnet18s", {2: 64 + 128, 3: 128, 4: 128, 5: 256}),
        ("idih-hrnet18s-v2p", {2: 64 + 256, 3: 128 + 256, 4: 128 + 256, 5: 256 + 256}),
        ("issam-hrnet18s", {2: 64 + 128, 3: 128}),
        ("idih-deeplab34", {2: 64 + 256, 3: 128, 4: 128, 5: 256}),
    ],
)
def test_features_join_at_the_right_blocks(key: str, inputs: dict[int, int]) -> None:
    with torch.device("meta"):
        state = registry.get(key).build().state_dict()
    name = "model.encoder.blocks_connected.block{}.{}block.0.weight"
    path = "convs.block.0." if key.startswith("issam") else ""
    assert {block: state[name.format(block, path)].shape[1] for block in inputs} == inputs


@torch.no_grad()
def test_the_ablation_shows_the_mask_to_the_regions_but_not_to_the_backbone() -> None:
    torch.manual_seed(0)
    network = Backboned(DIH, partial(hrnet, W18_SMALL), sees_mask=False).eval()
    assert not any(name.startswith("mask_conv") for name in network.state_dict())
    seen = []
    extractor = network.backbone.get_submodule("hrnet")
    extractor.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[2]))
    prediction = network(torch.rand(1, 3, 256, 256), torch.ones(1, 1, 256, 256))
    assert seen == [None]
    assert bool(prediction.harmonized.isfinite().all())


@pytest.mark.parametrize("key", ["idih-hrnet18s", "idih-hrnet18s-v2p", "idih-deeplab34"])
def test_only_what_imagenet_taught_learns_slowly(key: str) -> None:
    with torch.device("meta"):
        network = registry.get(key).build()
    slow = {id(parameter) for parameter in network.pretrained_parameters()}
    names = [name for name, parameter in network.named_parameters() if id(parameter) in slow]
    assert names
    assert all(name.startswith(("backbone.hrnet.", "backbone.deeplab.backbone.")) for name in names)
    assert not any(part in name for name in names for part in ("ocr", "downsize", "aspp", "head"))
    assert not registry.get("idih").build().pretrained_parameters()
