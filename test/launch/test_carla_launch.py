# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What carla.launch.py starts in each of its modes."""

import argparse
from importlib import import_module
import json
from pathlib import Path
import shlex

import pytest
from segformer_ros.carla.objects import read_vehicle
import stand_in
from stand_in import nodes, pairs, values

ROOT = Path(__file__).parents[2]
PROFILE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
FRONT = '/carla/ego_vehicle/rgb_front'
BRIDGE = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

NAMES = {names!r}

def generate_launch_description():
    values = {{
        name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in NAMES
    }}
    return LaunchDescription(
        [
            *(DeclareLaunchArgument(name, default_value='', description='.') for name in NAMES),
            Node(package={package!r}, executable={executable!r}, parameters=[values]),
        ]
    )
"""
FOREIGN = {
    'carla_ros_bridge': (
        'bridge',
        (
            'host', 'port', 'timeout', 'passive', 'synchronous_mode', 'fixed_delta_seconds',
            'town', 'ego_vehicle_role_name',
        ),
    ),
    'carla_spawn_objects': ('carla_spawn_objects', ('objects_definition_file',)),
}  # fmt: skip


def launch(**arguments):
    """Run the launch file."""
    path = ROOT / 'launch' / 'carla.launch.py'
    return stand_in.launch(path, share=ROOT, **arguments)


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """Return a place for packages that are installed."""
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    return tmp_path


def install(prefix, *packages):
    """Install stand-ins, with launch files where those of the bridge are."""
    for package in packages:
        executable, names = FOREIGN[package]
        index = prefix / 'share' / 'ament_index' / 'resource_index' / 'packages'
        index.mkdir(parents=True, exist_ok=True)
        (index / package).touch()
        share = prefix / 'share' / package
        share.mkdir()
        text = BRIDGE.format(package=package, executable=executable, names=names)
        (share / f'{package}.launch.py').write_text(text)


def vehicle_file(folder, name):
    """Write our objects file with another id of the vehicle, and give the argument."""
    content = json.loads((ROOT / 'config' / 'carla_objects.json').read_text())
    content['objects'][0]['id'] = name
    path = folder / 'objects.json'
    path.write_text(json.dumps(content))
    return {'objects_definition_file': str(path)}


def test_attach_starts_only_our_nodes():
    """Somebody else runs the world."""
    commands = nodes(launch())
    assert commands.keys() == {'segformer_node', 'evaluation_node'}
    assert pairs(commands['segformer_node'], '-r') == {
        'image': f'{FRONT}/image',
        'image/compressed': f'{FRONT}/image/compressed',
        'camera_info': f'{FRONT}/camera_info',
    }
    assert pairs(commands['evaluation_node'], '-r') == {
        'camera_info': f'{FRONT}/camera_info',
        'label/image': '/label/image',
        'label/classes': '/label/classes',
        'depth/image': '/depth/image',
        'segformer_node/frame_stats': '/segformer_node/frame_stats',
    }
    evaluated = values(commands['evaluation_node'])
    assert (evaluated['coding'], evaluated['tag_table'], evaluated['role_name']) == (
        'bridge', 'auto', 'ego_vehicle',
    )  # fmt: skip


def test_native_drives_through_carla():
    """The truth is then coded by CARLA itself."""
    arguments = {'town': 'Town03', 'fixed_delta_seconds': '0.02', 'role_name': 'hero'}
    context = launch(carla_mode='native', camera_fov_deg='90', **arguments)
    commands = nodes(context)
    assert commands.keys() == {'segformer_node', 'evaluation_node', 'carla_world_node'}
    world = commands['carla_world_node']
    assert world.exit(0) == 'CARLA is left'
    assert values(world) == {
        'host': 'localhost',
        'port': 2000,
        'timeout': 20.0,
        'town': 'Town03',
        'synchronous_mode': True,
        'fixed_delta_seconds': 0.02,
        'passive': False,
        'role_name': 'hero',
        'objects_definition_file': f'{ROOT}/config/carla_objects.json',
        'autopilot': True,
        'seed': 3,
    }
    assert values(commands['evaluation_node'])['coding'] == 'native'
    assert values(commands['segformer_node'])['camera_fov_deg'] == 90.0
    assert pairs(commands['segformer_node'], '-r')['image'] == '/carla/hero/rgb_front/image'


def test_bridge_starts_the_bridge_and_the_vehicle(prefix):
    """With our arguments, and with the profile without which images are lost."""
    install(prefix, *FOREIGN)
    arguments = {'port': '2100', 'role_name': 'hero', **vehicle_file(prefix, 'hero')}
    commands = nodes(launch(carla_mode='bridge', **arguments))
    assert commands.keys() == {
        'segformer_node', 'evaluation_node', 'bridge', 'carla_spawn_objects',
    }  # fmt: skip
    bridge = commands['bridge']
    assert pairs(bridge, '-p') == {
        'host': '"localhost"',
        'port': '"2100"',
        'timeout': '"20.0"',
        'passive': '"false"',
        'synchronous_mode': '"true"',
        'fixed_delta_seconds': '"0.05"',
        'town': '"Town01"',
        'ego_vehicle_role_name': '"hero"',
    }
    objects = values(commands['carla_spawn_objects'])['objects_definition_file']
    assert read_vehicle(Path(objects)).id == 'hero'
    for command in commands.values():
        assert command.environment[PROFILE] == f'{ROOT}/config/fastdds_large_images.xml'


@pytest.mark.parametrize(
    ('distribution', 'installed', 'sentence'),
    [
        ('jazzy', (), r'needs carla_ros_bridge: branch ika/0\.9\.16 of .* for CARLA 0\.9\.16'),
        ('jazzy', ('carla_ros_bridge',), 'needs carla_spawn_objects: branch ika/'),
        ('kilted', (), 'no bridge is known for this ROS, use carla_mode:=native'),
    ],
)
def test_a_missing_bridge_is_one_sentence(prefix, monkeypatch, distribution, installed, sentence):
    """It says what to install for the ROS of the user."""
    install(prefix, *installed)
    monkeypatch.setenv('ROS_DISTRO', distribution)
    with pytest.raises(RuntimeError, match=sentence) as caught:
        launch(carla_mode='bridge')
    assert '\n' not in str(caught.value)


def test_the_bridge_takes_the_name_of_the_vehicle_from_the_file(prefix):
    """Another role_name would listen to topics that nobody publishes."""
    install(prefix, *FOREIGN)
    with pytest.raises(RuntimeError, match='pass role_name:=ego_vehicle') as caught:
        launch(carla_mode='bridge', role_name='hero')
    assert 'found hero' in str(caught.value)
    launch(carla_mode='bridge', role_name='hero', **vehicle_file(prefix, 'hero'))
    for mode in ('native', 'attach'):
        launch(carla_mode=mode, role_name='hero')


@pytest.mark.parametrize(
    ('text', 'reason'), [(None, 'No such file'), ('{', 'Expecting'), ('{"objects": [3]}', "'int'")]
)
def test_a_bridge_without_an_objects_file_is_one_sentence(prefix, text, reason):
    """Before anything is started."""
    install(prefix, *FOREIGN)
    path = prefix / 'mine.json'
    if text is not None:
        path.write_text(text)
    with pytest.raises(RuntimeError, match=rf'sensors in .*mine\.json: .*{reason}') as caught:
        launch(carla_mode='bridge', objects_definition_file=str(path))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('mode', ['attach', 'native'])
def test_all_nodes_but_the_one_that_makes_the_time_use_sim_time(mode):
    """Results carry the stamps of the simulation."""
    commands = nodes(launch(carla_mode=mode, record='/tmp/drive'))
    for name in ('segformer_node', 'evaluation_node', 'recorder_node'):
        assert values(commands[name])['use_sim_time'] is True
    if mode == 'native':
        assert 'use_sim_time' not in values(commands['carla_world_node'])


def test_several_cameras_have_their_results_next_to_them():
    """The evaluation takes those of one."""
    names = [
        item.id
        for item in read_vehicle(ROOT / 'config' / 'carla_objects_surround.json').cameras
        if item.type.endswith('rgb') and item.id != 'rgb_view'
    ]
    commands = nodes(launch(cameras=f'[{", ".join(names)}]', camera='rgb_front'))
    node = commands['segformer_node']
    assert values(node)['cameras'] == names
    assert '__ns:=/carla/ego_vehicle' in node.arguments
    remapped = pairs(commands['evaluation_node'], '-r')
    assert remapped['label/image'] == f'{FRONT}/label/image'
    assert remapped['depth/image'] == f'{FRONT}/depth/image'
    stats = '/carla/ego_vehicle/segformer_node/frame_stats'
    assert remapped['segformer_node/frame_stats'] == stats


def test_one_camera_has_no_namespace():
    """However the empty list is written."""
    for empty in ("['']", '[]', '[""]'):
        assert '__ns' not in ' '.join(nodes(launch(cameras=empty))['segformer_node'].arguments)


def test_a_recording_has_camera_ground_truth_and_results():
    """All that `segformer evaluate --bag` reads, and what a replay needs."""
    topics = values(nodes(launch(record='/tmp/drive'))['recorder_node'])['topics']
    assert topics == [
        f'{FRONT}/image',
        f'{FRONT}/camera_info',
        '/carla/ego_vehicle/semantic_segmentation_front/image',
        '/carla/ego_vehicle/depth_front/image',
        '/carla/ego_vehicle/odometry',
        '/label/image',
        '/label/camera_info',
        '/depth/image',
        '/depth/camera_info',
        '/depth/relative/image',
        '/depth/relative/camera_info',
        '/clock',
        '/tf',
    ]


def test_a_drive_goes_into_a_dataset_while_it_happens():
    """With the camera, the truth and the coding of the session."""
    assert 'dataset_recorder_node' not in nodes(launch())
    arguments = {'dataset': '/tmp/dataset', 'dataset_split': 'val', 'carla_mode': 'native'}
    arguments['camera_fov_deg'] = '90'
    assert values(nodes(launch(**arguments))['dataset_recorder_node']) == {
        'dataset': '/tmp/dataset',
        'split': 'val',
        'every': 10,
        'role_name': 'ego_vehicle',
        'camera': 'rgb_front',
        'label_sensor': 'semantic_segmentation_front',
        'depth_sensor': 'depth_front',
        'coding': 'native',
        'tag_table': 'auto',
        'camera_fov_deg': 90.0,
        'use_sim_time': True,
    }


def test_the_evaluation_can_be_left_out():
    """Where there is no truth."""
    assert 'evaluation_node' not in nodes(launch(evaluate='false'))


@pytest.mark.parametrize(
    ('mode', 'frame'), [('attach', 'ego_vehicle/rgb_front'), ('native', 'rgb_front')]
)
def test_rviz_shows_the_frame_of_the_camera(mode, frame):
    """CARLA itself leaves the vehicle out of the names of frames."""
    rviz = nodes(launch(carla_mode=mode, rviz='true'))['rviz2']
    assert rviz.arguments[rviz.arguments.index('-f') + 1] == frame


@pytest.mark.parametrize(
    'argument', [{'carla_mode': 'nativ'}, {'tag_table': 't9'}, {'coding': 'x'}]
)
def test_another_choice_is_refused(argument):
    """A typing error is no attached world."""
    with pytest.raises(ValueError, match='must be one of'):
        launch(**argument)


def test_the_documentation_lists_the_arguments():
    """Names, defaults and descriptions as the launch file has them."""
    context = stand_in.declared(ROOT / 'launch' / 'carla.launch.py', share=ROOT)
    text = (ROOT / 'docs' / 'carla.md').read_text()
    table = text.split('<!-- arguments -->')[1].split('<!-- /arguments -->')[0]
    rows = [line for line in table.splitlines() if line.startswith('| `')]
    expected = []
    for name, description in context.declared.items():
        default = context.arguments[name].removeprefix(f'{ROOT}/')
        cell = f'`{default}`' if default else ''
        expected.append(f'| `{name}` | {cell} | {description} |')
    assert rows == expected


def documented(program):
    """Return the words after a program in every command of the documentation."""
    text = (ROOT / 'docs' / 'carla.md').read_text().replace('\\\n', ' ')
    lines = [line.strip() for line in text.splitlines() if line.startswith('    ')]
    return [shlex.split(line.removeprefix(program)) for line in lines if line.startswith(program)]


LAUNCHED = documented('ros2 launch segformer_ros carla.launch.py')


@pytest.mark.parametrize('words', LAUNCHED, ids=' '.join)
def test_the_documented_launches_resolve(prefix, words):
    """Every argument exists and has a value that is taken."""
    install(prefix, *FOREIGN)
    arguments = dict(word.split(':=', 1) for word in words if ':=' in word)
    commands = nodes(launch(**arguments))
    mode = arguments.get('carla_mode', 'attach')
    assert {'segformer_node', 'evaluation_node'} <= commands.keys()
    assert ('bridge' in commands) is (mode == 'bridge')
    assert ('carla_world_node' in commands) is (mode == 'native')


def test_the_documented_commands_are_taken():
    """Each has a launch of its mode, and the commands beside them parse."""
    modes = {word for words in LAUNCHED for word in words if word.startswith('carla_mode')}
    assert modes == {f'carla_mode:={mode}' for mode in ('attach', 'bridge', 'native')}
    commands = documented('segformer ')
    assert len(commands) == 4
    for words in commands:
        module = import_module(f'segformer_ros.commands.{words[0].replace("-", "_")}')
        parser = argparse.ArgumentParser(exit_on_error=False)
        module.add_arguments(parser)
        parser.parse_args(words[1:])
