"""Several processes that train as one: the same step as a single process with all their samples.

    torchrun --nproc-per-node 4 -m training.train --recipe best --data DATA --out runs/best

Each process takes its share of the samples; gradients are averaged. For that average to be the gradient over all
samples, sums over matchable cells must be divided by what *all* processes have, and batch normalisation must see all.
"""

from __future__ import annotations

import os
import sys
from typing import Any, cast

import torch
import torch.distributed as dist
from lightning.fabric import Fabric
from torch import Tensor, nn

from training.bfloat16 import WITHOUT, cpu_has_bfloat16


def make_fabric(precision: str) -> Fabric:
    """All devices of this machine, or one for each process that torchrun has started; on a CPU to which bfloat16 is a
    burden in single precision, and a line says so."""
    if precision == "bf16-mixed" and not torch.accelerator.is_available() and not cpu_has_bfloat16():
        precision = "32-true"
        if os.environ.get("RANK", "0") == "0":
            print(WITHOUT, file=sys.stderr)
    if "LOCAL_WORLD_SIZE" not in os.environ:
        return Fabric(accelerator="auto", devices="auto", precision=precision)  # type: ignore[arg-type]
    here, everywhere = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    # "auto" knows nothing of torchrun on CPUs: every process would train alone.
    return Fabric(
        accelerator="auto", devices=here, num_nodes=everywhere // here, strategy="ddp", precision=precision  # type: ignore[arg-type]
    )  # fmt: skip


def per_process(count: Tensor) -> Tensor:
    """The mean of a count over all processes: sums divided by it average to the quotient over all samples."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return count
    total = count.detach().clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


class _Total(torch.autograd.Function):
    """Sum of a tensor over all processes; each one's gradient reaches all."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _total(value: Tensor) -> Tensor:
    return cast(Tensor, _Total.apply(value))  # type: ignore[no-untyped-call]


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation by mean and variance over the samples of all processes, of which each has as many.

    torch's own, ``SyncBatchNorm``, knows GPUs only.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W)."""
        if not self.training:
            return super().forward(input)
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        processes = dist.get_world_size()
        mean = _total(x.mean(dim=(0, 2, 3))) / processes
        centred = x - mean[:, None, None]
        variance = _total(centred.square().mean(dim=(0, 2, 3))) / processes
        with torch.no_grad():
            count = x[:, 0].numel() * processes
            assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)


def same_everywhere(network: nn.Module) -> None:
    """Give every process the weights and statistics of the first, in place."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return
    for value in network.state_dict().values():
        whole = value.contiguous()
        dist.broadcast(whole, 0)
        value.copy_(whole)


def share_batch_statistics(network: nn.Module) -> None:
    """Make every batch normalisation of ``network`` a :class:`SharedBatchNorm2d`, in place; weights stay."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                shared = SharedBatchNorm2d(child.num_features, child.eps, child.momentum)
                shared.load_state_dict(child.state_dict())
                setattr(parent, name, shared)
