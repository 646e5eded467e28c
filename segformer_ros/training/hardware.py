# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where a run computes: devices and processes, precision, and what a process is set to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
import os
from typing import Any, Literal
import warnings

from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from lightning_fabric.strategies.ddp import DDPStrategy
from segformer_ros.inference.denormals import read_limits
from segformer_ros.training.synced_norm import synced
import torch
from torch import nn

# The other processes wait while the first one evaluates and writes.
_PATIENCE = timedelta(hours=3)


@dataclass(frozen=True)
class HardwareConfig:
    """
    Where and how a run computes.

    :param accelerator: 'auto' takes a GPU where there is one.
    :param devices: Processes of this machine, one for each GPU; 0: every GPU, or one process.
        Under torchrun its numbers decide.
    :param nodes: Machines.
    :param precision: 'bfloat16' and 'float16' compute where it is safe in 16 bits; weights stay
        float32.
    :param tf32: Let a GPU round float32 products to 10 bits.
    :param threads: Of a CPU; 0: as many as torch takes.
    :param workers: Processes that make batches; 0: a thread.
    :param deterministic: Choose algorithms that give the same twice, where there are any.
    :param sync_batch_norm: Batch norm over the samples of all processes.
    :param checkpointing: Recompute the blocks of the encoder instead of remembering them: less
        memory, a quarter to a third more time.
    """

    accelerator: Literal['auto', 'cpu', 'cuda'] = 'auto'
    devices: int = 0
    nodes: int = 1
    precision: Literal['float32', 'bfloat16', 'float16'] = 'float32'
    tf32: bool = True
    threads: int = 0
    workers: int = 0
    deterministic: bool = False
    sync_batch_norm: bool = True
    checkpointing: bool = False

    def __post_init__(self) -> None:
        if min(self.devices, self.threads, self.workers) < 0 or self.nodes < 1:
            raise ValueError('devices, threads and workers must be at least 0, nodes at least 1')


class _Autocast(MixedPrecision):
    """Rounds what the network computes, but not what it is given: depths stay float32."""

    def convert_input(self, data: Any) -> Any:
        return data


def make_fabric(config: HardwareConfig) -> Fabric:
    """
    Start Fabric as the recipe and the environment say; other processes start here.

    :raises ValueError: There is no such accelerator.
    """
    cuda = torch.cuda.is_available() if config.accelerator == 'auto' else None
    accelerator = 'cuda' if cuda or config.accelerator == 'cuda' else 'cpu'
    if accelerator == 'cuda' and not torch.cuda.is_available():
        raise ValueError('accelerator cuda: torch finds no GPU here; choose cpu or auto')
    devices, nodes = _processes(config, accelerator)
    plugins: list[Any] = []
    if config.precision != 'float32':
        half: Any = {'bfloat16': 'bf16-mixed', 'float16': '16-mixed'}[config.precision]
        plugins.append(_Autocast(half, accelerator))
    strategy = DDPStrategy(timeout=_PATIENCE) if devices * nodes > 1 else 'auto'
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        plugins=plugins or None,
    )
    fabric.launch()
    return fabric


def hardware_warnings(config: HardwareConfig, device: torch.device) -> list[str]:
    """
    Report settings that another value would serve better on this machine.

    :returns: Sentences for the user.
    """
    if config.precision != 'bfloat16' or device.type != 'cpu':
        return []
    if any(has for name, has in torch.cpu.get_capabilities().items() if 'bf16' in name):
        return []
    return [
        'this CPU has no instructions for bfloat16, so that it takes longer than float32: '
        'hardware.precision=float32 is faster, with slightly other weights'
    ]


def _processes(config: HardwareConfig, accelerator: str) -> tuple[int, int]:
    """Count the processes of a machine and the machines."""
    if torch.distributed.is_torchelastic_launched():
        local = int(os.environ['LOCAL_WORLD_SIZE'])
        return local, int(os.environ['WORLD_SIZE']) // local
    every = torch.cuda.device_count() if accelerator == 'cuda' else 1
    return config.devices or every, config.nodes


@contextmanager
def process_settings(config: HardwareConfig) -> Iterator[None]:
    """
    Set threads, determinism and rounding of this process, and put back what was.

    Denormal numbers count as zero: Adam's second moments fade into them, and half of a step on a
    CPU went to the optimizer.
    """
    read_limits()
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    matmul = torch.get_float32_matmul_precision()
    if config.deterministic:
        # Read by cuBLAS when it starts.
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
        torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_num_threads(config.threads or threads)
    torch.set_float32_matmul_precision('high' if config.tf32 else 'highest')
    if torch.cuda.is_available():
        torch.backends.cudnn.allow_tf32 = config.tf32
    torch.set_flush_denormal(True)
    try:
        with warnings.catch_warnings():
            # That of a 1x1 convolution may be laid out in either way.
            warnings.filterwarnings('ignore', 'Grad strides do not match')
            yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_float32_matmul_precision(matmul)
        torch.use_deterministic_algorithms(deterministic)
        torch.set_num_threads(threads)


def prepare(network: nn.Module, config: HardwareConfig, fabric: Fabric) -> nn.Module:
    """Replace the batch norms of a run of several processes, where the recipe wants it."""
    if fabric.world_size == 1 or not config.sync_batch_norm:
        return network
    if fabric.device.type == 'cpu':
        return synced(network)
    convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
    converted: nn.Module = convert(network)
    return converted
