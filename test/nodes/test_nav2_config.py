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


# What nav2_costmap_2d and nav2_lifecycle_manager 1.5.0 declare, of navigation2 at a3a9704:
# costmap_2d_ros.cpp, plugins/{static,obstacle,voxel,inflation}_layer.cpp, lifecycle_manager.cpp.
COSTMAP = """
    always_send_full_costmap filters footprint footprint_padding global_frame height
    initial_transform_timeout inscribed_obstacle_cost_value lethal_cost_threshold map_vis_z
    origin_x origin_y plugins publish_frequency resolution robot_base_frame robot_radius
    rolling_window subscribe_to_stamped_footprint track_unknown_space transform_tolerance
    trinary_costmap unknown_cost_value update_frequency use_maximum width
"""
LAYERS = {
    'nav2_costmap_2d::StaticLayer': """
        enabled subscribe_to_updates footprint_clearing_enabled restore_cleared_footprint
        map_topic map_subscribe_transient_local
    """,
    'nav2_costmap_2d::VoxelLayer': """
        enabled footprint_clearing_enabled min_obstacle_height max_obstacle_height
        combination_method observation_sources tf_filter_tolerance z_voxels origin_z
        z_resolution unknown_threshold mark_threshold publish_voxel_map
    """,
    'nav2_costmap_2d::InflationLayer': """
        enabled inflation_radius custom_inscribed_radius cost_scaling_factor inflate_unknown
        inflate_around_unknown num_threads
    """,
}
OBSERVATIONS = """
    topic sensor_frame observation_persistence expected_update_rate data_type min_obstacle_height
    max_obstacle_height inf_is_valid marking clearing transport_type obstacle_max_range
    obstacle_min_range raytrace_max_range raytrace_min_range
"""
MANAGER = """
    node_names autostart bond_timeout service_timeout bond_respawn_max_duration
    attempt_respawn_reconnection bond_heartbeat_period
"""
UNKNOWN, LETHAL = 255, 254
CONTROLLER_PATIENCE_S = 0.30


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


def test_nav2_knows_every_name(config):
    """One that it does not declare would be ignored without a word."""
    costmap = config['local_costmap']['local_costmap']['ros__parameters']
    plain = {name for name, value in costmap.items() if not isinstance(value, dict)}
    assert plain <= set(COSTMAP.split())
    for layer in costmap['plugins']:
        values = dict(costmap[layer])
        known = set(LAYERS[values.pop('plugin')].split())
        for source in values.get('observation_sources', '').split():
            assert values.pop(source).keys() <= set(OBSERVATIONS.split())
        assert values.keys() <= known
    manager = config['lifecycle_manager_segformer']['ros__parameters']
    assert manager.keys() <= set(MANAGER.split())


def static_layer(value, before, costmap):
    """Return a cell of a rolling window after StaticLayer::updateCosts, by interpretValue."""
    threshold = costmap['lethal_cost_threshold']
    if value == -1:
        cost = UNKNOWN if costmap['track_unknown_space'] else 0
    elif value == 99:
        cost = LETHAL - 1
    elif value >= threshold:
        cost = LETHAL
    else:
        cost = 0 if costmap['trinary_costmap'] else int(value / threshold * LETHAL)
    return max(cost, before) if costmap['use_maximum'] else cost


def test_the_grid_reaches_the_costmap(config):
    """Free, graded, lethal and unknown cells arrive as such in a window that was reset."""
    costmap = config['local_costmap']['local_costmap']['ros__parameters']
    before = UNKNOWN if costmap['track_unknown_space'] else 0
    found = [static_layer(value, before, costmap) for value in (0, 50, 100, -1)]
    assert found == [0, 127, LETHAL, UNKNOWN]
    # It sets what other layers have said before.
    assert costmap['plugins'][0] == 'semantic_layer'


def test_the_controller_waits_for_a_new_grid_only_briefly(config):
    """The static layer is not current from a new grid until the next update."""
    costmap = config['local_costmap']['local_costmap']['ros__parameters']
    assert 2 / costmap['update_frequency'] < CONTROLLER_PATIENCE_S
    assert costmap['update_frequency'] > config['grid_node']['ros__parameters']['rate_hz']
