"""S²CRNet: tone curves from the pooled features of foreground and background.

Source: Liang, Cun, Pun, "Spatial-Separated Curve Rendering Network for Efficient and High-Resolution Image
Harmonization" (2021); layer names and the order of the classes as in the authors' published checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name that everyone knows)

from .base import Decision, ForegroundClass, HarmonizationNetwork, Kind, NetworkSpec, Prediction
from .rendering import apply_curves, composed_curves

PIECES = 64
"""Pieces of a tone curve ("L" in equation 1)."""
FEATURES = 512
COMPOSED_PIECES = 4 * PIECES
"""Pieces at which the composition of two curves is sampled: its kinks lie between those of the first."""
SMALLEST_SUM = 1e-2
"""Below this sum of the parameters equation 1 would divide by nearly nothing: the curve is the identity then."""


class Fire(nn.Module):
    """SqueezeNet's building block: a 1x1 bottleneck, then 1x1 and 3x3 convolutions side by side."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x), inplace=True)
        return F.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1), inplace=True)


def squeezenet_features() -> nn.Sequential:
    """SqueezeNet 1.1 without last Fire and classifier: [B, 3, H, W] -> [B, 512, ~H/16, ~W/16]; 525,312 parameters."""

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, stride=2, ceil_mode=True)

    return nn.Sequential(
        nn.Conv2d(3, 64, 3, stride=2),
        pool(),
        nn.ReLU(inplace=True),  # behind the pooling: the same result, a quarter of the work
        Fire(64, 16, 64),
        Fire(128, 16, 64),
        pool(),
        Fire(128, 32, 128),
        Fire(256, 32, 128),
        pool(),
        Fire(256, 48, 192),
        Fire(384, 48, 192),
        Fire(384, 64, 256),
    )


class CurveHead(nn.Module):
    """One linear layer under the name that the published checkpoint gives it."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(FEATURES, 3 * PIECES)

    def forward(self, features: Tensor) -> Tensor:
        parameters: Tensor = self.fc1(features)
        return parameters


class CurveRenderingModule(nn.Module):
    """CRM: the parameters of three curves from two feature vectors ("Curve Rendering Modules and its Variants")."""

    def __init__(self, semantic: bool) -> None:
        super().__init__()
        self.fc_f_1 = CurveHead()
        self.fc_b_1 = CurveHead()
        if semantic:
            self.fc_label_1 = nn.Linear(len(ForegroundClass), 32)
            self.fc_label_2 = nn.Linear(32, 64)
            self.fc_f_label = nn.Linear(FEATURES + 64, 3 * PIECES)
        self.semantic = semantic
        self.start_at_identity()

    def start_at_identity(self) -> None:
        """Equal parameters are the identity curve: training starts at the untouched composite, not at noise."""
        heads = [self.fc_f_1.fc1, self.fc_b_1.fc1] + ([self.fc_f_label] if self.semantic else [])
        for head in heads:
            nn.init.normal_(head.weight, std=1e-3)
            nn.init.constant_(head.bias, 0.5)

    def forward(self, foreground: Tensor, background: Tensor, label: Tensor | None) -> Tensor:
        """[B, 512] features of both regions, [B] classes or None -> the knots of the curves, [B, 3, 65]."""
        if self.semantic and label is not None:
            one_hot = F.one_hot(label, len(ForegroundClass)).to(foreground.dtype)
            meaning = self.fc_label_2(F.relu(self.fc_label_1(one_hot)))
            of_foreground = self.fc_f_label(torch.cat([foreground, meaning], dim=1))
        else:
            of_foreground = self.fc_f_1(foreground)
        parameters = of_foreground + self.fc_b_1(background)
        return knots_of(parameters.float().unflatten(1, (3, PIECES)))


def knots_of(parameters: Tensor) -> Tensor:
    """Equation 1 at its own kinks: [B, 3, L] parameters -> [B, 3, L + 1] values of the curve at 0, 1/L, ..., 1.

    The slope of piece i is L p_i / sum(p), so every curve runs from 0 to 1 (not always monotonically).
    """
    total = parameters.sum(dim=-1, keepdim=True)
    sound = total.abs() > SMALLEST_SUM
    shares = torch.where(sound, parameters, torch.ones_like(parameters)) / torch.where(
        sound, total, torch.full_like(total, parameters.shape[-1])
    )
    return F.pad(shares.cumsum(dim=-1), (1, 0))


def crop_to_mask(picture: Tensor, mask: Tensor) -> Tensor:
    """Stretch the bounding box of the mask over the whole frame, as the published network's foreground branch sees it.

    picture: [B, C, H, W]; mask: [B, 1, H, W] in [0, 1]. An empty mask leaves the frame as it is.
    """
    return crop(picture, *places_in_mask(mask))


def places_in_mask(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Rows [B, H] and columns [B, W] in [-1, 1] that spread the bounding box of a mask [B, 1, H, W] over the frame."""
    present = mask[:, 0] > 0.5 / 255
    return _stretched(present.any(dim=2)).to(mask.dtype), _stretched(present.any(dim=1)).to(mask.dtype)


