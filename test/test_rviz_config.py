# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The configuration of RViz names classes and properties that RViz has, and topics there are."""

from pathlib import Path

import pytest
from segformer_ros.output_topics import table
import yaml

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / 'config' / 'segformer.rviz').read_text('utf-8'))
MANAGER = CONFIG['Visualization Manager']
DISPLAYS = {item['Name']: item for item in MANAGER['Displays']}
OUTPUTS = {f'/{row.topic}': row.type for row in table.OUTPUTS}
FAR_M = 80
# Before 14.1.21, 15.0.13 and 15.2.4 ros_image_texture.cpp casts the limits of every encoding to
# uint16_t.
LARGEST = 65535

# Of ros2/rviz 14.1.22 (Jazzy), 15.0.13 (Kilted) and 15.2.4 (Lyrical), as they were released:
# rviz_default_plugins/plugins_description.xml, the constructors of displays/image,
# displays/pointcloud/point_cloud_common.cpp and of view_controllers/orbit; rviz_common:
# display.cpp, ros_topic_display.hpp, message_filter_display.hpp and
# properties/qos_profile_property.cpp. The same names in all three.
COMMON = {'Class', 'Name', 'Enabled', 'Value', 'Topic'}
PROPERTIES = {
    'rviz_default_plugins/Image': COMMON
    | {'Normalize Range', 'Min Value', 'Max Value', 'Median window'},
    'rviz_default_plugins/PointCloud2': COMMON
    | {'Selectable', 'Style', 'Size (m)', 'Size (Pixels)', 'Alpha', 'Decay Time'}
    | {'Position Transformer', 'Color Transformer'},
}
TYPES = {
    'rviz_default_plugins/Image': 'sensor_msgs/msg/Image',
    'rviz_default_plugins/PointCloud2': 'sensor_msgs/msg/PointCloud2',
}
QOS = {
    'Durability Policy': {'System Default', 'Transient Local', 'Volatile'},
    'History Policy': {'System Default', 'Keep Last', 'Keep All'},
    'Reliability Policy': {'System Default', 'Reliable', 'Best Effort'},
}
# image_transport's plugins: the Image display of Lyrical takes a topic that ends in one of these
# for compressed images of the topic before it.
TRANSPORTS = {'compressed', 'compressedDepth', 'theora', 'zstd', 'draco', 'ffmpeg'}
TOOLS = {
    f'rviz_default_plugins/{name}'
    for name in ('FocusCamera', 'Interact', 'Measure', 'MoveCamera', 'PublishPoint', 'Select')
}
ORBIT = {'Class', 'Name', 'Target Frame', 'Near Clip Distance'} | {
    'Distance',
    'Focal Point',
    'Pitch',
    'Yaw',
}


@pytest.mark.parametrize('display', DISPLAYS.values(), ids=DISPLAYS)
def test_displays_have_these_properties(display):
    """RViz ignores a name that it does not know, and shows its default."""
    assert display.keys() <= PROPERTIES[display['Class']]
    topic = dict(display['Topic'])
    for name, choices in QOS.items():
        assert topic.pop(name) in choices
    # Of a display with a message filter alone.
    if display['Class'] == 'rviz_default_plugins/PointCloud2':
        topic.pop('Filter size')
    assert topic.keys() == {'Value', 'Depth'}
    assert topic['Value'].rpartition('/')[2] not in TRANSPORTS


@pytest.mark.parametrize('display', DISPLAYS.values(), ids=DISPLAYS)
def test_displays_show_what_is_published(display):
    """The type fits; a camera may be best effort, and outputs that are reliable suit all."""
    topic, reliability = (display['Topic'][name] for name in ('Value', 'Reliability Policy'))
    if topic == '/image':
        assert reliability == 'Best Effort'
    else:
        assert OUTPUTS[topic] == TYPES[display['Class']]
        assert display['Topic']['Durability Policy'] == 'Volatile'
    if display['Class'] == 'rviz_default_plugins/PointCloud2':
        # As RViz itself has it since Lyrical (ros2/rviz#1621): after a lost cloud comes another.
        assert reliability == 'Best Effort'
        assert (display['Position Transformer'], display['Color Transformer']) == ('XYZ', 'RGB8')


def test_depth_has_the_range_of_all_pictures():
    """In the unit of its encoding; RViz would stretch it over each image."""
    shown = [item for item in DISPLAYS.values() if item['Topic']['Value'] == '/depth/image']
    assert [item['Max Value'] for item in shown] == [FAR_M, min(1000 * FAR_M, LARGEST)]
    assert {item['Min Value'] for item in shown} == {0}
    assert not any(item['Normalize Range'] for item in shown)


def test_depth_confidence_is_shown_on_demand():
    """A display that is enabled would make every network compute it."""
    topic = '/depth/confidence/image'
    (shown,) = [item for item in DISPLAYS.values() if item['Topic']['Value'] == topic]
    assert (shown['Enabled'], shown['Value']) == (False, False)


def test_tools_and_view_are_those_of_rviz():
    """A name that there is not makes RViz print an error at its start."""
    assert {item['Class'] for item in MANAGER['Tools']} <= TOOLS
    view = MANAGER['Views']['Current']
    assert view['Class'] == 'rviz_default_plugins/Orbit'
    assert view.keys() <= ORBIT
    assert {item['Class'] for item in CONFIG['Panels']} == {
        'rviz_common/Displays',
        'rviz_common/Views',
    }
