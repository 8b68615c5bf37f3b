"""Weights as they are stored."""

from __future__ import annotations

import torch
from harmonize_models.compact import FACTOR, compact, restored
from torch import Tensor


def weights() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        "conv.weight": torch.randn(128, 64, 3, 3) * torch.logspace(-3, 3, 128).view(-1, 1, 1, 1),
        "conv.bias": torch.randn(128),
        "small.weight": torch.randn(16, 16, 3, 3),
        "norm.num_batches_tracked": torch.tensor(7),
    }


def test_large_kernels_have_eight_bits_and_a_factor_for_each_row() -> None:
    stored = compact(weights(), eight_bits=True)
    assert stored["conv.weight"].dtype == torch.int8
    assert stored["conv.weight" + FACTOR].shape == (128,)
    assert stored["small.weight"].dtype == torch.float16
    assert stored["conv.bias"].dtype == torch.float32


def test_each_row_keeps_its_own_precision() -> None:
    state = weights()
    back = restored(compact(state, eight_bits=True))
    assert back.keys() == state.keys()
    largest = state["conv.weight"].flatten(1).abs().amax(dim=1)
    error = (back["conv.weight"] - state["conv.weight"]).flatten(1).abs().amax(dim=1)
    assert bool((error <= largest / 253).all())
    assert torch.equal(back["conv.bias"], state["conv.bias"])
    assert torch.equal(back["norm.num_batches_tracked"], state["norm.num_batches_tracked"])


def test_without_eight_bits_all_kernels_have_half_precision() -> None:
    stored = compact(weights(), eight_bits=False)
    assert stored.keys() == weights().keys()
    assert stored["conv.weight"].dtype == torch.float16


def test_a_kernel_of_zeros_stays_one() -> None:
    state = {"conv.weight": torch.zeros(128, 64, 3, 3)}
    assert torch.equal(restored(compact(state, eight_bits=True))["conv.weight"], state["conv.weight"])


def test_weights_that_were_not_stored_so_come_back_as_they_are() -> None:
    state = weights()
    assert all(back is state[name] for name, back in restored(state).items())
