# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Start the built-in world, segformer_node on its camera, and the evaluation of the results."""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

_CAMERA = '/carla/ego_vehicle/rgb_front'
# The node says which of those without a type is of another one than it expects.
_WORLD = {
    'seed': None,
    'time_of_day': str,
    'weather': str,
    'width': None,
    'height': None,
    'rate_hz': None,
    'lock_step': None,
    'loop_frames': None,
    'max_frames': None,
}


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and the nodes."""
    segformer = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution(
                [FindPackageShare('segformer_ros'), 'launch', 'segformer.launch.py']
            )
        ),
        launch_arguments={
            'model': LaunchConfiguration('model'),
            'backend': LaunchConfiguration('backend'),
            'params_file': LaunchConfiguration('params_file'),
            'image': f'{_CAMERA}/image',
            'camera_info': f'{_CAMERA}/camera_info',
            'use_sim_time': 'true',
            'rviz': LaunchConfiguration('rviz'),
            'viewer': LaunchConfiguration('viewer'),
            'frame': 'ego_vehicle/rgb_front',
        }.items(),
    )
    world = Node(
        package='segformer_ros',
        executable='world_node',
        parameters=[
            {
                name: ParameterValue(LaunchConfiguration(name), value_type=kind)
                for name, kind in _WORLD.items()
            }
        ],
        output='screen',
        on_exit=_at_the_end,
    )
    evaluation = Node(
        package='segformer_ros',
        executable='evaluation_node',
        parameters=[
            {
                'summary': ParameterValue(LaunchConfiguration('summary'), value_type=str),
                'use_sim_time': True,
            }
        ],
        remappings=[('camera_info', f'{_CAMERA}/camera_info')],
        output='screen',
        on_exit=_on_exit,
    )
    # The included file comes first: it sets the environment that large images need.
    return LaunchDescription([*_declared_arguments(), segformer, evaluation, world])


def _on_exit(event: object, context: object) -> None:
    """End everything, with an error, when a node has failed."""
    if event.returncode and not context.is_shutdown:
        raise RuntimeError(f'{event.process_name} has failed: see its last line')


def _at_the_end(event: object, context: object) -> Shutdown:
    """End everything when the node has ended."""
    _on_exit(event, context)
    return Shutdown(reason='the drive is over')


def _declared_arguments() -> list[DeclareLaunchArgument]:
    rows = (
        ('model', 'world_b0_slim', 'Network: name of a shipped one, or path of a bundle.'),
        ('backend', 'auto', 'Inference backend; auto takes the best that is installed.'),
        ('params_file', '', 'YAML with further parameters of segformer_node.'),
        ('seed', '3', 'Seed of the world: the same seed gives the same pixels.'),
        ('time_of_day', '', 'Time of day: day, dusk, night, ...; empty = chosen by the seed.'),
        ('weather', '', 'Weather: clear, rain, fog, ...; empty = chosen by the seed.'),
        ('width', '512', 'Width of the images in pixels.'),
        ('height', '256', 'Height of the images in pixels.'),
        ('rate_hz', '10.0', 'Frames per second of simulated time.'),
        ('lock_step', 'true', 'Make the world wait for the results of every frame.'),
        (
            'loop_frames',
            '0',
            'Number of frames to render in advance and then repeat; 0 = render while driving.',
        ),
        ('max_frames', '0', 'Exit after this many frames; 0 = drive until Ctrl-C.'),
        ('summary', '', 'JSON file for the figures at the end.'),
        ('rviz', 'false', 'Show everything in RViz.'),
        ('viewer', 'false', 'Show everything in the browser.'),
    )
    return [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, default, description in rows
    ]
