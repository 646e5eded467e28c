# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Start segformer_node in CARLA, with its ROS bridge, without it, or next to somebody else's."""

import json
import os

from ament_index_python.packages import get_package_share_directory, PackageNotFoundError
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    EqualsSubstitution,
    LaunchConfiguration,
    NotEqualsSubstitution,
    PathJoinSubstitution,
    PythonExpression,
)
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

_SHARE = FindPackageShare('segformer_ros')
_BRIDGES = {
    'jazzy': 'branch ika/0.9.16 of https://github.com/ika-rwth-aachen/carla-ros-bridge, '
    'for CARLA 0.9.16',
}
_NO_BRIDGE = 'no bridge is known for this ROS, use carla_mode:=native with CARLA 0.9.16 or later'
# The node says which of those without a type is of another one than it expects.
_WORLD = {
    'host': str,
    'port': None,
    'timeout': None,
    'town': str,
    'synchronous_mode': None,
    'fixed_delta_seconds': None,
    'passive': None,
    'role_name': str,
    'objects_definition_file': str,
    'autopilot': None,
    'seed': None,
}
_EVALUATION = ('label_sensor', 'depth_sensor', 'coding', 'tag_table', 'label_set', 'report')
_STATS = 'segformer_node/frame_stats'
_RESULTS = (
    'label/image',
    'label/camera_info',
    'depth/image',
    'depth/camera_info',
    'depth/relative/image',
    'depth/relative/camera_info',
)


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the nodes."""
    # The included file comes first: it sets the environment that large images need, for the
    # bridge too.
    return LaunchDescription(
        [
            *_declared_arguments(),
            _segformer(),
            _evaluation(),
            _recorder(),
            _dataset_recorder(),
            _world(),
            _bridge(),
        ]
    )


def _vehicle_topic(name: str) -> list:
    return ['/carla/', LaunchConfiguration('role_name'), f'/{name}']


def _camera_topic(name: str) -> list:
    return [*_vehicle_topic(''), LaunchConfiguration('camera'), name]


def _several_cameras(several: list, one: list) -> PythonExpression:
    """Choose by the argument `cameras`, whose list has no name in it for one camera."""
    names = ['"""', LaunchConfiguration('cameras'), r'''""".strip("[]'\" ")''']
    return PythonExpression(["'", *several, "' if ", *names, " else '", *one, "'"])


def _result(name: str) -> PythonExpression:
    """Name a result: of one camera without a namespace, of several next to each of them."""
    return _several_cameras(_camera_topic(f'/{name}'), [f'/{name}'])


def _segformer() -> IncludeLaunchDescription:
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution([_SHARE, 'launch', 'segformer.launch.py'])
        ),
        launch_arguments={
            'model': LaunchConfiguration('model'),
            'backend': LaunchConfiguration('backend'),
            'params_file': LaunchConfiguration('params_file'),
            'cameras': LaunchConfiguration('cameras'),
            'namespace': _several_cameras(['carla/', LaunchConfiguration('role_name')], []),
            'image': _several_cameras([], _camera_topic('/image')),
            'camera_info': _several_cameras([], _camera_topic('/camera_info')),
            'camera_fov_deg': LaunchConfiguration('camera_fov_deg'),
            'use_sim_time': 'true',
            'rviz': LaunchConfiguration('rviz'),
            'viewer': LaunchConfiguration('viewer'),
            'frame': PythonExpression(
                [
                    # CARLA itself leaves the name of the vehicle out.
                    *("'", LaunchConfiguration('camera'), "' if '"),
                    *(LaunchConfiguration('coding'), "' == 'native' else '"),
                    *(LaunchConfiguration('role_name'), '/', LaunchConfiguration('camera'), "'"),
                ]
            ),
        }.items(),
    )


def _evaluation() -> Node:
    values = {
        name: ParameterValue(LaunchConfiguration(name), value_type=str)
        for name in ('role_name', *_EVALUATION)
    }
    return Node(
        package='segformer_ros',
        executable='evaluation_node',
        parameters=[{**values, 'use_sim_time': True}],
        remappings=[
            ('camera_info', _camera_topic('/camera_info')),
            *((name, _result(name)) for name in ('label/image', 'label/classes', 'depth/image')),
            (_STATS, _several_cameras(_vehicle_topic(_STATS), [f'/{_STATS}'])),
        ],
        output='screen',
        on_exit=_on_exit,
        condition=IfCondition(LaunchConfiguration('evaluate')),
    )


def _recorder() -> Node:
    topics = [
        _camera_topic('/image'),
        _camera_topic('/camera_info'),
        *([*_vehicle_topic(''), LaunchConfiguration(name), '/image'] for name in _EVALUATION[:2]),
        _vehicle_topic('odometry'),
        *([_result(name)] for name in _RESULTS),
        ['/clock'],
        ['/tf'],
    ]
    text = ['[', *(part for topic in topics for part in (*topic, ', ')), ']']
    return Node(
        package='segformer_ros',
        executable='recorder_node',
        parameters=[
            {
                'topics': ParameterValue(text, value_type=list[str]),
                'output': ParameterValue(LaunchConfiguration('record'), value_type=str),
                'use_sim_time': True,
            }
        ],
        output='screen',
        on_exit=_on_exit,
        condition=IfCondition(NotEqualsSubstitution(LaunchConfiguration('record'), '')),
    )


def _dataset_recorder() -> Node:
    names = ('role_name', 'camera', *_EVALUATION[:4], 'dataset')
    values = {name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in names}
    values['split'] = ParameterValue(LaunchConfiguration('dataset_split'), value_type=str)
    values['every'] = ParameterValue(LaunchConfiguration('dataset_every'))
    values['camera_fov_deg'] = ParameterValue(LaunchConfiguration('camera_fov_deg'))
    return Node(
        package='segformer_ros',
        executable='dataset_recorder_node',
        parameters=[{**values, 'use_sim_time': True}],
        output='screen',
        on_exit=_on_exit,
        condition=IfCondition(NotEqualsSubstitution(LaunchConfiguration('dataset'), '')),
    )


def _world() -> Node:
    return Node(
        package='segformer_ros',
        executable='carla_world_node',
        parameters=[
            {
                name: ParameterValue(LaunchConfiguration(name), value_type=kind)
                for name, kind in _WORLD.items()
            }
        ],
        output='screen',
        on_exit=_at_the_end,
        condition=IfCondition(EqualsSubstitution(LaunchConfiguration('carla_mode'), 'native')),
    )


def _on_exit(event: object, context: object) -> None:
    """End everything, with an error, when a node has failed."""
    if event.returncode and not context.is_shutdown:
        raise RuntimeError(f'{event.process_name} has failed: see its last line')


def _at_the_end(event: object, context: object) -> Shutdown:
    """End everything when the node has ended."""
    _on_exit(event, context)
    return Shutdown(reason='CARLA is left')


def _bridge() -> OpaqueFunction:
    condition = IfCondition(EqualsSubstitution(LaunchConfiguration('carla_mode'), 'bridge'))
    return OpaqueFunction(function=_include_bridge, condition=condition)


def _include_bridge(context: object) -> list[IncludeLaunchDescription]:
    """Look for the bridge only now: this package is built and used without it."""
    _check_role_name(context)
    role = LaunchConfiguration('role_name')
    arguments = {
        'carla_ros_bridge': {
            **{
                name: LaunchConfiguration(name)
                for name in ('host', 'port', 'timeout', 'passive', 'synchronous_mode')
            },
            'fixed_delta_seconds': LaunchConfiguration('fixed_delta_seconds'),
            'town': PythonExpression(["'", LaunchConfiguration('town'), "' or 'Town01'"]),
            'ego_vehicle_role_name': role,
        },
        'carla_spawn_objects': {
            'objects_definition_file': LaunchConfiguration('objects_definition_file'),
        },
    }
    included = []
    for package, values in arguments.items():
        try:
            share = get_package_share_directory(package)
        except PackageNotFoundError as error:
            place = _BRIDGES.get(os.environ.get('ROS_DISTRO', ''), _NO_BRIDGE)
            raise RuntimeError(f'carla_mode:=bridge needs {package}: {place}') from error
        source = PythonLaunchDescriptionSource(f'{share}/{package}.launch.py')
        included.append(IncludeLaunchDescription(source, launch_arguments=values.items()))
    return included


def _check_role_name(context: object) -> None:
    """See that the topics will have the name that is listened to: the bridge takes the id."""
    role_name = LaunchConfiguration('role_name').perform(context)
    path = LaunchConfiguration('objects_definition_file').perform(context)
    try:
        with open(path, encoding='utf-8') as file:
            objects = json.load(file)['objects']
        ids = [item['id'] for item in objects if item['type'].startswith('vehicle.')]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f'expected the vehicle and its sensors in {path}: {error}') from error
    if role_name not in ids:
        raise RuntimeError(
            f'carla_mode:=bridge names the topics after the id of the vehicle: expected role_name '
            f'to be one of {", ".join(ids) or "none"} in {path}, found {role_name}; pass '
            f'role_name:={next(iter(ids), "ID")}, or change the id there'
        )


def _declared_arguments() -> list[DeclareLaunchArgument]:
    native = EqualsSubstitution(LaunchConfiguration('carla_mode'), 'native')
    objects = PathJoinSubstitution([_SHARE, 'config', 'carla_objects.json'])
    rows = (
        (
            'carla_mode',
            'attach',
            ('bridge', 'native', 'attach'),
            'bridge: start the ROS bridge; native: let CARLA publish (--ros2); attach: neither.',
        ),
        ('host', 'localhost', 'Host that CARLA runs on.'),
        ('port', '2000', 'TCP port of CARLA.'),
        ('timeout', '20.0', 'Maximum wait for CARLA in seconds; loading a map takes longest.'),
        ('town', '', 'Map, e.g. Town03; if empty, the bridge loads Town01, native mode none.'),
        (
            'synchronous_mode',
            'true',
            'Synchronous mode: the world waits for every step of the client.',
        ),
        (
            'fixed_delta_seconds',
            '0.05',
            'Simulated seconds per step; the physics needs less than 0.1.',
        ),
        ('passive', 'false', 'Another client ticks the world.'),
        ('role_name', 'ego_vehicle', 'Role name of the vehicle: its id in the objects file.'),
        ('objects_definition_file', objects, 'Objects file with the vehicle and its sensors.'),
        ('autopilot', 'true', 'Let the traffic manager drive (native).'),
        ('seed', '3', 'Seed of the start position and of the traffic manager (native).'),
        ('camera', 'rgb_front', 'Id of the camera that is labelled and evaluated.'),
        (
            'cameras',
            "['']",
            'Ids of several cameras, e.g. [rgb_front, rgb_back]; results appear next to each.',
        ),
        ('label_sensor', 'semantic_segmentation_front', 'Id of the ground-truth label sensor.'),
        ('depth_sensor', 'depth_front', 'Id of the ground-truth depth sensor.'),
        (
            'coding',
            PythonExpression(["'native' if '", native, "' == 'true' else 'bridge'"]),
            ('bridge', 'native'),
            'Coding of the ground-truth labels: bridge (colours) or native (tags); follows '
            'carla_mode.',
        ),
        (
            'tag_table',
            'auto',
            ('auto', 't1', 't2', 't3', 't3_ue5'),
            'Tag table of CARLA: t1 up to 0.9.9, t2 to 0.9.13, t3 to 0.9.16, t3_ue5 for '
            '0.10; auto asks the installed client.',
        ),
        (
            'camera_fov_deg',
            '0.0',
            'Horizontal field of view in degrees, overriding camera_info; 0 = use camera_info.',
        ),
        ('model', 'world_b0_fast', 'Network: name of a shipped one, or path of a bundle.'),
        ('label_set', 'carla_0914', 'Label set of the network.'),
        ('backend', 'auto', 'Inference backend; auto takes the best that is installed.'),
        ('params_file', '', 'YAML with further parameters of segformer_node.'),
        ('evaluate', 'true', 'Evaluate labels and depth against ground truth.'),
        ('report', '', 'Folder for CSV, JSON and a plot at the end of the evaluation.'),
        (
            'record',
            '',
            'Folder of a new bag for camera, ground truth and results; empty = no recording.',
        ),
        (
            'dataset',
            '',
            'Folder of a dataset to which this drive is added as a route; empty = none.',
        ),
        ('dataset_split', 'train', ('train', 'val', 'test'), 'Split of that route.'),
        ('dataset_every', '10', 'Keep every n-th frame for the dataset.'),
        ('rviz', 'false', 'Show everything in RViz.'),
        ('viewer', 'false', 'Show everything in the browser.'),
    )
    return [
        DeclareLaunchArgument(
            name, default_value=default, choices=next(iter(choices), None), description=description
        )
        for name, default, *choices, description in rows
    ]
