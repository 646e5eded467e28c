# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Start segformer_node on the images of one or several cameras, and RViz if wanted."""

from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import (
    EnvironmentVariable,
    EqualsSubstitution,
    LaunchConfiguration,
    PathJoinSubstitution,
    PythonExpression,
)
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

_CONFIG = PathJoinSubstitution([FindPackageShare('segformer_ros'), 'config'])
_OUTPUTS = (
    'label/image',
    'label/color/image',
    'overlay/image',
    'depth/image',
    'depth/camera_info',
    'depth/points',
)


def generate_launch_description() -> LaunchDescription:
    """Give the arguments, the environment and the nodes."""
    image, camera_info = LaunchConfiguration('image'), LaunchConfiguration('camera_info')
    arguments = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, kind in (
            ('model', str),
            ('backend', str),
            ('camera_fov_deg', float),
            ('use_sim_time', bool),
        )
    }
    # Lists: launch reads the text of an argument as YAML.
    for name in ('cameras', 'camera_info_topics'):
        arguments[name] = ParameterValue(LaunchConfiguration(name), value_type=list[str])
    no_file = EqualsSubstitution(LaunchConfiguration('params_file'), '')
    common = {
        'package': 'segformer_ros',
        'executable': 'segformer_node',
        'namespace': LaunchConfiguration('namespace'),
        'remappings': [('image', image), ('camera_info', camera_info)],
        'output': 'screen',
    }
    return LaunchDescription(
        [
            *_declared_arguments(),
            _large_images(),
            Node(**common, parameters=[arguments], condition=IfCondition(no_file)),
            Node(
                **common,
                parameters=[arguments, LaunchConfiguration('params_file')],
                condition=UnlessCondition(no_file),
            ),
            Node(
                package='rviz2',
                executable='rviz2',
                namespace=LaunchConfiguration('namespace'),
                arguments=['-d', [_CONFIG, '/segformer.rviz'], '-f', LaunchConfiguration('frame')],
                parameters=[{'use_sim_time': arguments['use_sim_time']}],
                # The topics in the file are absolute; these are the same ones in the namespace.
                remappings=[
                    ('/image', image),
                    ('/camera_info', camera_info),
                    *((f'/{name}', name) for name in _OUTPUTS),
                ],
                condition=IfCondition(LaunchConfiguration('rviz')),
            ),
        ]
    )


def _declared_arguments() -> list[DeclareLaunchArgument]:
    sibling = PythonExpression(
        ["'/'.join('", LaunchConfiguration('image'), "'.split('/')[:-1] + ['camera_info'])"]
    )
    rows = (
        ('model', 'world_b0_fast', 'The network: name of one that ships, or path of a bundle.'),
        ('backend', 'auto', 'What runs the network; auto takes the best that is installed.'),
        ('cameras', "['']", 'Names of the cameras, such as [front, left]; one is enough without.'),
        ('namespace', '', 'Namespace of the node and of its outputs.'),
        ('image', 'image', 'Topic of the camera image (where there is one camera).'),
        ('camera_info', sibling, 'Topic of its camera_info; the sibling of the image if not set.'),
        ('camera_info_topics', "['']", 'Topics of camera_info of several cameras, one for each.'),
        ('camera_fov_deg', '0.0', 'Horizontal field of view in place of camera_info; 0 is not.'),
        ('params_file', '', 'YAML with further parameters; it wins over these arguments.'),
        ('use_sim_time', 'false', 'Take the time from /clock.'),
        ('rviz', 'false', 'Show everything in RViz.'),
        ('frame', 'camera_optical_frame', 'Fixed frame of RViz: frame_id of the images.'),
    )
    return [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in rows
    ]


def _large_images() -> SetEnvironmentVariable:
    """Let large images through between processes, unless the user has a profile already."""
    profile = EnvironmentVariable(
        'FASTRTPS_DEFAULT_PROFILES_FILE', default_value=[_CONFIG, '/fastdds_large_images.xml']
    )
    return SetEnvironmentVariable('FASTRTPS_DEFAULT_PROFILES_FILE', profile)
