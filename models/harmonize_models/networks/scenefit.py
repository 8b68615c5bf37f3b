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
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name that everyone knows)

from harmonize_models.networks.base import Decision, HarmonizationNetwork, Kind, NetworkSpec, Prediction
from harmonize_models.networks.framing import SEEN, WAVES, Framing, centers, seen_from
from harmonize_models.networks.plan import Plan, size_of_change
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
LOOKS = 2
"""How often it looks: at the composite, and at what its own first plan makes of it."""
GUARD_OFF = 0.0
JUDGED = 3
"""The size of the change is measured on a picture that is so many times smaller."""


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


class SceneFit(HarmonizationNetwork):
    """The network. In training mode `harmonized` is the whole change; in evaluation mode the guard holds it back."""

    guard: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.squeezenet1_1 = squeezenet_features()
        for module in self.squeezenet1_1.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
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
        self.summary = nn.Sequential(
            nn.Linear((REGIONS + 2) * WIDTH + 2 * FEATURES + SUMMARY, 2 * SUMMARY), nn.GELU(approximate="tanh")
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
            plan = plan.then(self.look(plan.sketched(composite, mask), framing, background)[0])
        return self.judged(plan, F.avg_pool2d(composite, JUDGED), F.avg_pool2d(mask, JUDGED))

    def judged(self, plan: Plan, composite: Tensor, mask: Tensor) -> Plan:
        """The plan with the size of its change of that composite, and how certain it is to help.

        A small picture will do.
        """
        change = size_of_change(plan.curves, plan.grid, composite, mask)
        certainty = self.certainty_head((change + 0.1).log()[:, None].to(composite.dtype)).float()[:, 0]
        return replace(plan, change=change, certainty=certainty)

    def look(self, composite: Tensor, framing: Framing, background: Tensor | None = None) -> tuple[Plan, Tensor]:
        """What one look wants to change, not judged yet, and the features of the background [B, C, M, M].

        A second look is given those: the background is as it was.
        """
        known = self.measured(composite, framing)
        if background is not None:
            known = known + self.second_look
        features = self.features(composite, framing, background)
        pools = torch.cat(features.mean(dim=(2, 3)).tensor_split(2), dim=1)
        pools = self.standardise_pools(pools.to(composite.dtype)).clamp(-6, 6)
        near, far = (self.token(framing.gathered(features)) + self.place(framing.places)).tensor_split(2)
        measures = self.statistics_tokens(known).unflatten(1, (REGIONS, WIDTH))
        tokens = torch.cat([measures, near + self.region[0], far + self.region[1]], dim=1)
        for layer in self.layers:
            tokens = layer(tokens, framing.bias)
        return self.answer(self.settled(tokens), pools, known, framing), features.tensor_split(2)[1]

    def measured(self, composite: Tensor, framing: Framing) -> Tensor:
        """What the statistics of the regions tell, [B, SUMMARY]."""
        found = region_statistics(F.avg_pool2d(composite, 2), framing.regions).detach().flatten(1)
        known: Tensor = self.statistics(self.standardise(found.to(composite.dtype)).clamp(-6, 6))
        return known

    def features(self, composite: Tensor, framing: Framing, background: Tensor | None) -> Tensor:
        """What the encoder sees, [2 B, C, M, M]: foregrounds in their own frames, then backgrounds, or those given."""
        pictures = [crop(composite * framing.mask, framing.rows, framing.columns)]
        if background is None:
            pictures.append(composite * (1 - framing.mask))
        found: Tensor = self.squeezenet1_1(torch.cat(pictures).contiguous(memory_format=torch.channels_last))
        return found if background is None else torch.cat([found, background])

    def answer(self, tokens: Tensor, pools: Tensor, known: Tensor, framing: Framing) -> Plan:
        """The heads: settled tokens [B, REGIONS + 2 N, WIDTH], pooled features and statistics -> a plan."""
        asked, view = tokens[:, :REGIONS].flatten(1), tokens[:, REGIONS:]
        regions = zip(view.tensor_split(2, dim=1), framing.shares.tensor_split(2), strict=True)
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
        parameters=2_896_510,
        build=SceneFit,
        recognises=_recognises,
    ),
)
