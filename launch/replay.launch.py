# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Play a bag or a video into segformer_node, and record the results if wanted."""

from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    LaunchConfiguration,
    NotEqualsSubstitution,
    PathJoinSubstitution,
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
    'transport',
    'use_sim_time',
    'rviz',
    'viewer',
    'frame',
)
# The node says which of those without a type is of another one than it expects.
_REPLAY = {
    'input': str,
    'topics': None,
    'rate': None,
    'loop': None,
    'camera_fov_deg': None,
    'wait_for_subscribers_s': None,
}
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
    segformer = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution(
                [FindPackageShare('segformer_ros'), 'launch', 'segformer.launch.py']
            )
        ),
        launch_arguments={name: LaunchConfiguration(name) for name in _PASSED_ON}.items(),
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
        on_exit=_on_exit,
        condition=IfCondition(NotEqualsSubstitution(LaunchConfiguration('record'), '')),
    )
    # The included file comes first: it sets the environment that large images need.
    replay = OpaqueFunction(function=_replay)
    return LaunchDescription([*_declared_arguments(), segformer, recorder, replay])


def _replay(context: object) -> list[Node]:
    image, record = (LaunchConfiguration(name).perform(context) for name in ('image', 'record'))
    camera_info = LaunchConfiguration('camera_info').perform(context)
    image = (image or 'image').removesuffix('/compressed')
    node = Node(
        package='segformer_ros',
        executable='replay_node',
        parameters=[
            {
                'clock': ParameterValue(LaunchConfiguration('use_sim_time')),
                # Of a video the image has its own name, and is remapped.
                'image': ParameterValue(image, value_type=str),
                'subscriber': 'segformer_node',
                'recorded': list(_RESULTS) if record else [''],
                **{
                    name: ParameterValue(LaunchConfiguration(name), value_type=kind)
                    for name, kind in _REPLAY.items()
                },
            }
        ],
        # Of a video, which has no topics; those of a bag are absolute and stay.
        remappings=[
            ('image', image),
            ('camera_info', camera_info or '/'.join([*image.split('/')[:-1], 'camera_info'])),
        ],
        output='screen',
        on_exit=_at_the_end,
    )
    return [node]


def _on_exit(event: object, context: object) -> None:
    """End everything, with an error, when a node has failed."""
    if event.returncode and not context.is_shutdown:
        raise RuntimeError(f'{event.process_name} has failed: see its last line')


def _at_the_end(event: object, context: object) -> Shutdown:
    """End everything when the node has ended."""
    _on_exit(event, context)
    return Shutdown(reason='the recording is over')


def _declared_arguments() -> list[DeclareLaunchArgument]:
    rows = (
        ('input', '', 'Input: a rosbag2 (folder, .mcap, .db3) or a video file.'),
        ('record', '', 'Folder of a new bag for labels and depth; empty = no recording.'),
        ('image', '', 'Topic of the camera image (in a bag, the one to label); default: image.'),
        ('transport', 'raw', 'Images of a bag to label: raw or compressed.'),
        ('camera_info', '', 'Topic of its camera_info; default: the one next to the image.'),
        ('topics', "['']", 'Topics of a bag to play, e.g. [/front/image]; default: all.'),
        ('rate', '1.0', 'Playback rate relative to the recording.'),
        ('loop', 'false', 'Start over at the end.'),
        ('camera_fov_deg', '0.0', 'Horizontal field of view of a video in degrees; 0 = unknown.'),
        (
            'wait_for_subscribers_s',
            '60.0',
            'Maximum wait for the network and the recorder, in seconds.',
        ),
        ('use_sim_time', 'false', 'Also play the time of a bag, and make the node use it.'),
        ('model', 'road_b0', 'Network: name of a shipped one, or path of a bundle.'),
        ('backend', 'auto', 'Inference backend; auto takes the best that is installed.'),
        ('params_file', '', 'YAML with further parameters of segformer_node.'),
        ('rviz', 'false', 'Show everything in RViz.'),
        ('viewer', 'false', 'Show everything in the browser.'),
        ('frame', 'camera_optical', 'Fixed frame of RViz: frame_id of the images.'),
    )
    return [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in rows
    ]
