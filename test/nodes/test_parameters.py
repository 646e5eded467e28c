# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of segformer_node: one class, its file, its table, its ranges."""

from dataclasses import fields, FrozenInstanceError
from pathlib import Path

import pytest
from rcl_interfaces.msg import ParameterType
import rclpy
from rclpy.exceptions import InvalidParameterValueException
from segformer_ros.nodes.fixed_parameters import declare, read, take
from segformer_ros.nodes.parameters import Parameters, watch
import yaml

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def make_node(ros):
    """Yield nodes with overrides that are gone after the test."""
    nodes = []

    def make(arguments=(), **overrides):
        values = [rclpy.Parameter(name, value=value) for name, value in overrides.items()]
        node = rclpy.create_node('test', parameter_overrides=values, cli_args=list(arguments))
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.destroy_node()


def _refused(node, **values):
    """Set all values at once and give the reason of the refusal."""
    changes = [rclpy.Parameter(name, value=value) for name, value in values.items()]
    result = node.set_parameters_atomically(changes)
    assert not result.successful
    return result.reason


def test_defaults_are_those_of_the_class(make_node):
    """A node without a parameter file has the documented defaults."""
    node = make_node()
    declare(node, Parameters)
    assert read(node, Parameters) == Parameters()


def test_parameters_cannot_be_changed_behind_the_nodes_back():
    """A change is a new object."""
    with pytest.raises(FrozenInstanceError):
        Parameters().lazy = False


def test_file_holds_every_default_under_a_wildcard():
    """The file works for a node of any name in any namespace, and changes nothing."""
    content = yaml.safe_load((_ROOT / 'config' / 'segformer.yaml').read_text())
    assert list(content) == ['/**']
    found = content['/**']['ros__parameters']
    defaults = {item.name: item.default for item in fields(Parameters)}
    assert list(found) == list(defaults)
    lists = {name: tuple(value) for name, value in found.items() if isinstance(value, list)}
    assert found | lists == defaults


def test_node_reads_the_file(make_node):
    """Every value of the file has the type of its parameter."""
    path = _ROOT / 'config' / 'segformer.yaml'
    node = make_node(['--ros-args', '--params-file', str(path)])
    declare(node, Parameters)
    assert read(node, Parameters) == Parameters()


def test_descriptors_hold_descriptions_ranges_and_what_is_fixed(make_node):
    """The command ros2 param describe shows all of it."""
    node = make_node()
    declare(node, Parameters)
    for item in fields(Parameters):
        descriptor = node.describe_parameter(item.name)
        assert descriptor.description
        assert descriptor.read_only == item.metadata['fixed']
        limits = [*descriptor.floating_point_range, *descriptor.integer_range]
        found = [(limit.from_value, limit.to_value) for limit in limits]
        assert found == ([item.metadata['between']] if item.metadata['between'] else [])
    assert node.describe_parameter('sky_depth').additional_constraints == 'one of nan, inf, keep'
    assert node.describe_parameter('cameras').type == ParameterType.PARAMETER_STRING_ARRAY


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('threads', -1),
        ('min_depth_m', -0.1),
        ('max_depth_m', 10001.0),
        ('camera_fov_deg', 180.0),
        ('overlay_opacity', 1.1),
        ('stale_after_s', 0.0),
        ('latency_window', 9),
        ('min_depth_m', float('nan')),
    ],
)
def test_value_outside_its_range_is_refused(make_node, name, value):
    """The range is in the descriptor, so ros2 param set refuses it too."""
    with pytest.raises(InvalidParameterValueException, match=name):
        declare(make_node(**{name: value}), Parameters)


def test_value_of_another_type_is_refused(make_node):
    """The sentence names it, and says what was expected."""
    with pytest.raises(ValueError, match="max_depth_m: expected a number, found 'far'"):
        declare(make_node(max_depth_m='far'), Parameters)


