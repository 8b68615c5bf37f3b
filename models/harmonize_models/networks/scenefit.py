"""SceneFit, this project's own network: it looks at a thumbnail and predicts the adjustment itself.

What the composite's regions look like is measured (`region_statistics`) and seen: one convolutional encoder looks at
the foreground, at its own scale, and at the background; attention lets the foreground ask the background; heads answer
with tone curves, one affine color transform, a coarse grid of local ones, and how likely all that is to help. See
docs/network.md.

Ideas taken from: Liang 2021 (curves with fixed ends, regions encoded apart), Hao 2020 (foreground queries, background
keys), Shen 2023 (long-distance references by attention layers), Gharbi 2017 (bilateral grid of affine transforms).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name that everyone knows)

from harmonize_models.networks.base import Decision, HarmonizationNetwork, Kind, NetworkSpec, Prediction
from harmonize_models.networks.framing import SEEN, WAVES, Framing, View, centers, seen_from
from harmonize_models.networks.plan import Plan
from harmonize_models.networks.region_statistics import PER_REGION, REGIONS, region_statistics
from harmonize_models.networks.rendering import monotone_curves
from harmonize_models.networks.s2crnet import FEATURES, crop, places_in_mask, squeezenet_features

INPUT_SIZE = 192
"""Pixels along a side of the thumbnail that is looked at."""
PIECES = 16
"""Pieces of a tone curve."""
DEPTH, CELLS = 4, 8
"""The color grid: luma levels, and cells along each side of the scene."""
WIDTH = 192
"""Channels of a token."""
LAYERS, HEADS = 2, 8
SUMMARY = 256
POOLED = 64
"""Channels to which the pooled features of both regions are brought before they join the rest."""
DEEPER, NARROW = 4, 64
"""Residual blocks behind SqueezeNet's layers, and their channels between the first and the last convolution."""
LOOKS = 2
"""How often it looks: at the composite, and at what its own first plan makes of it."""
GUARD_OFF = 0.0
JUDGED = 3
"""The size of the change is measured on a picture that is so many times smaller."""


class Residual(nn.Module):
    """Adds what three convolutions find in a few channels; nothing at first."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels, narrow, 1)
        self.across = nn.Conv2d(narrow, narrow, 3, padding=1)
        self.wide = nn.Conv2d(narrow, channels, 1)
        for convolution in (self.narrow, self.across):
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        for parameter in self.wide.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        found = F.relu(self.across(F.relu(self.narrow(x))))
        return F.relu(x + self.wide(found))


class RegionAttention(nn.Module):
    """A pre-norm transformer layer; what each token weighs as a key is biased by how much of its region it holds."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(approximate="tanh"), nn.Linear(2 * width, width))
        for layer in (self.joined, self.mlp[2]):
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * LAYERS))

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """tokens: [B, N, W]; bias: [B, N], added to the logits of the keys."""
        split = self.queries_keys_values(self.before_attention(tokens)).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        # Written out: on CPUs the fused kernel's backward pass takes longer than all the rest of the network.
        likeness = queries @ keys.transpose(2, 3) * queries.shape[-1] ** -0.5 + bias[:, None, None].to(queries.dtype)
        seen = likeness.softmax(dim=-1).to(values.dtype) @ values
        tokens = tokens + self.joined(seen.transpose(1, 2).flatten(2))
        mixed: Tensor = tokens + self.mlp(self.before_mlp(tokens))
        return mixed


def mean_over(tokens: Tensor, share: Tensor) -> Tensor:
    """[B, N, W] weighted by [B, N] -> [B, W]."""
    return (tokens * share[..., None]).sum(dim=1) / (share.sum(dim=1, keepdim=True) + 1e-2)


@dataclass(frozen=True)
class Seen:
    """What the encoder shows of one region."""

    tokens: Tensor
    """[B, SEEN ** 2, WIDTH]."""
    pool: Tensor
    """[B, FEATURES]: the mean over the whole frame."""

    def part(self, part: slice) -> Seen:
        """Of some of the composites."""
        return Seen(self.tokens[part], self.pool[part])


