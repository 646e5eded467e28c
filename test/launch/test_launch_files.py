# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the launch files start, and with what."""

from dataclasses import fields
import os
from pathlib import Path

import pytest
from segformer_ros.nodes.carla_world_node import CarlaWorldParameters
from segformer_ros.nodes.dataset_recorder_node import DatasetRecorderParameters
from segformer_ros.nodes.evaluation_parameters import EvaluationParameters
from segformer_ros.nodes.parameters import Parameters
from segformer_ros.nodes.recorder_node import RecorderParameters
from segformer_ros.nodes.replay_node import ReplayParameters
from segformer_ros.nodes.world_parameters import WorldParameters
import stand_in
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted(path.name for path in (ROOT / 'launch').iterdir() if path.suffix == '.py')
PROFILE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
PARAMETERS = {
    'segformer_node': Parameters,
    'world_node': WorldParameters,
    'carla_world_node': CarlaWorldParameters,
    'evaluation_node': EvaluationParameters,
    'replay_node': ReplayParameters,
    'recorder_node': RecorderParameters,
    'dataset_recorder_node': DatasetRecorderParameters,
}


def launch(name, *, environment=None, **arguments):
    """Run a launch file of the checkout."""
    path = ROOT / 'launch' / f'{name}.launch.py'
    return stand_in.launch(path, share=ROOT, environment=environment, **arguments)


def nodes(context):
    """Give the commands by executable."""
    return {item.executable: item for item in context.commands}


def pairs(command, flag):
    """Give what stands behind every -p or -r, by name."""
    words = command.arguments
    found = [words[index + 1] for index, word in enumerate(words) if word == flag]
    return dict(item.split(':=', 1) for item in found)


def values(command):
    """Give the parameters as the node reads them."""
    return {name: yaml.safe_load(text) for name, text in pairs(command, '-p').items()}


def test_there_are_four_launch_files():
    """Each is described in the documentation."""
    assert FILES == [
        'carla.launch.py',
        'demo.launch.py',
        'replay.launch.py',
        'segformer.launch.py',
    ]


@pytest.mark.parametrize('name', [item.split('.')[0] for item in FILES])
def test_only_programs_and_parameters_that_exist_are_used(name):
    """ROS takes a parameter that a node does not know without a word."""
    everything = {
        'replay': {'record': '/tmp/bag'},
        'carla': {'record': '/tmp/bag', 'carla_mode': 'native'},
    }
    context = launch(name, **everything.get(name, {}))
    assert context.commands
    for command in context.commands:
        assert command.package == 'segformer_ros'
        program = ROOT / 'scripts' / command.executable
        assert os.access(program, os.X_OK)
        known = {item.name for item in fields(PARAMETERS[command.executable])}
        assert values(command).keys() <= known | {'use_sim_time'}


@pytest.mark.parametrize('name', [item.split('.')[0] for item in FILES])
def test_large_images_have_their_profile(name):
    """Without it most images are lost between processes."""
    for command in launch(name).commands:
        assert command.environment[PROFILE] == f'{ROOT}/config/fastdds_large_images.xml'
    assert (ROOT / 'config' / 'fastdds_large_images.xml').is_file()
    for command in launch(name, environment={PROFILE: '/etc/mine.xml'}).commands:
        assert command.environment[PROFILE] == '/etc/mine.xml'


def test_arguments_become_parameters_and_remappings():
    """The arguments say what the README says they say."""
    command = nodes(launch('segformer', model='b5', image='/front/image_raw', cameras='[a, b]'))
    assert values(command['segformer_node']) == {
        'model': 'b5',
        'backend': 'auto',
        'cameras': ['a', 'b'],
        'camera_info_topics': [''],
        'camera_fov_deg': 0.0,
        'use_sim_time': False,
    }
    assert pairs(command['segformer_node'], '-r') == {
        'image': '/front/image_raw',
        'camera_info': '/front/camera_info',
    }


