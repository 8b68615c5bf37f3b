"""`harmonize train`: what the flags start."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoints import SHIPPED_DIR
from ..commands import carried_out
from ..data.composites import CompositeMaker, seeded
from ..data.photos import PhotoSet, load_photos
from ..data.sources import Skipped
from ..errors import BadSettings
from ..evaluation.cases import build_cases
from ..networks import registry
from ..networks.base import HarmonizationNetwork
from ..networks.folding import calibrate, folded, insert_norms, settle
from ..networks.sides import check_side
from ..weight_files import fingerprint, load_weights
from .arguments import add_arguments
from .checkpoint import start_from
from .choices import Discriminator
from .config import TrainConfig, override, preset, read_config, refuse_another_run
from .discriminators import SMALLEST_JUDGED
from .distributed import Worker, join
from .history import Leg, command_line, commit_of_this_code, read_history, write_history
from .progress_bar import progress_bar
from .trainers import trainer_for


def config_of(args: argparse.Namespace) -> TrainConfig:
    """The preset of the network, then the file, then the flags (which are named as the settings are)."""
    config = preset(args.network)
    if args.config:
        config = override(config, {**read_config(args.config), "network": args.network})
    flags = {f.name: getattr(args, f.name, None) for f in fields(TrainConfig)}
    config = override(config, {name: value for name, value in flags.items() if value is not None})
    if config.loss.adversarial and config.discriminator is Discriminator.NONE:
        config = replace(config, discriminator=Discriminator.S2CRNET)
    if config.loss.adversarial and config.size < SMALLEST_JUDGED:
        raise BadSettings(
            f"The discriminator cannot judge pictures of {config.size} px.",
            f"Use --size {SMALLEST_JUDGED} or more, or a --loss without the adversarial term.",
        )
    return config


def run(args: argparse.Namespace, words: Sequence[str] | None = None) -> int:
    """Train as the flags say; returns the exit status. words: the command line, for the record."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    torch.set_num_threads(args.threads)
    registry.get(args.network)  # a misspelt key is refused before anything else
    config = config_of(args)
    folder = args.output or Path("runs") / args.network
    trainer_for(args.network).check(config)
    refuse_another_run(folder, config)
    starts = [_weights_file(file) for file in filter(None, (args.backbone_weights, *args.init))]
    worker = join(args.device)
    _train(args, list(sys.argv[1:] if words is None else words), config, folder, starts, worker)
    worker.close()
    return 0


def _train(
    args: argparse.Namespace,
    words: Sequence[str],
    config: TrainConfig,
    folder: Path,
    starts: Sequence[Path],
    worker: Worker,
) -> None:
    """One of the processes of a run, from its photos to its record."""

    def report(line: str) -> None:
        if worker.leads:
            print(line, flush=True)

    skipped = Skipped()
    whole = args.data if args.validation else ()
    photos = load_photos(args.data, "train", config.held_side(), skipped, args.limit, whole=whole)
    validation = load_validation(args, skipped)
    report(f"{len(photos.photos)} photos, {len(photos)} masks for training; {skipped.summary()}")
    cases = build_cases(validation, config.size, recipe=config.recipe)
    report(f"{len(cases)} validation composites, hash {cases.digest()} at {config.size} px")
    torch.manual_seed(config.seed)
    maker = CompositeMaker(photos.to(worker.device), config.recipe)
    network, given = _network(args, config, maker, starts, report)
    trainer = trainer_for(args.network)(
        config,
        network,
        maker,
        cases.some(config.validation_cases),
        folder,
        worker,
        registry.get(args.network).semantic,
        report,
    )
    earlier = [leg for file in args.init if file.is_file() for leg in read_history(file.parent)]
    if trainer.teacher is not None:
        given.append(f"teacher {config.teacher} {fingerprint(trainer.teacher.state_dict())}")
    resumed = trainer.resume()
    report("resumed" if resumed else "started")
    if resumed and (before := read_history(folder)):
        given = [before[-1].given]  # what it began with, whatever the names stand for now
    with progress_bar(trainer):
        progress = trainer.run(args.slice_minutes)
    if worker.leads:
        leg = Leg(
            command=command_line(words, worker.world),
            steps=progress.step,
            images=progress.step * config.batch,
            minutes=progress.seconds / 60,
            size=config.size,
            device=worker.machine(),
            start=f"the weights of {', then '.join(file.name for file in args.init)}" if args.init else Leg.start,
            commit=commit_of_this_code(),
            given=", ".join(given),
            recipe=config.to_json()["recipe"],
        )
        write_history(trainer.folder, [*earlier, leg])
    report(f"step {progress.step} after {progress.seconds / 60:.1f} minutes, best PSNR {progress.best_psnr:.2f} dB")


def _network(
    args: argparse.Namespace,
    config: TrainConfig,
    maker: CompositeMaker,
    starts: Sequence[Path],
    report: Callable[[str], None],
) -> tuple[HarmonizationNetwork, list[str]]:
    """The network as it begins, and the weights that it was given, each as a name and a fingerprint."""
    spec = registry.get(args.network)
    network = spec.build()
    check_side(spec, network, config.size, "--size")
    if config.freeze_norms and not args.init:
        settle(network, _few_batches(maker, config))
    if args.start_at_identity:
        try:
            network.start_at_identity()
        except ValueError as error:
            raise BadSettings(str(error), "Train it without --start-at-identity.") from error
    if config.batch_norm:
        insert_norms(network, config.batch_norm)
    fresh_norms = False
    given = []
    for file in starts:
        weights = load_weights(file)
        given.append(f"{file.name} {fingerprint(weights)}")
        copied, tensors = start_from(network, folded(weights, keep=network.state_dict()))
        fresh_norms = bool(config.batch_norm) and not any(".norm." in name for name in weights)
        report(f"{copied} of {tensors} tensors from {file}")
    if fresh_norms:
        sample = maker.batch(64, config.size, seeded(config.seed))
        calibrate(network, sample.composite.cpu(), sample.mask.cpu())
    return network, given


def _few_batches(maker: CompositeMaker, config: TrainConfig, count: int = 4) -> Iterator[tuple[Tensor, Tensor]]:
    """Composites and masks, on the CPU, to measure statistics on."""
    for number in range(count):
        batch = maker.batch(16, config.size, seeded(config.seed, number))
        yield batch.composite.cpu(), batch.mask.cpu()


def _weights_file(given: Path) -> Path:
    """The file itself, or the shipped weights of a network's key. Raises BadSettings if it is neither."""
    if given.is_file():
        return given
    stored = SHIPPED_DIR / f"{given}.safetensors"
    if not stored.is_file():
        raise BadSettings(f"{given} is neither a file nor a network with shipped weights.", "Give --init another one.")
    return stored


def load_validation(args: argparse.Namespace, skipped: Skipped) -> PhotoSet:
    """The validation photos, held at the size that evaluation uses."""
    return load_photos(args.validation or args.data, "val", 256, skipped, whole=args.validation or ())


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `harmonize train` and of the module."""
    parser = argparse.ArgumentParser(prog="harmonize train", description="Train a network on photos with masks.")
    add_arguments(parser)
    words = list(sys.argv[1:] if argv is None else argv)
    return carried_out(parser, words, lambda args: run(args, words))
