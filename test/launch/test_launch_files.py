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
from segformer_ros.nodes.viewer_node import ViewerParameters
from segformer_ros.nodes.world_parameters import WorldParameters
from segformer_ros.output_topics import table
import stand_in
from stand_in import nodes, pairs, values
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted(path.name for path in (ROOT / 'launch').iterdir() if path.suffix == '.py')
PROFILES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
PARAMETERS = {
    'segformer_node': Parameters,
    'world_node': WorldParameters,
    'carla_world_node': CarlaWorldParameters,
    'evaluation_node': EvaluationParameters,
    'replay_node': ReplayParameters,
    'recorder_node': RecorderParameters,
    'viewer_node': ViewerParameters,
    'dataset_recorder_node': DatasetRecorderParameters,
}


def launch(name, *, environment=None, **arguments):
    """Run a launch file of the checkout."""
    path = ROOT / 'launch' / f'{name}.launch.py'
    return stand_in.launch(path, share=ROOT, environment=environment, **arguments)


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
    context = launch(name, viewer='true', **everything.get(name, {}))
    assert 'viewer_node' in nodes(context)
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
        for profile in PROFILES:
            assert command.environment[profile] == f'{ROOT}/config/fastdds_large_images.xml'
    assert (ROOT / 'config' / 'fastdds_large_images.xml').is_file()
    for users in PROFILES:
        for command in launch(name, environment={users: '/etc/mine.xml'}).commands:
            assert all(command.environment[profile] == '/etc/mine.xml' for profile in PROFILES)


@pytest.mark.parametrize('name', [item.split('.')[0] for item in FILES])
def test_what_every_program_reports_is_on_the_screen(name):
    """Of RViz too: a missing plugin would otherwise be in a log that no one opens."""
    everything = {'replay': {'record': '/tmp/bag'}, 'carla': {'record': '/tmp/bag'}}
    commands = launch(name, rviz='true', viewer='true', **everything.get(name, {})).commands
    assert 'rviz2' in {command.executable for command in commands}
    assert {command.output for command in commands} == {'screen'}


def test_arguments_become_parameters_and_remappings():
    """The arguments say what the README says they say."""
    command = nodes(launch('segformer', model='b5', image='/front/image_raw'))
    assert values(command['segformer_node']) == {
        'model': 'b5',
        'backend': 'auto',
        'transport': 'raw',
        'cameras': [''],
        'camera_info_topics': [''],
        'camera_fov_deg': 0.0,
        'use_sim_time': False,
    }
    assert pairs(command['segformer_node'], '-r') == {
        'image': '/front/image_raw',
        'image/compressed': '/front/image_raw/compressed',
        'camera_info': '/front/camera_info',
    }
    command = nodes(launch('segformer', cameras='[a, b]', camera_info_topics='[/c, /d]'))
    assert values(command['segformer_node'])['cameras'] == ['a', 'b']
    assert values(command['segformer_node'])['camera_info_topics'] == ['/c', '/d']


def test_the_viewer_shows_what_the_node_takes_and_publishes():
    """Of several cameras all; of CARLA with its ground truth."""
    one = nodes(launch('segformer', viewer='true', image='/front/image_raw'))['viewer_node']
    assert pairs(one, '-r') == {
        'image': '/front/image_raw',
        'camera_info': '/front/camera_info',
    }
    assert values(one)['transport'] == 'raw'
    assert values(one)['cameras'] == ['']
    given = {'cameras': '[a, b]', 'camera_info_topics': "['', /b_info]"}
    several = nodes(launch('segformer', viewer='true', **given))['viewer_node']
    assert values(several)['cameras'] == ['a', 'b']
    assert pairs(several, '-r') == {'b/camera_info': '/b_info'}
    segformer = nodes(launch('segformer', **given))['segformer_node']
    assert values(segformer)['camera_info_topics'] == ['', '/b_info']
    carla = launch('carla', viewer='true', role_name='hero', carla_mode='native')
    shown = values(nodes(carla)['viewer_node'])
    assert {'role_name': 'hero', 'coding': 'native', 'use_sim_time': True}.items() <= shown.items()
    assert 'viewer_node' not in nodes(launch('segformer'))


def test_compressed_images_are_found_where_they_are():
    """Whether the topic is named with or without its end."""
    for image in ('/front/image', '/front/image/compressed'):
        command = nodes(launch('segformer', image=image, transport='compressed'))
        assert values(command['segformer_node'])['transport'] == 'compressed'
        assert pairs(command['segformer_node'], '-r') == {
            'image': '/front/image',
            'image/compressed': '/front/image/compressed',
            'camera_info': '/front/camera_info',
        }


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        ({'cameras': 'front'}, r"in cameras, such as cameras:=\[front, left\], found 'front'"),
        ({'cameras': '[1, 2]'}, r"in cameras, .* found '\[1, 2\]'"),
        ({'cameras': '[a'}, r"in cameras, .* found '\[a'"),
        ({'cameras': '[a, b]', 'image': '/x/image'}, r'are for one camera: with cameras:=\[a, b'),
        ({'cameras': '[a]', 'camera_info': '/x'}, 'camera_info_topics names other places'),
        ({'params_file': '/nowhere.yaml'}, 'in params_file, found none at /nowhere.yaml'),
    ],
)
def test_a_wrong_argument_is_named(arguments, words):
    """Before anything starts."""
    with pytest.raises(RuntimeError, match=words):
        launch('segformer', **arguments)


def test_a_quote_in_a_topic_is_no_syntax_error():
    """ROS refuses the name itself, and says it."""
    for name in ('segformer', 'replay'):
        command = nodes(launch(name, image="/a'b/image"))['segformer_node']
        assert pairs(command, '-r')['camera_info'] == "/a'b/camera_info"


