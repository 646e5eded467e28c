# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write docs/parameters.md from the parameter classes of all nodes."""

from __future__ import annotations

from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from segformer_ros.nodes.carla_world_node import CarlaWorldParameters
from segformer_ros.nodes.dataset_recorder_node import DatasetRecorderParameters
from segformer_ros.nodes.evaluation_parameters import EvaluationParameters
from segformer_ros.nodes.grid_parameters import GridParameters
from segformer_ros.nodes.parameters import Parameters
from segformer_ros.nodes.recorder_node import RecorderParameters
from segformer_ros.nodes.replay_node import ReplayParameters
from segformer_ros.nodes.viewer_node import ViewerParameters
from segformer_ros.nodes.world_parameters import WorldParameters

PAGE = Path(__file__).with_name('parameters.md')
# Node, what it does, its parameters.
NODES: tuple[tuple[str, str, type], ...] = (
    ('segformer_node', 'Labels and depth from camera images.', Parameters),
    ('grid_node', 'Publishes how drivable the ground is, from labels and depth.', GridParameters),
    (
        'evaluation_node',
        'Evaluates labels and depth against ground truth, live.',
        EvaluationParameters,
    ),
    ('viewer_node', 'Shows results in the browser, live.', ViewerParameters),
    ('recorder_node', 'Records topics as a bag.', RecorderParameters),
    ('replay_node', 'Plays a bag, or a video as a camera.', ReplayParameters),
    ('world_node', 'Publishes the built-in world with its ground truth.', WorldParameters),
    ('carla_world_node', 'Drives a vehicle with its sensors in CARLA.', CarlaWorldParameters),
    (
        'dataset_recorder_node',
        'Records images with their ground truth as a dataset.',
        DatasetRecorderParameters,
    ),
)
_START = """# Parameters

`python docs/generate_parameters.py` writes this page from the parameter classes of the nodes.
`config/segformer.yaml` holds the parameters of `segformer_node` at their defaults. For parameters
with a yes under "at run time", `ros2 param set` works. The other nodes read theirs at start-up.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    parts = [_START]
    for name, what, kind in NODES:
        parts.append(f'## {name}\n\n{what}\n\n{_table(kind)}\n')
    return '\n'.join(parts)


def _table(kind: type) -> str:
    changes = any(not item.metadata['fixed'] for item in fields(kind))
    heads = ['parameter', 'default', 'values', *(['at run time'] if changes else []), 'meaning']
    rows = [heads, ['---'] * len(heads)]
    for item in fields(kind):
        when = ['no' if item.metadata['fixed'] else 'yes'] if changes else []
        default = f'`{_as_yaml(item.default)}`'
        rows.append(
            [f'`{item.name}`', default, _values(item), *when, item.metadata['description']]
        )
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def _values(item: Field[Any]) -> str:
    if item.metadata['one_of']:
        return ', '.join(map(str, item.metadata['one_of']))
    if item.metadata['between'] is not None:
        low, high = item.metadata['between']
        return f'{_number(low)} to {_number(high)}'
    return {bool: 'true, false', str: 'text', tuple: 'list of text'}[type(item.default)]


def _number(value: float) -> str:
    return f'{value:.0f}' if float(value).is_integer() else f'{value:g}'


def _as_yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    return repr(value) if value == '' else f'{value}'


if __name__ == '__main__':
    PAGE.write_text(page(), encoding='utf-8')
