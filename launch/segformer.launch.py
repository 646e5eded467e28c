# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Start segformer_node on the images of one or several cameras, with RViz or viewer if wanted."""

import os

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
import yaml

from launch import LaunchDescription

_CONFIG = PathJoinSubstitution([FindPackageShare('segformer_ros'), 'config'])
_OUTPUTS = (
    'label/image',
    'label/color/image',
    'overlay/image',
    'depth/image',
    'depth/camera_info',
    'depth/confidence/image',
    'depth/points',
)
# Arguments of a file that includes this one.
_TRUTH = {
    'role_name': 'ego_vehicle',
    'label_sensor': 'semantic_segmentation_front',
    'depth_sensor': 'depth_front',
    'coding': 'bridge',
    'tag_table': 't3',
}
_YES_OR_NO = ('true', 'false', 'True', 'False')


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, the environment and the nodes."""
    return LaunchDescription(
        [*_declared_arguments(), *_large_images(), OpaqueFunction(function=_nodes)]
    )


def _nodes(context: object) -> list[Node]:
    """Return the nodes, or a sentence about the argument that is wrong."""
    cameras = _names(context, 'cameras')
    image, camera_info = _text(context, 'image'), _text(context, 'camera_info')
    if cameras and (image or camera_info):
        raise RuntimeError(
            f'image and camera_info are for one camera: with cameras:=[{", ".join(cameras)}] the '
            f'node takes {cameras[0]}/image and so on (camera_info_topics names other places)'
        )
    image = image or 'image'
    raw = image.removesuffix('/compressed')
    # The sibling, as image_transport has it.
    camera_info = camera_info or '/'.join([*raw.split('/')[:-1], 'camera_info'])
    return [
        _segformer(context, raw, camera_info),
        _rviz(cameras, raw, camera_info),
        _viewer(cameras, _names(context, 'camera_info_topics'), raw, camera_info),
    ]


def _segformer(context: object, image: str, camera_info: str) -> Node:
    text = {
        name: ParameterValue(LaunchConfiguration(name), value_type=str)
        for name in ('model', 'backend', 'transport')
    }
    # The node says which of these is of another type than it expects.
    others = {
        name: ParameterValue(LaunchConfiguration(name))
        for name in ('camera_fov_deg', 'use_sim_time')
    }
    lists = {name: _names(context, name) or [''] for name in ('cameras', 'camera_info_topics')}
    path = _text(context, 'params_file')
    if path and not os.path.isfile(path):
        raise RuntimeError(f'expected a YAML file in params_file, found none at {path}')
    return Node(
        package='segformer_ros',
        executable='segformer_node',
        namespace=LaunchConfiguration('namespace'),
        parameters=[{**text, **others, **lists}, *([path] if path else [])],
        remappings=[
            ('image', image),
            ('image/compressed', f'{image}/compressed'),
            ('camera_info', camera_info),
        ],
        output='screen',
        on_exit=_on_exit,
    )


def _rviz(cameras: list[str], image: str, camera_info: str) -> Node:
    """Show the first camera."""
    start = f'{cameras[0]}/' if cameras else ''
    return Node(
        package='rviz2',
        executable='rviz2',
        namespace=LaunchConfiguration('namespace'),
        arguments=['-d', [_CONFIG, '/segformer.rviz'], '-f', LaunchConfiguration('frame')],
        parameters=[{'use_sim_time': ParameterValue(LaunchConfiguration('use_sim_time'))}],
        # The topics in the file are absolute; these are the same ones in the namespace.
        remappings=[
            ('/image', f'{start}image' if cameras else image),
            ('/camera_info', f'{start}camera_info' if cameras else camera_info),
            *((f'/{name}', f'{start}{name}') for name in _OUTPUTS),
        ],
        output='screen',
        condition=IfCondition(LaunchConfiguration('rviz')),
    )


def _viewer(cameras: list[str], infos: list[str], image: str, camera_info: str) -> Node:
    """Show every camera in the browser, with the ground truth that a file around this has."""
    truth = {
        name: ParameterValue(LaunchConfiguration(name, default=default), value_type=str)
        for name, default in _TRUTH.items()
    }
    others = {
        name: ParameterValue(LaunchConfiguration(name))
        for name in ('camera_fov_deg', 'use_sim_time')
    }
    transport = ParameterValue(LaunchConfiguration('transport'), value_type=str)
    places = [('image', image), ('camera_info', camera_info)]
    if cameras:
        pairs = zip(cameras, infos, strict=False)
        places = [(f'{name}/camera_info', info) for name, info in pairs if info]
    return Node(
        package='segformer_ros',
        executable='viewer_node',
        namespace=LaunchConfiguration('namespace'),
        parameters=[{'transport': transport, 'cameras': cameras or [''], **others, **truth}],
        remappings=places,
        output='screen',
        on_exit=_on_exit,
        condition=IfCondition(LaunchConfiguration('viewer')),
    )


def _on_exit(event: object, context: object) -> None:
    """End everything, with an error, when the node has failed."""
    if event.returncode and not context.is_shutdown:
        raise RuntimeError(f'{event.process_name} has failed: see its last line')


def _text(context: object, name: str) -> str:
    return LaunchConfiguration(name).perform(context)


def _names(context: object, name: str) -> list[str]:
    """Read a list of names; none but empty ones stand for no list."""
    text = _text(context, name)
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise RuntimeError(
            f'expected names in brackets in {name}, such as {name}:=[front, left], found '
            f'{text!r}; leave {name} out for one camera'
        )
    return found if any(found) else []


def _declared_arguments() -> list[DeclareLaunchArgument]:
    rows = (
        ('model', 'road_b0', 'Network: name of a shipped one, or path of a bundle.'),
        ('backend', 'auto', 'Inference backend; auto takes the best that is installed.'),
        (
            'cameras',
            "['']",
            'Camera namespaces, e.g. [front, left]. Leave empty for a single camera.',
        ),
        ('namespace', '', 'Namespace of the node and of its outputs.'),
        ('image', '', 'Topic of the camera image (single camera); default: image.'),
        ('camera_info', '', 'Topic of its camera_info; default: the one next to the image.'),
        (
            'camera_info_topics',
            "['']",
            'Topics of camera_info of several cameras, one per camera.',
        ),
        (
            'camera_fov_deg',
            '0.0',
            'Horizontal field of view in degrees, overriding camera_info; 0 = use camera_info.',
        ),
        (
            'transport',
            'raw',
            'raw, or compressed: the images at IMAGE/compressed.',
            ('raw', 'compressed'),
        ),
        ('params_file', '', 'YAML with further parameters; it overrides these arguments.'),
        ('use_sim_time', 'false', 'Take the time from /clock.', _YES_OR_NO),
        (
            'rviz',
            'false',
            'Show everything in RViz; with several cameras, the first one.',
            _YES_OR_NO,
        ),
        (
            'viewer',
            'false',
            'Show everything in the browser; several cameras next to each other.',
            _YES_OR_NO,
        ),
        ('frame', 'camera_optical_frame', 'Fixed frame of RViz: frame_id of the images.'),
    )
    return [
        DeclareLaunchArgument(
            name, default_value=default, description=description, choices=next(iter(choices), None)
        )
        for name, default, description, *choices in rows
    ]


def _large_images() -> list[SetEnvironmentVariable]:
    """
    Let large images through between processes, unless the user has a profile already.

    Jazzy reads the first name alone; later distributions call it deprecated and read the second.
    Another RMW than Fast DDS reads neither.
    """
    first, second = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'
    ours = [_CONFIG, '/fastdds_large_images.xml']
    value = EnvironmentVariable(second, default_value=ours)
    return [
        SetEnvironmentVariable(first, EnvironmentVariable(first, default_value=value)),
        SetEnvironmentVariable(
            second, EnvironmentVariable(second, default_value=EnvironmentVariable(first))
        ),
    ]
