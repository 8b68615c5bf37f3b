"""How far a mean could be off because other photos might have been held out."""

from __future__ import annotations

import torch
from torch import Tensor

DRAWS = 2000


def margin_of(values: Tensor, groups: Tensor, draws: int = DRAWS) -> float:
    """Half the width of the 95 % interval of the mean of `values` [K]: a bootstrap over groups (photos), [K] int64.

    Cases of one photo resemble each other, so whole photos are drawn again, with repetition; the same at every call.
    """
    count = int(groups.max()) + 1
    sums = torch.zeros(count, dtype=torch.float64).index_add(0, groups, values.double())
    sizes = torch.bincount(groups, minlength=count).double()
    drawn = torch.randint(count, (draws, count), generator=torch.Generator().manual_seed(0))
    means = sums[drawn].sum(dim=1) / sizes[drawn].sum(dim=1)
    low, high = means.quantile(means.new_tensor([0.025, 0.975])).tolist()
    return float(high - low) / 2
