# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The layout for Foxglove names topics and fields that there are."""

import json
from pathlib import Path
import re

from segformer_ros.output_topics import table

ROOT = Path(__file__).parents[1]
LAYOUT = json.loads((ROOT / 'config' / 'segformer.foxglove.json').read_text('utf-8'))
OUTPUTS = {f'/{row.topic}': row.type for row in table.OUTPUTS}


def panels(content):
    """Return the panels of a layout, in reading order."""
    if content['type'] == 'panel':
        return [content]
    return [panel for item in content['items'] for panel in panels(item['content'])]


def by_title():
    """Return the configurations of the panels."""
    return {panel['title']: panel['config'] for panel in panels(LAYOUT['content'])}


def test_images_are_outputs_that_foxglove_shows():
    """Colours as they are, depth with its range in metres."""
    found = by_title()
    modes = [config['imageMode'] for config in found.values() if 'imageMode' in config]
    assert [OUTPUTS[mode['imageTopic']] for mode in modes] == ['sensor_msgs/msg/Image'] * 3
    depth = found['Depth (m)']['imageMode']
    assert OUTPUTS[depth['calibrationTopic']] == 'sensor_msgs/msg/CameraInfo'
    assert (depth['colorMap'], depth['minValue'], depth['maxValue']) == ('turbo', 0, 80)


def test_points_have_the_colours_of_their_classes():
    """In the field rgb."""
    ((topic, shown),) = by_title()['Points by class']['topics'].items()
    assert OUTPUTS[topic] == 'sensor_msgs/msg/PointCloud2'
    assert (shown['colorMode'], shown['colorField'], shown['visible']) == ('rgb', 'rgb', True)


def test_plots_are_fields_of_frame_stats():
    """Each path ends in a field of the message, and is enabled."""
    text = (ROOT / 'msg' / 'FrameStats.msg').read_text('utf-8')
    fields = set(re.findall(r'^(?:float32|uint64) (\w+)', text, re.M))
    for title in ('Latency (ms)', 'Dropped frames'):
        paths = by_title()[title]['paths']
        assert paths
        for path in paths:
            topic, _, name = path['value'].partition('.')
            assert topic == '/segformer_node/frame_stats'
            assert name in fields
            assert path['enabled'] is True