def test_each_camera_may_have_its_camera_info_elsewhere():
    """One topic for each of them."""
    infos = '[/calibration/a, /calibration/b]'
    command = nodes(launch('segformer', cameras='[a, b]', camera_info_topics=infos))
    found = values(command['segformer_node'])['camera_info_topics']
    assert found == ['/calibration/a', '/calibration/b']


def test_text_that_looks_like_something_else_stays_text():
    """A bundle called y is no boolean."""
    command = nodes(launch('segformer', model='y', backend='1'))['segformer_node']
    assert values(command)['model'] == 'y'
    assert values(command)['backend'] == '1'


def test_a_parameter_file_wins_over_the_arguments():
    """The node takes its arguments in order, and the file comes last."""
    context = launch('segformer', params_file='/tmp/mine.yaml', namespace='front')
    words = nodes(context)['segformer_node'].arguments
    assert words.index('--params-file') > max(
        index for index, word in enumerate(words) if word == '-p'
    )
    assert words[words.index('--params-file') + 1] == '/tmp/mine.yaml'
    assert '__ns:=/front' in words


def test_rviz_shows_the_topics_of_the_node():
    """The file for RViz names the topics without a namespace; remappings bring it in."""
    commands = nodes(launch('segformer', rviz='true', image='/front/image', namespace='left'))
    rviz = commands['rviz2']
    config = yaml.safe_load(Path(rviz.arguments[1]).read_text())
    displays = config['Visualization Manager']['Displays']
    remapped = pairs(rviz, '-r')
    assert remapped['/image'] == '/front/image'
    for display in displays:
        assert display['Topic']['Value'] in remapped
    assert '__ns:=/left' in rviz.arguments
    assert rviz.arguments[rviz.arguments.index('-f') + 1] == 'camera_optical_frame'


def test_the_demo_runs_on_the_time_of_the_world():
    """Everything but the world itself, which makes the time, uses /clock."""
    commands = nodes(launch('demo', seed='7', rate_hz='5'))
    assert commands.keys() == {'segformer_node', 'evaluation_node', 'world_node'}
    assert values(commands['segformer_node'])['use_sim_time'] is True
    assert values(commands['evaluation_node'])['use_sim_time'] is True
    assert 'use_sim_time' not in values(commands['world_node'])
    assert values(commands['world_node'])['seed'] == 7
    assert values(commands['world_node'])['rate_hz'] == 5.0
    assert commands['world_node'].ends_all
    camera = '/carla/ego_vehicle/rgb_front'
    assert pairs(commands['segformer_node'], '-r')['image'] == f'{camera}/image'
    assert pairs(commands['evaluation_node'], '-r')['camera_info'] == f'{camera}/camera_info'


def test_a_replay_records_only_when_it_is_told_where():
    """The end of the recording ends everything, and so closes the new bag."""
    commands = nodes(launch('replay', input='drive.mp4'))
    assert commands.keys() == {'segformer_node', 'replay_node'}
    assert commands['replay_node'].ends_all
    commands = nodes(launch('replay', input='drive.mp4', record='/tmp/results'))
    assert values(commands['recorder_node']) == {
        'topics': ['label/image', 'label/camera_info', 'depth/image', 'depth/camera_info'],
        'output': '/tmp/results',
    }


def test_a_bag_is_labelled_by_the_name_of_its_topic():
    """The camera_info beside it is found without being named."""
    arguments = {'image': '/front/image', 'topics': '[/front/image]'}
    commands = nodes(launch('replay', input='drive', **arguments))
    remapped = pairs(commands['segformer_node'], '-r')
    assert remapped == {'image': '/front/image', 'camera_info': '/front/camera_info'}
    assert values(commands['replay_node'])['topics'] == ['/front/image']


def test_an_argument_that_no_file_declares_is_noticed():
    """The stand-in is as strict as launch is."""
    with pytest.raises(AssertionError, match='does not declare'):
        launch('demo', colour='red')
