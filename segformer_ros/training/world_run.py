# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A whole training run on the built-in world: render, train, evaluate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from segformer_ros import world
from segformer_ros.training import frames
from segformer_ros.training.config import TrainConfig
from segformer_ros.training.evaluate import held_out
from segformer_ros.training.loop import Trainer, WEIGHTS_FILE
import torch

LABEL_SET = 'carla_0914'


def flush_denormals() -> None:
    """
    Make this process take denormal numbers for zero.

    Adam's second moments fade into them, and half of a step went to the optimizer. Numpy warns
    when it first looks at the limits of its types in such a process, so it looks before.
    """
    for kind in (np.float32, np.float64):
        _ = np.finfo(kind).smallest_subnormal
    torch.set_flush_denormal(True)


def train_on_world(
    config: TrainConfig,
    report: Callable[[str], None],
    *,
    command: str = '',
    render_only: bool = False,
) -> Path:
    """
    Train, or go on with an interrupted run of the same output folder.

    :param report: Takes one line of text.
    :param command: What the user typed, for the provenance of the weights.
    :param render_only: Return when all frames are rendered.
    :returns: The weights file, or the folder of the frames.
    :raises ValueError: The folder of the frames holds other ones.
    """
    frames.check_identity(config.world, world.random_frame)
    workers = frames.start_rendering(config.world)
    wanted = config.world.frames if render_only else config.world.min_frames
    store = frames.wait_for_frames(config.world, workers, wanted, report)
    if render_only:
        return Path(config.world.folder)
    flush_denormals()
    validation = held_out(world.random_frame, config.evaluation_seeds, config.evaluation_size)
    trainer = Trainer(
        config,
        store,
        tuple(world.CLASS_IDS),
        label_set=LABEL_SET,
        command=command,
        validation=validation,
        report=report,
    )
    trainer.run()
    return trainer.output / WEIGHTS_FILE
