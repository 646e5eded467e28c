# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Play a bag or a video into segformer_node, and record the results if wanted."""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, Shutdown
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    LaunchConfiguration,
    NotEqualsSubstitution,
    PathJoinSubstitution,
    PythonExpression,
)
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

_PASSED_ON = (
    'model',
    'backend',
    'params_file',
    'image',
    'camera_info',
    'use_sim_time',
    'rviz',
    'frame',
)
_REPLAY = {
    'input': str,
    'topics': list[str],
    'rate': float,
    'loop': bool,
    'fov_deg': float,
    'wait_for_subscribers_s': float,
}
_RESULTS = (
    'label/image',
    'label/camera_info',
    'depth/image',
    'depth/camera_info',
)


def generate_launch_description() -> LaunchDescription:
    """Give the arguments and the nodes."""
    image, camera_info = LaunchConfiguration('image'), LaunchConfiguration('camera_info')
    segformer = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution(
                [FindPackageShare('segformer_ros'), 'launch', 'segformer.launch.py']
            )
        ),
        launch_arguments={name: LaunchConfiguration(name) for name in _PASSED_ON}.items(),
    )
    replay = Node(
        package='segformer_ros',
        executable='replay_node',
        parameters=[
            {
                'clock': ParameterValue(LaunchConfiguration('use_sim_time'), value_type=bool),
                **{
                    name: ParameterValue(LaunchConfiguration(name), value_type=kind)
                    for name, kind in _REPLAY.items()
                },
            }
        ],
        # Of a video, which has no topics; those of a bag are absolute and stay.
        remappings=[('image', image), ('camera_info', camera_info)],
        output='screen',
        on_exit=Shutdown(reason='the recording is over'),
    )
    recorder = Node(
        package='segformer_ros',
        executable='recorder_node',
        parameters=[
            {
                'topics': list(_RESULTS),
                'output': ParameterValue(LaunchConfiguration('record'), value_type=str),
            }
        ],
        output='screen',
        condition=IfCondition(NotEqualsSubstitution(LaunchConfiguration('record'), '')),
    )
    # The included file comes first: it sets the environment that large images need.
    return LaunchDescription([*_declared_arguments(), segformer, recorder, replay])


def _declared_arguments() -> list[DeclareLaunchArgument]:
    sibling = PythonExpression(
        ["'/'.join('", LaunchConfiguration('image'), "'.split('/')[:-1] + ['camera_info'])"]
    )
    rows = (
        ('input', '', 'A rosbag2 (folder, .mcap, .db3) or a video file.'),
        ('record', '', 'Folder of a new bag for labels and depth; empty records nothing.'),
        ('image', 'image', 'Topic of the camera image; in a bag, the one to label.'),
        ('camera_info', sibling, 'Topic of its camera_info; the sibling of the image if not set.'),
        ('topics', "['']", 'Of a bag, those to play, such as [/front/image]; all if not set.'),
        ('rate', '1.0', 'How much faster than recorded.'),
        ('loop', 'false', 'Begin again at the end.'),
        ('fov_deg', '0.0', 'Horizontal field of view of a video; 0 is unknown.'),
        ('wait_for_subscribers_s', '10.0', 'Longest wait for the network before it begins.'),
        ('use_sim_time', 'false', 'Play the time of a bag too, and let the node use it.'),
        ('model', 'world_b0_fast', 'The network: name of one that ships, or path of a bundle.'),
        ('backend', 'auto', 'What runs the network; auto takes the best that is installed.'),
        ('params_file', '', 'YAML with further parameters of segformer_node.'),
        ('rviz', 'false', 'Show everything in RViz.'),
        ('frame', 'camera_optical', 'Fixed frame of RViz: frame_id of the images.'),
    )
    return [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in rows
    ]