def test_a_whole_number_is_a_number(make_node):
    """In ROS an integer is no double, but nobody writes 80.0."""
    node = make_node(max_depth_m=80)
    declare(node, Parameters)
    assert read(node, Parameters).max_depth_m == 80.0
    assert not node.describe_parameter('max_depth_m').dynamic_typing


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'transport': 'theora'}, 'transport must be one of raw, compressed'),
        ({'depth_encoding': '64FC1'}, 'depth_encoding must be one of 32FC1, 16UC1'),
        ({'sky_depth': 'blue'}, 'sky_depth must be one of nan, inf, keep'),
        ({'min_depth_m': 50.0, 'max_depth_m': 10.0}, 'min_depth_m .50.0. must be less'),
        ({'cameras': ['front', 'front']}, 'cameras must be different names'),
        ({'cameras': ['front', '']}, "cameras: '' is not a valid namespace"),
        ({'cameras': ['front camera']}, "cameras: 'front camera' is not a valid namespace"),
    ],
)
def test_impossible_values_are_refused(make_node, values, message):
    """Each value is of its type, but not among its choices or in contradiction to others."""
    node = make_node(**values)
    declare(node, Parameters)
    with pytest.raises(ValueError, match=message):
        read(node, Parameters)


@pytest.mark.parametrize('written', ['nan', 'inf', 'keep'])
def test_sky_depth_may_be_written_without_quotes(make_node, written):
    """The YAML of ROS takes nan and inf for numbers."""
    node = make_node(['--ros-args', '-p', f'sky_depth:={written}'])
    declare(node, Parameters)
    assert read(node, Parameters).sky_depth == written


def test_changes_are_checked_as_a_whole_and_reported(make_node):
    """Two values that only fit together are taken together, and refused alone."""
    node = make_node(max_depth_m=10.0)
    declare(node, Parameters)
    reported = []
    watch(node, reported.append, lambda values: None)

    assert 'min_depth_m (20.0) must be less' in _refused(node, min_depth_m=20.0)
    assert not reported
    changes = {'min_depth_m': 20.0, 'max_depth_m': 30.0}
    result = node.set_parameters_atomically(
        [rclpy.Parameter(name, value=value) for name, value in changes.items()]
    )
    assert result.successful
    assert reported == [Parameters(**changes)]


def test_refused_change_changes_nothing(make_node):
    """One bad value keeps the good one beside it out."""
    node = make_node()
    declare(node, Parameters)
    reported = []
    watch(node, reported.append, lambda values: None)
    assert 'depth_encoding' in _refused(node, lazy=False, depth_encoding='jpeg')
    assert read(node, Parameters) == Parameters()
    assert not reported


@pytest.mark.parametrize(
    'name', [item.name for item in fields(Parameters) if item.metadata['fixed']]
)
def test_fixed_parameter_cannot_change_while_the_node_lives(make_node, name):
    """What needs a new configuration is read-only."""
    node = make_node()
    declare(node, Parameters)
    value = node.get_parameter(name).value
    assert 'read-only' in _refused(node, **{name: value})


def test_other_parameters_are_left_alone(make_node):
    """A parameter of ROS itself can be set as ever."""
    node = make_node()
    declare(node, Parameters)
    watch(node, lambda values: pytest.fail('nothing of ours has changed'), lambda values: None)
    assert node.set_parameters([rclpy.Parameter('use_sim_time', value=True)])[0].successful


@pytest.mark.parametrize(('given', 'meant'), [(False, 'off'), ('off', 'off'), ('both', 'both')])
def test_an_unquoted_off_is_the_text(ros, given, meant):
    """YAML reads off as false, as it reads nan as a number."""
    node = rclpy.create_node(
        'parameters', parameter_overrides=[rclpy.Parameter('temporal', value=given)]
    )
    assert take(node, Parameters).temporal == meant
    node.destroy_node()


def test_true_is_no_way_to_calm_outputs(ros):
    """Only false has a meaning of its own."""
    node = rclpy.create_node(
        'parameters', parameter_overrides=[rclpy.Parameter('temporal', value=True)]
    )
    with pytest.raises(ValueError, match='temporal must be one of off, labels, both, not True'):
        take(node, Parameters)
    node.destroy_node()
