# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The objects files that ship, and what is refused."""

import json
from pathlib import Path

import pytest
from segformer_ros.carla.objects import ObjectsError, parse_vehicle, Pose, read_vehicle
from segformer_ros.carla.topics import DEPTH, LABELS, RGB, ROLE_NAME

CONFIG = Path(__file__).parents[2] / 'config'
FILES = sorted(CONFIG.glob('carla_objects*.json'))


@pytest.mark.parametrize('path', FILES, ids=lambda item: item.stem)
def test_the_files_that_ship_are_valid(path):
    """With what the bridge's manual control needs, and nothing of another role."""
    vehicle = read_vehicle(path)
    assert vehicle.id == ROLE_NAME
    assert vehicle.pose is None
    ids = {sensor.id: sensor for sensor in vehicle.sensors}
    assert {'rgb_view', 'gnss', 'imu', 'collision', 'lane_invasion', 'control'} <= ids.keys()
    assert len(json.loads(path.read_text())['objects']) == 1


@pytest.mark.parametrize('path', FILES, ids=lambda item: item.stem)
def test_the_ground_truth_is_seen_from_the_camera(path):
    """Same pose, size and field of view, and no clock of its own: the frames agree in stamp."""
    sensors = {sensor.id: sensor for sensor in read_vehicle(path).sensors}
    camera = sensors[RGB]
    for name, kind in ((LABELS, 'semantic_segmentation'), (DEPTH, 'depth')):
        assert sensors[name].type == f'sensor.camera.{kind}'
        assert sensors[name].pose == camera.pose
        assert sensors[name].attributes == camera.attributes
    assert all('sensor_tick' not in sensor.attributes for sensor in sensors.values())


def test_the_surround_rig_has_six_cameras_all_around():
    """They overlap: 60 degrees apart, 80 degrees wide."""
    vehicle = read_vehicle(CONFIG / 'carla_objects_surround.json')
    rig = [item for item in vehicle.cameras if item.type.endswith('rgb') and item.id != 'rgb_view']
    assert sorted(item.pose.yaw for item in rig) == [-120.0, -60.0, 0.0, 60.0, 120.0, 180.0]
    assert {item.attributes['fov'] for item in rig} == {'80.0'}
    assert all((item.pose.y > 0.0) == ('left' in item.id) for item in rig)


def test_poses_turn_from_ros_to_carla():
    """CARLA is left-handed: left, down and to the left become negative."""
    assert Pose(1.0, 2.0, 3.0, 4.0, 5.0, 6.0).in_carla() == Pose(1.0, -2.0, 3.0, 4.0, -5.0, -6.0)


def vehicle(**changes):
    """Make the smallest file with a camera."""
    pose = dict.fromkeys(('x', 'y', 'z', 'roll', 'pitch', 'yaw'), 0.0)
    sensor = {
        'type': 'sensor.camera.rgb', 'id': 'front', 'spawn_point': pose, 'image_size_x': 8,
        'image_size_y': 4, 'fov': 90.0,
    }  # fmt: skip
    item = {'type': 'vehicle.tesla.model3', 'id': 'ego', 'sensors': [sensor | changes]}
    return {'objects': [item]}


def test_attributes_become_text_and_pseudo_sensors_need_no_pose():
    """As the blueprints of CARLA take them."""
    content = vehicle(gamma=2.2)
    content['objects'][0]['sensors'].append({'type': 'sensor.pseudo.tf', 'id': 'tf'})
    front, pseudo = parse_vehicle(content).sensors
    assert front.attributes == {
        'image_size_x': '8', 'image_size_y': '4', 'fov': '90.0', 'gamma': '2.2',
    }  # fmt: skip
    assert (front.is_camera, pseudo.is_camera, pseudo.pose) == (True, False, Pose())


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        ([], 'expected the file to be an object, found list'),
        ({}, 'expected objects to be a list, found NoneType'),
        ({'objects': []}, 'expected one vehicle in objects, found 0'),
        ({'objects': vehicle()['objects'] * 2}, 'found 2'),
        ({'objects': [vehicle()['objects'][0] | {'speed': 3}]}, 'keys of no meaning: speed'),
        ({'objects': [vehicle()['objects'][0] | {'id': 'a/b'}]}, "found 'a/b'"),
        (vehicle(type='camera'), "expected a type that starts with sensor., found 'camera'"),
        (vehicle(id=7), 'to be letters, digits and _, found 7'),
        (vehicle(spawn_point={'x': 1.0}), 'expected x, y, z, roll, pitch, yaw'),
        (vehicle(spawn_point=None), 'expected spawn_point of front to be an object'),
        (vehicle(fov='wide'), "expected fov of front to be a number above 0, found 'wide'"),
        (vehicle(image_size_x=0), 'image_size_x of front to be a number above 0, found 0'),
        (vehicle(flag=True), 'expected a number or text for flag of front, found True'),
    ],
)
def test_a_file_with_a_mistake_is_refused(content, reason):
    """The sentence says what was expected and what was found."""
    with pytest.raises(ObjectsError, match=reason):
        parse_vehicle(content)


def test_sensors_need_ids_of_their_own():
    """Two sensors would share topics."""
    content = vehicle()
    content['objects'][0]['sensors'] *= 2
    with pytest.raises(ObjectsError, match='found twice: front'):
        parse_vehicle(content)


def test_a_pose_holds_finite_numbers():
    """JSON of Python reads NaN."""
    pose = dict.fromkeys(('x', 'y', 'z', 'roll', 'pitch', 'yaw'), 0.0) | {'yaw': float('nan')}
    with pytest.raises(ObjectsError, match='expected a number for yaw of front, found nan'):
        parse_vehicle(vehicle(spawn_point=pose))


def test_a_missing_or_damaged_file_is_one_sentence(tmp_path):
    """With its path."""
    with pytest.raises(ObjectsError, match=r'mine\.json: No such file'):
        read_vehicle(tmp_path / 'mine.json')
    path = tmp_path / 'bad.json'
    path.write_text('{')
    with pytest.raises(ObjectsError, match=r'expected JSON in .*bad\.json'):
        read_vehicle(path)
    path.write_text('{"objects": 3}')
    with pytest.raises(ObjectsError, match=r'bad\.json: expected objects to be a list'):
        read_vehicle(path)