def crop(picture: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Read [B, C, H, W] at every pair of places [B, M] and [B, N] in [-1, 1], bilinearly -> [B, C, M, N]."""
    down, across = rows.shape[1], columns.shape[1]
    grid = torch.stack([columns[:, None, :].expand(-1, down, -1), rows[:, :, None].expand(-1, -1, across)], dim=3)
    return F.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _stretched(present: Tensor) -> Tensor:
    """[B, N] bool along one axis -> [B, N] places in [-1, 1] that spread the span from first to last over all N.

    Nothing beyond the span is read: places stay between the centers of its first and its last pixel.
    """
    length = present.shape[1]
    place = torch.arange(length, device=present.device).expand_as(present)
    first = torch.where(present, place, length).amin(dim=1, keepdim=True)
    last = torch.where(present, place, -1).amax(dim=1, keepdim=True)
    empty = last < first
    first, last = first.masked_fill(empty, 0), last.masked_fill(empty, length - 1)
    pixel = first + (place + 0.5) / length * (last + 1 - first) - 0.5
    return (pixel.maximum(first).minimum(last) + 0.5) * (2 / length) - 1


class CurveFusion(nn.Module):
    """One curve rendering module, or two in a cascade, under the published names."""

    def __init__(self, cascaded: bool, semantic: bool) -> None:
        super().__init__()
        self.cr1 = CurveRenderingModule(semantic)
        if cascaded:
            self.cr2 = CurveRenderingModule(semantic)


class S2CRNet(HarmonizationNetwork):
    """`s2crnet` (one module), `s2crnet-c` (cascaded) and `s2crnet-cs` (cascaded, with the class of the foreground).

    The semantic network also holds the heads for an unknown class, as the published file does, and uses them when
    no label is given.
    """

    def __init__(self, cascaded: bool = False, semantic: bool = False) -> None:
        super().__init__()
        self.squeezenet1_1 = squeezenet_features()
        self.fusion = CurveFusion(cascaded, semantic)
        self.cascaded = cascaded
        for module in self.squeezenet1_1.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias) if module.bias is not None else None

    def region_features(self, composite: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The pooled features of foreground and background, each [B, 512]."""
        foreground = crop_to_mask(composite * mask, mask)
        both = torch.cat([foreground, composite * (1 - mask)]).contiguous(memory_format=torch.channels_last)
        pooled = self.squeezenet1_1(both).mean(dim=(2, 3))
        return pooled.tensor_split(2)[0], pooled.tensor_split(2)[1]

    def curves(self, composite: Tensor, mask: Tensor, label: Tensor | None) -> list[Tensor]:
        """The knots of each stage, [B, 3, 65]."""
        foreground, background = self.region_features(composite, mask)
        modules = [self.fusion.cr1, self.fusion.cr2] if self.cascaded else [self.fusion.cr1]
        return [module(foreground, background, label) for module in modules]

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        stages = self.curves(composite, mask, label)
        # Within the mask a second stage works on the first one's curve, so that both together are one curve.
        changed, pictures = composite, []
        for knots in stages:
            changed = apply_curves(knots, changed)
            pictures.append(changed * mask + composite * (1 - mask))
        return Prediction(pictures[-1], stages=tuple(pictures[:-1]), curves=self.composed(stages))

    def decide(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Decision:
        return Decision(curves=self.composed(self.curves(composite, mask, label)))

    @staticmethod
    def composed(stages: Sequence[Tensor]) -> Tensor:
        """The knots of all stages as those of one curve."""
        return stages[0] if len(stages) == 1 else composed_curves(stages, COMPOSED_PIECES)


def _recognises(names: Mapping[str, torch.Size], cascaded: bool, semantic: bool) -> bool:
    backbone = names.get("squeezenet1_1.11.expand3x3.weight") == (256, 64, 3, 3)
    return (
        backbone
        and ("fusion.cr2.fc_b_1.fc1.weight" in names) == cascaded
        and ("fusion.cr1.fc_f_label.weight" in names) == semantic
    )


def _spec(key: str, title: str, parameters: int, cascaded: bool, semantic: bool) -> NetworkSpec:
    return NetworkSpec(
        key=key,
        title=title,
        paper="Liang, Cun, Pun: Spatial-Separated Curve Rendering Network (2021)",
        kind=Kind.CURVES,
        input_size=256,
        parameters=parameters,
        build=partial(S2CRNet, cascaded, semantic),
        recognises=partial(_recognises, cascaded=cascaded, semantic=semantic),
        semantic=semantic,
    )


SPECS: tuple[NetworkSpec, ...] = (
    _spec("s2crnet", "S²CRNet", 722_304, cascaded=False, semantic=False),
    _spec("s2crnet-c", "S²CRNet-C (cascaded)", 919_296, cascaded=True, semantic=False),
    _spec("s2crnet-cs", "S²CRNet-CS (cascaded, semantic)", 948_480, cascaded=True, semantic=True),
)
"""Effective parameters: the label-free heads that `-cs` also stores are not counted, as in the paper's 0.95 M."""
