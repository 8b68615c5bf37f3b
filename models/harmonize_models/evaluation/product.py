"""A network as the product uses it: predict an adjustment, render it. What that costs in quality is its own row."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..adjustments.look import Look
from ..data.composites import Batch
from ..layer import Depth, LayerFormat, Layout
from ..networks.base import ForegroundClass, HarmonizationNetwork, NetworkSpec
from ..predict import Scene, predict_batch
from ..render import render


def harmonize_as_product(network: HarmonizationNetwork, spec: NetworkSpec, batch: Batch) -> Tensor:
    """[B, 3, H, W] float in [0, 1]: each composite rendered in 8 bits through the adjustment predicted for it."""
    composites = (batch.composite.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).contiguous().cpu().numpy()
    masks = (batch.mask[:, 0] * 255).round().to(torch.uint8).cpu().numpy()
    labels = [ForegroundClass(value) for value in batch.label.tolist()]
    scenes = [
        Scene(composite, mask, label=label if spec.semantic else None)
        for composite, mask, label in zip(composites, masks, labels, strict=True)
    ]
    height, width = composites.shape[1:3]
    layer = LayerFormat(width, height, Layout.RGB, Depth.U8)
    rendered = np.empty_like(composites)
    for number, predicted in enumerate(predict_batch(network, spec, scenes, batch.composite.device)):
        scene = scenes[number]
        render(predicted.adjustment, Look(), layer, scene.composite.tobytes(), scene.mask.tobytes(), rendered[number])
    return torch.from_numpy(rendered).permute(0, 3, 1, 2).to(batch.composite.device).float() / 255
