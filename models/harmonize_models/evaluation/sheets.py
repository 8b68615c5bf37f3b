"""Pictures of cases side by side, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor


def write_sheet(path: Path, columns: Sequence[Tensor], rows: int = 8) -> None:
    """Columns of pictures [B, 1 or 3, T, T] float in [0, 1] side by side, one case a row."""
    strips = [column[:rows].expand(-1, 3, -1, -1).detach().float().cpu().clamp(0, 1) for column in columns]
    sheet = torch.cat([torch.cat(list(strip), dim=1) for strip in strips], dim=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((sheet * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()).save(path)
