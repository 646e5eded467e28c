# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a recipe can learn anything: at most thirty steps on one batch."""

from dataclasses import replace

from lightning_fabric import Fabric
from segformer_ros.training.config import StageConfig, TrainConfig
from segformer_ros.training.fit import TrainingRun
from segformer_ros.training.hardware import process_settings
from segformer_ros.training.progress import ProgressBar
from segformer_ros.training.run_data import open_data
import torch


def overfit(
    config: TrainConfig, *, share: float = 0.5, steps: int = 30, stage: int = -1
) -> tuple[float, float]:
    """
    Train a stage of a recipe on its first batch alone, without its random changes of the network.

    :param config: Its output folder is only written to by a run, which this is not.
    :param share: It ends as soon as the loss is below this share of the first.
    :param steps: How often the batch is seen at most, at half the rate of the recipe or at 1e-3
        if that is more, without warm-up.
    :param stage: Which; the last one unless given.
    :returns: The loss at first and at last.
    """
    wanted = config.stages[stage]
    rate = max(0.5 * wanted.optimizer.learning_rate, 1e-3)
    optimizer = replace(wanted.optimizer, learning_rate=rate, head_factor=1.0)
    network = replace(config.network, drop_rate=0.0, drop_path_rate=0.0)
    only: StageConfig = replace(
        wanted,
        steps=steps,
        optimizer=optimizer,
        schedule=replace(wanted.schedule, kind='constant', warmup_steps=0),
        consistency=None,
    )
    data = replace(config.data, validation=())
    hardware = replace(
        config.hardware, accelerator='cpu', devices=1, precision='float32', threads=1
    )
    config = replace(
        config, stages=(only,), network=network, data=data, hardware=hardware, ema_decay=0.0
    )
    with process_settings(config.hardware):
        fabric = Fabric(accelerator='cpu', devices=1)
        run = TrainingRun(config, fabric, open_data(config), lambda line: None)
        bar = ProgressBar(steps, 0, lambda line: None, bar=False)
        learning = run.stage(bar)
        batch = run.batches(0)
        losses: list[float] = []
        while len(losses) < steps and (not losses or losses[-1] >= share * losses[0]):
            losses.append(float(torch.as_tensor(learning.step(batch)['loss'])))
        bar.close()
    return losses[0], losses[-1]
