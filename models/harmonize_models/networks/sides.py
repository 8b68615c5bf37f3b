"""Which sizes of pictures a network can take: many halve them again and again."""

from __future__ import annotations

from typing import ClassVar

import torch

from ..errors import ModelError
from .base import HarmonizationNetwork, NetworkSpec


class UnsuitableSide(ModelError):
    """A network cannot take pictures of that side."""

    code: ClassVar[str] = "unsuitable_side"


@torch.inference_mode()
def check_side(spec: NetworkSpec, network: HarmonizationNetwork, side: int, flag: str) -> None:
    """Raises UnsuitableSide, before minutes have gone into other things. flag: where people said which side."""
    blank = torch.zeros(1, 3, side, side)
    training = network.training
    try:
        network.eval()(blank, blank[:, :1])
    except RuntimeError as error:
        raise UnsuitableSide(
            f"{spec.key} cannot take pictures of {side} px ({error}).", f"Use {flag} {spec.input_size} for it."
        ) from error
    finally:
        network.train(training)
