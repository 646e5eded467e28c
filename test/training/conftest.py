# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recipe of a few seconds on a world of coloured squares."""

from pathlib import Path
import sys

import pytest

sys.path.insert(0, str(Path(__file__).parent))
torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.config import PhaseConfig, TrainConfig, WorldConfig  # noqa: E402
from segformer_ros.training.frames import FrameStore, render_shard, shard_count  # noqa: E402
from square_world import square_frame  # noqa: E402


@pytest.fixture
def config(tmp_path):
    """Give a recipe of four steps, with its frames rendered."""
    world = WorldConfig(
        folder=str(tmp_path / 'frames'), first_seed=7, frames=8, shard_frames=4, sizes=((64, 96),)
    )
    for index in range(shard_count(world)):
        render_shard(world, index, square_frame)
    phase = PhaseConfig(
        steps=4, batch_size=2, crops=((32, 64),), scale=(0.7, 1.0), learning_rate=(1e-3, 1e-4)
    )
    return TrainConfig(
        output=str(tmp_path / 'run'),
        network={'size': 'b0', 'depth_stride': 4, 'depth_activation': 'log', 'decoder_dim': 32},
        world=world,
        phases=(phase,),
        warmup_steps=2,
        focal_length_px=48.0,
        bfloat16=False,
    )


@pytest.fixture
def store(config):
    """Give the rendered frames."""
    return FrameStore(config.world)
