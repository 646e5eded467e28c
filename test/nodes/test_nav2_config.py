# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What config/nav2_costmap.yaml says to our nodes and to the costmap fits together."""

from dataclasses import fields
from pathlib import Path

import pytest
from segformer_ros.nodes.grid_parameters import GridParameters
from segformer_ros.nodes.parameters import Parameters
import yaml

CONFIG = Path(__file__).parents[2] / 'config' / 'nav2_costmap.yaml'


@pytest.fixture
def config():
    """Return the whole file."""
    return yaml.safe_load(CONFIG.read_text(encoding='utf-8'))


@pytest.mark.parametrize(
    ('node', 'kind'), [('segformer_node', Parameters), ('grid_node', GridParameters)]
)
def test_the_nodes_take_their_parameters(config, node, kind):
    """Every name is one of the node, and the values are accepted together."""
    values = config[node]['ros__parameters']
    assert set(values) <= {item.name for item in fields(kind)}
    kind(**values)


def test_the_costmap_reads_what_the_nodes_publish(config):
    """Frames, topics and the resolution agree, and graded costs get through."""
    grid = config['grid_node']['ros__parameters']
    costmap = config['local_costmap']['local_costmap']['ros__parameters']
    assert costmap['global_frame'] == grid['frame']
    assert costmap['robot_base_frame'] == grid['robot_frame']
    assert costmap['resolution'] == grid['resolution_m']
    assert costmap['width'] <= grid['size_m']
    assert set(costmap['plugins']) == {
        name for name, value in costmap.items() if isinstance(value, dict)
    }
    assert costmap['semantic_layer']['map_topic'] == '/drivable_grid'
    assert costmap['voxel_layer']['camera']['topic'] == '/depth/points'
    assert (costmap['trinary_costmap'], costmap['lethal_cost_threshold']) == (False, 100)
    assert config['segformer_node']['ros__parameters']['autostart'] is False
    manager = config['lifecycle_manager_segformer']['ros__parameters']
    assert manager['node_names'] == ['segformer_node']
    assert manager['bond_timeout'] == 0.0
