"""DeepLabV3+ on a dilated ResNet-34."""

from __future__ import annotations

import torch
from harmonize_models.networks.deeplab import DeepLab, PooledContext, ResNet34
from torch import nn


def test_the_last_layers_keep_stride_eight() -> None:
    with torch.device("meta"):
        fine, coarse = ResNet34()(torch.zeros(1, 3, 128, 128), None)
    assert fine.shape == (1, 64, 32, 32)
    assert coarse.shape == (1, 512, 16, 16)


def test_holes_grow_from_layer_to_layer() -> None:
    with torch.device("meta"):
        network = ResNet34()
    holes = [
        [
            module.dilation[0]
            for module in layer.modules()
            if isinstance(module, nn.Conv2d) and module.kernel_size[0] == 3
        ]
        for layer in (network.layer2, network.layer3, network.layer4)
    ]
    assert holes == [[1] * 8, [1, 2] + [2] * 10, [2, 4] + [4] * 4]


def test_the_pyramid_has_holes_of_12_24_and_36() -> None:
    with torch.device("meta"):
        pyramid = DeepLab().aspp
    convolutions = [m for m in pyramid.concurent.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert [(conv.dilation, conv.padding) for conv in convolutions] == [((r, r), (r, r)) for r in (12, 24, 36)]


@torch.no_grad()
def test_the_pooled_context_is_the_same_everywhere() -> None:
    context = PooledContext(4, 3).eval()(torch.randn(1, 4, 5, 6))
    assert context.shape == (1, 3, 5, 6)
    assert torch.equal(context, context[..., :1, :1].expand_as(context))


def test_the_features_have_stride_four() -> None:
    with torch.device("meta"):
        picture, mask = torch.zeros(1, 3, 128, 128), torch.zeros(1, 1, 128, 128)
        assert DeepLab().eval()(picture, mask, torch.zeros(1, 64, 64, 64)).shape == (1, 256, 32, 32)
