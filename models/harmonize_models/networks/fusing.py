"""Batch normalization multiplied into the convolutions before it: the same results, sooner; not for training."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .base import HarmonizationNetwork

Network = TypeVar("Network", bound=HarmonizationNetwork)


def fused(network: Network) -> Network:
    """The network itself, in evaluation mode, with norms that follow a convolution replaced by nothing.

    Modules must be registered in the order in which they are used, as they are in all networks here. The state dict
    lacks the norms afterwards: it cannot be stored.
    """
    for module in list(network.modules()):
        for (name, conv), (norm_name, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, (nn.Conv2d, nn.ConvTranspose2d)) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(conv, norm, transpose=isinstance(conv, nn.ConvTranspose2d)))
                setattr(module, norm_name, nn.Identity())
    return network
