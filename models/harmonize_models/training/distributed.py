"""One process, or several started by `torchrun`: who am I, on which device, and how do we share gradients."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ..errors import BadSettings


@dataclass(frozen=True)
class Worker:
    """This process among its peers."""

    rank: int
    world: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.rank == 0

    def machine(self) -> str:
        """All devices in words, for cards."""
        return f"{self.world} x {describe(self.device)}" if self.world > 1 else describe(self.device)

    def wrap(self, network: nn.Module, may_skip_parameters: bool = False) -> nn.Module:
        """The network for training: alone as it is, among peers with shared gradients (DDP)."""
        if self.world == 1:
            return network
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(network, device_ids=ids, find_unused_parameters=may_skip_parameters)

    def agree(self, *values: float) -> list[float]:
        """The leader's `values`, on every process: decisions about time and stopping must be the same everywhere."""
        if self.world == 1:
            return list(values)
        shared = torch.tensor(values, device=self.device, dtype=torch.float64)
        distributed.broadcast(shared, 0)
        agreed: list[float] = shared.tolist()
        return agreed

    def close(self) -> None:
        """Leave the group. Call it when nothing that was wrapped is in use any more."""
        if self.world > 1:
            # What DDP wraps lies in cycles and holds the group, whose threads would outlive the interpreter and abort.
            gc.collect()
            distributed.barrier()
            distributed.destroy_process_group()


def unwrapped(network: nn.Module) -> nn.Module:
    """What `Worker.wrap` was given."""
    return network.module if isinstance(network, DistributedDataParallel) else network


def describe(device: torch.device) -> str:
    """The device in words, for cards and logs."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} CPU thread(s)" if device.type == "cpu" else device.type


def join(device: str = "auto") -> Worker:
    """Join the processes that `torchrun` started, or stand alone. device: "auto", "cpu", "cuda", "cuda:1" or "mps".

    "auto" is never "mps": Apple's graphics cannot do all that making composites needs (`torch.linalg.eigh`).
    Raises BadSettings where there is no such device.
    """
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise BadSettings(f"No device is called {device!r}.", "Give auto, cpu, cuda or cuda:1.") from error
    if chosen.type == "cuda":
        if not (chosen.index or 0) < torch.cuda.device_count():
            raise BadSettings(f"There is no {device} here that torch can use.", "Leave --device out.")
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", str(chosen.index or 0))))
        torch.cuda.set_device(chosen)
        torch.backends.cudnn.benchmark = True
    if world > 1:
        distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return Worker(rank, world, chosen)