@pytest.mark.parametrize(
    ('name', 'arguments', 'node', 'parameter'),
    [
        ('segformer', {'camera_fov_deg': 'abc'}, 'segformer_node', 'camera_fov_deg'),
        ('demo', {'seed': 'abc'}, 'world_node', 'seed'),
        ('replay', {'rate': 'abc'}, 'replay_node', 'rate'),
        ('carla', {'seed': 'abc', 'carla_mode': 'native'}, 'carla_world_node', 'seed'),
        (
            'carla',
            {'camera_fov_deg': 'abc', 'dataset': '/d'},
            'dataset_recorder_node',
            'camera_fov_deg',
        ),
    ],
)
def test_what_is_no_number_is_for_the_node_to_refuse(name, arguments, node, parameter):
    """It names the parameter; launch does not."""
    assert values(nodes(launch(name, **arguments))[node])[parameter] == 'abc'


@pytest.mark.parametrize(
    ('name', 'arguments'),
    [
        ('segformer', {}),
        ('replay', {'record': '/tmp/bag'}),
        ('demo', {}),
        ('carla', {'record': '/tmp/bag', 'dataset': '/tmp/d', 'carla_mode': 'native'}),
    ],
)
def test_a_node_that_fails_ends_everything_with_an_error(name, arguments):
    """A bag that cannot be recorded is no reason to play on."""
    for command in launch(name, **arguments).commands:
        with pytest.raises(RuntimeError, match=f'{command.executable} has failed'):
            command.exit(1)


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


def test_a_parameter_file_wins_over_the_arguments(tmp_path):
    """The node takes its arguments in order, and the file comes last."""
    path = tmp_path / 'mine.yaml'
    path.write_text('')
    context = launch('segformer', params_file=str(path), namespace='front')
    words = nodes(context)['segformer_node'].arguments
    assert words.index('--params-file') > max(
        index for index, word in enumerate(words) if word == '-p'
    )
    assert words[words.index('--params-file') + 1] == str(path)
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
    # RViz takes 16UC1 for what it is, a number of millimetres.
    depths = [item for item in displays if item['Topic']['Value'] == '/depth/image']
    assert [(item['Max Value'], item['Enabled']) for item in depths] == [
        (80, True),
        (65535, False),
    ]
    assert '__ns:=/left' in rviz.arguments
    assert rviz.arguments[rviz.arguments.index('-f') + 1] == 'camera_optical_frame'


def test_rviz_shows_the_first_of_several_cameras():
    """Its image and its results, below the namespace."""
    commands = nodes(launch('segformer', rviz='true', cameras='[front, left]', namespace='car'))
    remapped = pairs(commands['rviz2'], '-r')
    assert remapped['/image'] == 'front/image'
    assert remapped['/camera_info'] == 'front/camera_info'
    assert remapped['/label/color/image'] == 'front/label/color/image'
    assert remapped['/depth/points'] == 'front/depth/points'


def test_the_demo_runs_on_the_time_of_the_world():
    """Everything but the world itself, which makes the time, uses /clock."""
    commands = nodes(launch('demo', seed='7', rate_hz='5'))
    assert commands.keys() == {'segformer_node', 'evaluation_node', 'world_node'}
    assert values(commands['segformer_node'])['use_sim_time'] is True
    assert values(commands['evaluation_node'])['use_sim_time'] is True
    assert 'use_sim_time' not in values(commands['world_node'])
    assert values(commands['world_node'])['seed'] == 7
    assert values(commands['world_node'])['rate_hz'] == 5.0
    assert commands['world_node'].exit(0) == 'the drive is over'
    camera = '/carla/ego_vehicle/rgb_front'
    assert pairs(commands['segformer_node'], '-r')['image'] == f'{camera}/image'
    assert pairs(commands['evaluation_node'], '-r')['camera_info'] == f'{camera}/camera_info'


# The images that every network may give, with their camera_info: those without a switch.
RESULTS = sorted(row.topic for row in table.OUTPUTS if not row.switch)


def test_a_replay_records_only_into_a_named_folder():
    """The end of the recording ends everything, and so closes the new bag."""
    commands = nodes(launch('replay', input='drive.mp4'))
    assert commands.keys() == {'segformer_node', 'replay_node'}
    assert commands['replay_node'].exit(0) == 'the recording is over'
    commands = nodes(launch('replay', input='drive.mp4', record='/tmp/results'))
    recorder = values(commands['recorder_node'])
    assert (sorted(recorder['topics']), recorder['output']) == (RESULTS, '/tmp/results')
    assert values(commands['replay_node'])['recorded'] == recorder['topics']


def test_a_bag_is_labelled_by_the_name_of_its_topic():
    """The camera_info beside it is found without being named."""
    arguments = {'image': '/front/image', 'topics': '[/front/image]'}
    commands = nodes(launch('replay', input='drive', **arguments))
    remapped = pairs(commands['segformer_node'], '-r')
    assert (remapped['image'], remapped['camera_info']) == ('/front/image', '/front/camera_info')
    assert values(commands['replay_node'])['image'] == '/front/image'
    assert values(commands['replay_node'])['topics'] == ['/front/image']
    # RViz and the viewer listen too, and may come before the network.
    assert values(commands['replay_node'])['subscriber'] == 'segformer_node'


def test_an_argument_that_no_file_declares_is_noticed():
    """The stand-in is as strict as launch is."""
    with pytest.raises(AssertionError, match='does not declare'):
        launch('demo', colour='red')