class SceneFit(HarmonizationNetwork):
    """The network. In training mode `harmonized` is the whole change; in evaluation mode the guard holds it back."""

    guard: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.squeezenet1_1 = squeezenet_features()
        for module in self.squeezenet1_1.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        self.deeper = nn.Sequential(*(Residual(FEATURES, NARROW) for _ in range(DEEPER)))
        self.token = nn.Linear(FEATURES, WIDTH)
        self.place = nn.Linear(4 * WAVES, WIDTH)
        self.region = nn.Parameter(torch.randn(2, WIDTH) * 0.02)
        self.standardise = nn.BatchNorm1d(REGIONS * PER_REGION, affine=False, momentum=0.02)
        self.statistics = nn.Sequential(
            nn.Linear(REGIONS * PER_REGION, SUMMARY),
            nn.GELU(approximate="tanh"),
            nn.Linear(SUMMARY, SUMMARY),
            nn.GELU(approximate="tanh"),
        )
        self.second_look = nn.Parameter(torch.zeros(SUMMARY))
        """Added to what the statistics tell when it looks at its own first plan's result."""
        self.statistics_tokens = nn.Linear(SUMMARY, REGIONS * WIDTH)
        self.layers = nn.ModuleList(RegionAttention(WIDTH, HEADS) for _ in range(LAYERS))
        self.settled = nn.LayerNorm(WIDTH)
        self.standardise_pools = nn.BatchNorm1d(2 * FEATURES, affine=False, momentum=0.02)
        self.pooled = nn.Linear(2 * FEATURES, POOLED)
        self.summary = nn.Sequential(
            nn.Linear((REGIONS + 2) * WIDTH + POOLED + SUMMARY, 2 * SUMMARY), nn.GELU(approximate="tanh")
        )
        self.curve_head = nn.Linear(2 * SUMMARY, 4 * PIECES)
        self.affine_head = nn.Linear(2 * SUMMARY, 12)
        self.local_head = nn.Linear(WIDTH, DEPTH * 12)
        self.certainty_head = nn.Linear(1, 1)
        for head in (self.curve_head, self.affine_head, self.local_head):
            nn.init.normal_(head.weight, std=5e-4)
            nn.init.zeros_(head.bias)
        self.looks = LOOKS
        self.local_share = 0.7
        """In training: the share of samples whose plan has a local part, so that it can be switched off later."""
        self.register_buffer("guard", torch.tensor(GUARD_OFF))
        """The guard's threshold: the change in levels of 255 of which it lets half through."""

    def plan(self, composite: Tensor, mask: Tensor) -> Plan:
        """[B, 3, S, S] in [0, 1] and [B, 1, S, S] at S = INPUT_SIZE -> what all looks together want to change."""
        framing = self.framing(mask)
        plan, background = self.look(composite, framing)
        for _ in range(self.looks - 1):
            plan = plan.then(self.look_again(plan, composite, framing, background))
        return self.judged(plan, F.avg_pool2d(composite, JUDGED), F.avg_pool2d(mask, JUDGED))

    def judged(self, plan: Plan, composite: Tensor, mask: Tensor) -> Plan:
        """The plan with the size of its change of that composite, and how certain it is to help.

        A small picture will do.
        """
        change = plan.size_of_change(composite, mask)
        certainty = self.certainty_head((change + 0.1).log()[:, None].to(composite.dtype)).float()[:, 0]
        return replace(plan, change=change, certainty=certainty)

    def look(self, composite: Tensor, framing: Framing) -> tuple[Plan, Seen]:
        """What the network wants to change, not judged yet, and what it saw of the background."""
        pictures = torch.cat([framing.close(composite * framing.mask), composite * (1 - framing.mask)])
        close, scene = self.features(pictures).tensor_split(2)
        background = self.seen(scene, framing.far)
        known = self.measured(F.avg_pool2d(composite, 2), framing)
        return self.decided(self.seen(close, framing.near), background, known, framing), background

    def look_again(self, plan: Plan, composite: Tensor, framing: Framing, background: Seen) -> Plan:
        """What it still wants to change when it sees a sketch of what `plan` makes of the foreground.

        The sketch is rendered at half size; the background is as it was.
        """
        small = F.avg_pool2d(composite, 2)
        change = plan.change_of(small) * framing.half
        close = framing.closer(composite * framing.mask) + framing.closer(change)
        foreground = self.seen(self.features(close.clamp(0, 1)), framing.again)
        known = self.measured(small + change, framing) + self.second_look
        return self.decided(foreground, background, known, framing)

    def measured(self, small: Tensor, framing: Framing) -> Tensor:
        """What the statistics of the regions tell, [B, SUMMARY]; `small`: the composite at half its size."""
        found = region_statistics(small, framing.regions).detach().flatten(1)
        known: Tensor = self.statistics(self.standardise(found.to(small.dtype)).clamp(-6, 6))
        return known

    def features(self, pictures: Tensor) -> Tensor:
        """Pictures of regions [B, 3, S, S] -> what the encoder finds, [B, C, M, M]."""
        found: Tensor = self.deeper(self.squeezenet1_1(pictures.contiguous(memory_format=torch.channels_last)))
        return found

    def seen(self, features: Tensor, view: View) -> Seen:
        """The encoder's features of a region as tokens that know their places, and pooled."""
        return Seen(self.token(view.gathered(features)) + self.place(view.places), features.mean(dim=(2, 3)))

    def decided(self, foreground: Seen, background: Seen, known: Tensor, framing: Framing) -> Plan:
        """All that is known about the regions -> a plan."""
        measures = self.statistics_tokens(known).unflatten(1, (REGIONS, WIDTH))
        seen = [each.tokens + region for each, region in zip((foreground, background), self.region, strict=True)]
        tokens = torch.cat([measures, *seen], dim=1)
        for layer in self.layers:
            tokens = layer(tokens, framing.bias)
        pools = torch.cat([foreground.pool, background.pool], dim=1)
        pools = self.pooled(self.standardise_pools(pools.to(known.dtype)).clamp(-6, 6))
        return self.answer(self.settled(tokens), pools, known, framing)

    def answer(self, tokens: Tensor, pools: Tensor, known: Tensor, framing: Framing) -> Plan:
        """The heads: settled tokens [B, REGIONS + 2 N, WIDTH], pooled features and statistics -> a plan."""
        asked, view = tokens[:, :REGIONS].flatten(1), tokens[:, REGIONS:]
        regions = zip(view.tensor_split(2, dim=1), (framing.near.shares, framing.far.shares), strict=True)
        means = [mean_over(*region) for region in regions]
        summary = self.summary(torch.cat([asked, *means, pools, known], dim=1))
        logits = self.curve_head(summary).float().unflatten(1, (4, PIECES))
        curves = monotone_curves(logits[:, :1] + logits[:, 1:])
        affine = self.affine_head(summary).float().view(-1, 1, 1, 1, 3, 4)
        local = self.local(view, framing)
        if self.training:
            kept = torch.rand(len(local), device=local.device) < self.local_share
            local = local * kept.view(-1, 1, 1, 1, 1, 1)
        grid = torch.eye(3, 4, device=local.device) + affine + local
        unjudged = curves.new_zeros(len(curves))
        return Plan(curves, grid, unjudged, unjudged)

    def framing(self, mask: Tensor) -> Framing:
        """The bounding box of the foreground [B, 1, S, S] fills the frame in which it is seen."""
        return Framing.of(mask, *places_in_mask(mask))

    def local(self, view: Tensor, framing: Framing) -> Tensor:
        """Tokens of both regions [B, 2 N, WIDTH] -> [B, DEPTH, CELLS, CELLS, 3, 4]: what each cell adds to the whole.

        Each cell of the scene reads the background's tokens at its place, and the foreground's where its box has it.
        """
        maps = self.local_head(view).float().transpose(1, 2).unflatten(2, (2, SEEN, SEEN))
        rows, columns = framing.rows.float(), framing.columns.float()
        down, across = centers(CELLS, rows), centers(CELLS, columns)
        near = crop(maps[:, :, 0], seen_from(rows, down), seen_from(columns, across))
        cells = near + crop(maps[:, :, 1], down, across)
        return cells.view(-1, DEPTH, 3, 4, CELLS, CELLS).permute(0, 1, 4, 5, 2, 3)

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        """Pictures of any size: planned at INPUT_SIZE, where the network was trained, rendered at their own."""
        plan = self.guarded(composite, mask)
        harmonized = plan.render(composite) * mask + composite * (1 - mask)
        return Prediction(harmonized, curves=plan.curves, grid=plan.grid, confidence=plan.certainty.sigmoid())

    def decide(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Decision:
        plan = self.guarded(composite, mask)
        return Decision(curves=plan.curves, grid=plan.grid, confidence=plan.certainty.sigmoid())

    def guarded(self, composite: Tensor, mask: Tensor) -> Plan:
        """The plan; in evaluation mode, what the guard lets through of it."""
        plan = self.plan(*self.thumbnail(composite, mask))
        return plan if self.training else plan.scaled(plan.let_through(self.guard))

    @staticmethod
    def thumbnail(composite: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Both at INPUT_SIZE, by the filter of the product's thumbnails."""
        size = (INPUT_SIZE, INPUT_SIZE)
        if composite.shape[2:] == size:
            return composite, mask
        both = F.interpolate(torch.cat([composite, mask], dim=1), size, mode="bilinear", antialias=True)
        return both[:, :3], both[:, 3:]


def _recognises(names: Mapping[str, torch.Size]) -> bool:
    return names.get("local_head.weight") == (DEPTH * 12, WIDTH) and "squeezenet1_1.0.weight" in names


SPECS: tuple[NetworkSpec, ...] = (
    NetworkSpec(
        key="scenefit",
        title="SceneFit",
        paper="Harmonize Selection's own network (docs/network.md)",
        kind=Kind.ADJUSTMENT,
        input_size=INPUT_SIZE,
        parameters=2_882_750,
        build=SceneFit,
        recognises=_recognises,
    ),
)
