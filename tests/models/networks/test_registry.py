"""Networks are found by key and by their parameters."""

from __future__ import annotations

import pytest
import torch
from harmonize_models.errors import ModelError
from harmonize_models.networks import registry
from harmonize_models.networks.exact import shapes_of

KEYS = [spec.key for spec in registry.all_specs()]


def test_keys_are_unique_and_plain() -> None:
    assert len(KEYS) == len(set(KEYS))
    assert all(key == key.lower() and " " not in key for key in KEYS)


@pytest.mark.parametrize("key", ["dih", "idih", "idih-se", "ssam", "issam", "s2am-asc", "s2am-ad", "s2am-blind"])
def test_the_networks_of_the_papers_are_listed(key: str) -> None:
    assert registry.get(key).key == key


def test_an_unknown_key_names_the_nearest_and_all_others() -> None:
    with pytest.raises(registry.UnknownNetwork) as caught:
        registry.get("idhi")
    assert caught.value.code == "unknown_network"
    assert "Did you mean idih?" in caught.value.hint
    assert "fbfmm" in str(caught.value)
    assert isinstance(caught.value, ModelError)


@pytest.mark.parametrize("key", KEYS)
def test_every_network_is_recognised_by_its_own_parameters(key: str) -> None:
    assert registry.detect(shapes_of(registry.get(key).build)).key == key


def test_parameters_of_another_network_are_not_recognised() -> None:
    with pytest.raises(registry.UnrecognisedNetwork):
        registry.detect({"weight": torch.Size([3, 3])})


def test_one_parameter_less_is_not_recognised() -> None:
    shapes = dict(shapes_of(registry.get("idih").build))
    shapes.pop("decoder.to_rgb.bias")
    with pytest.raises(registry.UnrecognisedNetwork):
        registry.detect(shapes)


ONE_OF_EACH_KIND = ["s2am-asc", "s2am-ad", "s2am-blind", "dih", "idih-se", "issam", "idih-hrnet18s-v2p"]
ONE_OF_EACH_KIND += ["idih-deeplab34", "fbfmm", "gknet"]


@pytest.mark.parametrize("key", ONE_OF_EACH_KIND)
def test_every_parameter_of_a_pixel_network_learns(key: str) -> None:
    with torch.device("meta"):
        network = registry.get(key).build()
        network(torch.zeros(2, 3, 256, 256), torch.zeros(2, 1, 256, 256)).harmonized.sum().backward()
    assert not [name for name, parameter in network.named_parameters() if parameter.grad is None]
