# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""docs/evaluation.md is about this program."""

import argparse
from pathlib import Path

import numpy as np
import pytest
from segformer_ros.commands import evaluate as command
from segformer_ros.datasets import Sample
from segformer_ros.evaluation import evaluate
from segformer_ros.metrics import CROPS
from stub_network import blocks, ColorNetwork, ROAD, Samples, SKY, truth

TEXT = (Path(__file__).parents[2] / 'docs' / 'evaluation.md').read_text(encoding='utf-8')
# Those of bags and of the recorded truth are in docs/carla.md.
ELSEWHERE = {
    '--help', '--option', '--size', '--namespace', '--role-name', '--label-sensor',
    '--depth-sensor', '--coding', '--tag-table',
}  # fmt: skip


def test_every_option_is_explained():
    """Those of other documents excepted."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = {
        name for action in parser._actions for name in action.option_strings if name[1] == '-'
    }
    assert {name for name in options - ELSEWHERE if name not in TEXT} == set()


def test_every_figure_is_explained():
    """By the name that it has in summary.json."""
    depth = np.full((32, 64), 10.0, np.float32)
    dataset = Samples([Sample(blocks('r', 'g'), truth(ROAD.id, SKY.id), depth)])
    summary = evaluate(ColorNetwork(), dataset).summary()
    own = {name for name in summary if not name.endswith('_per_image')} - {
        'network', 'frames', 'inference', 'label_frames', 'depth_frames', 'not_evaluated',
        'boundary_f_by_class', 'depth_range_m', 'depth_crop', 'depth_clipped', 'silog', 'pixels',
        'images',
    }  # fmt: skip
    assert {name for name in own if f'`{name}`' not in TEXT} == set()


@pytest.mark.parametrize('crop', [name for name in CROPS if name != 'none'])
def test_every_crop_is_explained(crop):
    """By its name."""
    assert f'`{crop}`' in TEXT
