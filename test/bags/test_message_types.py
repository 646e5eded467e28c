# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Definitions of message types."""

from pathlib import Path

import pytest
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from segformer_ros.bags import message_types

_MSG = Path(__file__).parents[2] / 'msg'


@pytest.mark.parametrize('name', ['LabelClass', 'LabelClasses'])
def test_our_types_are_those_of_the_msg_folder(name):
    """The copies in the package are for those who did not build the messages."""
    full = f'segformer_ros/msg/{name}'
    expected = get_types_from_msg((_MSG / f'{name}.msg').read_text(), full)
    assert message_types.make_store().fielddefs[full] == expected[full]


@pytest.mark.parametrize('name', ['jazzy', 'kilted', 'lyrical'])
def test_types_are_those_of_the_distribution(monkeypatch, name):
    """Of the one that is named or sourced, else of Jazzy; another name is an error."""
    expected = get_typestore(Stores(f'ros2_{name}')).fielddefs
    changed = 'sensor_msgs/msg/CameraInfo', 'sensor_msgs/msg/PointField'
    monkeypatch.setenv('ROS_DISTRO', 'rolling')
    named = message_types.make_store(name)
    default = message_types.make_store()
    monkeypatch.setenv('ROS_DISTRO', name)
    sourced = message_types.make_store()
    for kind in changed:
        assert named.fielddefs[kind] == sourced.fielddefs[kind] == expected[kind]
    assert set(named.fielddefs) == set(sourced.fielddefs) > set(expected)
    assert set(default.fielddefs) > set(get_typestore(Stores.ROS2_JAZZY).fielddefs)
    with pytest.raises(ValueError, match="of jazzy, kilted, lyrical, humble, found 'foxy'"):
        message_types.make_store('foxy')


def test_a_type_is_read_from_the_text_in_a_bag():
    """With the types that it is made of."""
    store = message_types.make_store()
    text = f'std_msgs/Header header\nInner inner\n{"=" * 80}\nMSG: other/Inner\nuint8 value\n'
    assert message_types.learn(store, 'other/msg/Outer', text)
    assert {'other/msg/Outer', 'other/msg/Inner'} <= set(store.fielddefs)
    assert message_types.learn(store, 'std_msgs/msg/Header', 'nonsense')
    assert not message_types.learn(store, 'other/msg/Bad', '%%%')


def test_a_type_is_read_from_an_installed_package(tmp_path, monkeypatch):
    """From share/ of any prefix, with the types that it is made of."""
    folder = tmp_path / 'share' / 'other' / 'msg'
    folder.mkdir(parents=True)
    (folder / 'Outer.msg').write_text('std_msgs/Header header\nInner[] inner\n')
    (folder / 'Inner.msg').write_text('geometry_msgs/Point place\n')
    (folder / 'Lost.msg').write_text('nowhere/Thing thing\n')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/nowhere:{tmp_path}')
    store = message_types.make_store()
    assert message_types.learn_installed(store, 'other/msg/Outer')
    assert {'other/msg/Outer', 'other/msg/Inner'} <= set(store.fielddefs)
    assert message_types.learn_installed(store, 'sensor_msgs/msg/Image')
    assert not message_types.learn_installed(store, 'other/msg/Lost')
    assert not message_types.learn_installed(store, 'other/msg/Missing')
